//! The images whose code this process runs: executable, libraries and the kernel's vDSO, with where they lie and what
//! stands in their files. What their symbols say is `symbols`' affair.

use object::{Object, ObjectSegment};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Leads to the executable of this process.
const ITSELF: &str = "/proc/self/exe";

/// One image.
#[derive(Debug)]
pub struct Module {
    /// File name, or `[vdso]`.
    pub name: String,
    /// Addresses of its code in this process.
    pub range: Range<u64>,
    /// What is added to an address of the file to get one of this process.
    pub bias: u64,
    /// The whole file.
    pub image: Vec<u8>,
}

impl Module {
    /// Where in the image an address of this process lies.
    pub fn offset(&self, address: u64) -> u64 {
        address.wrapping_sub(self.bias)
    }
}

/// All images, by address.
#[derive(Debug)]
pub struct Modules(Vec<Module>);

impl Modules {
    /// Those that are mapped now; one whose file cannot be read is left out.
    pub fn of_process() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        Self(mappings(&maps).into_iter().filter_map(load).collect())
    }

    /// The image that an address lies in.
    pub fn holding(&self, address: u64) -> Option<&Module> {
        self.0.iter().find(|module| module.range.contains(&address))
    }

    /// Every image.
    pub fn iter(&self) -> impl Iterator<Item = &Module> {
        self.0.iter()
    }
}

/// The executable part of one image in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapping<'a> {
    range: Range<u64>,
    offset: u64,
    path: &'a str,
}

/// The executable mappings of files and of the vDSO; several of one file in a row are one.
fn mappings(maps: &str) -> Vec<Mapping<'_>> {
    let mut found: Vec<Mapping<'_>> = Vec::new();
    for mapping in maps.lines().filter_map(mapping) {
        match found.last_mut() {
            Some(last) if last.path == mapping.path => last.range.end = mapping.range.end,
            _ => found.push(mapping),
        }
    }
    found
}

fn mapping(line: &str) -> Option<Mapping<'_>> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let executable = words.next()?.contains('x');
    let offset = number(words.next()?)?;
    let path = words.nth(2)?.trim_start();
    let known = path.starts_with('/') || path == "[vdso]";
    (executable && known).then_some(Mapping { range: number(start)?..number(end)?, offset, path })
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

fn load(mapping: Mapping<'_>) -> Option<Module> {
    let image = match mapping.path {
        "[vdso]" => memory(&mapping.range)?,
        path => std::fs::read(source(path, &executable())).ok()?,
    };
    let file = object::File::parse(&*image).ok()?;
    let page = |segment: &object::Segment<'_, '_>| {
        let (offset, bytes) = segment.file_range();
        (offset & !0xfff..offset + bytes)
            .contains(&mapping.offset)
            .then(|| segment.address().wrapping_sub(offset))
    };
    // Segments may share a page of the file: the executable one is the last that holds the mapping's first byte.
    let address = file.segments().filter_map(|segment| page(&segment)).last()?.wrapping_add(mapping.offset);
    let bias = mapping.range.start.wrapping_sub(address);
    let path = mapping.path.trim_end_matches(" (deleted)");
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    Some(Module { name, range: mapping.range, bias, image })
}

/// The path of the program that runs, as the kernel also calls it where it is mapped.
fn executable() -> String {
    std::fs::read_link(ITSELF).map_or(String::new(), |path| path.to_string_lossy().into_owned())
}

/// Where an image can be read. The link leads to the program that runs even where its file has been replaced; a library
/// that is gone has no such link.
fn source<'a>(path: &'a str, executable: &str) -> &'a str {
    if path == executable { ITSELF } else { path }
}

/// Bytes of this process; none where the kernel keeps them from it, as after a change of user.
fn memory(range: &Range<u64>) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(range.end - range.start).ok()?];
    std::fs::File::open("/proc/self/mem").ok()?.read_exact_at(&mut bytes, range.start).ok()?;
    Some(bytes)
}

#[cfg(test)]
impl Modules {
    /// No image at all.
    pub fn none() -> Self {
        Self(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_mappings_of_files_and_the_vdso_are_the_modules() {
        let maps = "55d0-55e0 r--p 00000000 fd:00 42                         /opt/my app\n\
                    55e0-55f0 r-xp 00001000 fd:00 42                         /opt/my app\n\
                    55f0-5600 r-xp 00002000 fd:00 42                         /opt/my app\n\
                    7f00-7f10 r-xp 00000000 00:00 0 \n\
                    7fff-8000 r-xp 00000000 00:00 0                          [vdso]\n\
                    9000-9001 --xp 00000000 00:00 0                          [vsyscall]\n";
        let found = mappings(maps);
        assert_eq!(found[0], Mapping { range: 0x55e0..0x5600, offset: 0x1000, path: "/opt/my app" });
        assert_eq!(found[1].path, "[vdso]");
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn only_the_executable_is_read_by_the_link_to_what_runs() {
        assert_eq!(source("/opt/my app", "/opt/my app"), ITSELF);
        assert_eq!(source("/opt/my app (deleted)", "/opt/my app (deleted)"), ITSELF);
        assert_eq!(source("/opt/lib.so (deleted)", "/opt/my app"), "/opt/lib.so (deleted)");
        let gone = Mapping { range: 0x1000..0x2000, offset: 0, path: "/opt/lib.so (deleted)" };
        assert!(load(gone).is_none());
    }

    #[test]
    fn a_function_of_ours_lies_in_the_module_of_this_test() {
        let modules = Modules::of_process();
        let here = a_function_of_ours_lies_in_the_module_of_this_test as fn() as usize as u64;
        let module = modules.holding(here).expect("this test runs in a module");
        assert!(std::env::current_exe().unwrap().ends_with(&module.name));
        let file = object::File::parse(&*module.image).unwrap();
        let inside = |segment: object::Segment<'_, '_>| {
            (segment.address()..segment.address() + segment.size()).contains(&module.offset(here))
        };
        assert!(file.segments().any(inside));
    }
}
