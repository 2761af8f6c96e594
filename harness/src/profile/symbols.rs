//! What the files of the modules say of an address: its function, the functions inlined there, and the source line. A
//! file without symbols still tells where its functions begin.

use super::modules::{Module, Modules};
use crate::record::Frame;
use addr2line::Context;
use addr2line::gimli::{self, BaseAddresses, CieOrFde, EhFrame, EndianSlice, LittleEndian, UnwindSection};
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};
use std::ops::Range;

type Bytes<'a> = EndianSlice<'a, LittleEndian>;

/// One function as the linker placed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Where it lies in its image.
    pub range: Range<u64>,
    /// Demangled name, or where it begins.
    pub name: String,
}

/// Symbols and lines of all modules.
pub struct Symbols<'a> {
    images: Vec<Image<'a>>,
}

/// Those of one module.
struct Image<'a> {
    module: &'a Module,
    file: object::File<'a>,
    named: Vec<Function>,
    unnamed: Vec<Function>,
    lines: Option<Context<Bytes<'a>>>,
}

impl<'a> Symbols<'a> {
    /// Reads those of all modules.
    pub fn of(modules: &'a Modules) -> Self {
        Self { images: modules.iter().filter_map(Image::of).collect() }
    }

    /// The functions at an address of this process, the outermost first; those that follow are inlined into it.
    pub fn frames(&self, address: u64) -> Vec<Frame> {
        match self.image(address) {
            Some(image) => image.frames(image.module.offset(address)),
            None => vec![Frame {
                function: format!("{address:#x}"),
                module: "[unknown]".into(),
                ..Frame::default()
            }],
        }
    }

    /// The module and the function as the linker placed it.
    pub fn function(&self, address: u64) -> Option<(&'a Module, &Function)> {
        let image = self.image(address)?;
        Some((image.module, image.function(image.module.offset(address))?))
    }

    /// Machine code in a module's image.
    pub fn bytes(&self, module: &Module, range: &Range<u64>) -> Option<&'a [u8]> {
        let image = self.images.iter().find(|image| image.module.range == module.range)?;
        let length = range.end - range.start;
        image.file.segments().find_map(|segment| segment.data_range(range.start, length).ok()?)
    }

    /// Source lines of machine code in a module's image: where each begins, by offset.
    pub fn lines(&self, module: &Module, range: &Range<u64>) -> Vec<(u64, String, u32)> {
        let image = self.images.iter().find(|image| image.module.range == module.range);
        let lines = image.and_then(|image| image.lines.as_ref());
        let Some(Ok(found)) = lines.map(|lines| lines.find_location_range(range.start, range.end)) else {
            return Vec::new();
        };
        let line =
            |(at, _, place): (u64, u64, addr2line::Location<'_>)| Some((at, place.file?.into(), place.line?));
        found.filter_map(line).collect()
    }

    fn image(&self, address: u64) -> Option<&Image<'a>> {
        self.images.iter().find(|image| image.module.range.contains(&address))
    }
}

impl<'a> Image<'a> {
    fn of(module: &'a Module) -> Option<Self> {
        let file = object::File::parse(&*module.image).ok()?;
        let (named, unnamed) = (named(&file), unnamed(&file).unwrap_or_default());
        let lines = Context::from_dwarf(gimli::Dwarf::load(|id| section(&file, id.name())).ok()?).ok();
        Some(Self { module, named, unnamed, lines, file })
    }

    fn frames(&self, offset: u64) -> Vec<Frame> {
        let mut frames = self.by_lines(offset);
        if frames.is_empty() {
            frames.push(Frame { module: self.module.name.clone(), ..Frame::default() });
        }
        frames.reverse();
        let outer = &mut frames[0];
        outer.inlined = false;
        if let Some(function) = self.function(offset) {
            outer.function.clone_from(&function.name);
        } else if outer.function.is_empty() {
            outer.function = format!("{offset:#x}");
        }
        frames
    }

    /// The innermost first.
    fn by_lines(&self, offset: u64) -> Vec<Frame> {
        let found = self.lines.as_ref().map(|lines| lines.find_frames(offset).skip_all_loads());
        let Some(Ok(mut found)) = found else { return Vec::new() };
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let raw =
                frame.function.as_ref().and_then(|function| Some(function.raw_name().ok()?.into_owned()));
            let place = frame.location;
            frames.push(Frame {
                function: demangled(&raw.unwrap_or_default()),
                module: self.module.name.clone(),
                file: place.as_ref().and_then(|place| place.file).map(str::to_owned),
                line: place.and_then(|place| place.line),
                inlined: true,
            });
        }
        frames
    }

    fn function(&self, offset: u64) -> Option<&Function> {
        holding(&self.named, offset).or_else(|| holding(&self.unnamed, offset))
    }
}

/// The function that holds an offset, of functions in order of their starts.
fn holding(functions: &[Function], offset: u64) -> Option<&Function> {
    let after = functions.partition_point(|function| function.range.start <= offset);
    functions[..after].iter().rev().take(4).find(|function| function.range.contains(&offset))
}

fn demangled(raw: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(raw))
}

fn section<'a>(file: &object::File<'a>, name: &str) -> Result<Bytes<'a>, gimli::Error> {
    let data = file.section_by_name(name).and_then(|section| section.data().ok());
    Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
}

/// Functions of the symbol tables, by start; one of size zero, as in assembly, reaches to the next.
fn named(file: &object::File<'_>) -> Vec<Function> {
    let symbols = file.symbols().chain(file.dynamic_symbols());
    let text = symbols.filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_definition());
    let mut functions: Vec<Function> = text
        .filter_map(|symbol| {
            let start = symbol.address();
            Some(Function { range: start..start + symbol.size(), name: demangled(symbol.name().ok()?) })
        })
        .collect();
    functions.sort_by(|a, b| (a.range.start, &a.name).cmp(&(b.range.start, &b.name)));
    functions.dedup_by_key(|function| function.range.start);
    for index in 1..functions.len() {
        let next = functions[index].range.start;
        let function = &mut functions[index - 1];
        if function.range.is_empty() {
            function.range.end = next;
        }
    }
    functions
}

/// Functions that only the call frame information knows, by start.
fn unnamed(file: &object::File<'_>) -> Option<Vec<Function>> {
    let frames = file.section_by_name(".eh_frame")?;
    let text = file.section_by_name(".text")?;
    let bases = BaseAddresses::default().set_eh_frame(frames.address()).set_text(text.address());
    let frames = EhFrame::new(frames.data().ok()?, LittleEndian);
    let mut entries = frames.entries(&bases);
    let mut functions = Vec::new();
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(partial) = entry else { continue };
        let Ok(entry) = partial.parse(EhFrame::cie_from_offset) else { continue };
        let start = entry.initial_address();
        functions.push(Function { range: start..start + entry.len(), name: format!("{start:#x}") });
    }
    functions.sort_by_key(|function| function.range.start);
    Some(functions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of this very function in memory, and in its image.
    fn here(modules: &Modules) -> (u64, u64) {
        let address = here as fn(&Modules) -> (u64, u64) as usize as u64;
        (address, modules.holding(address).expect("it runs from a module").offset(address))
    }

    #[test]
    fn a_function_is_named_with_its_file_and_line() {
        let modules = Modules::of_process();
        let frames = Symbols::of(&modules).frames(here(&modules).0);
        assert!(frames[0].function.ends_with("symbols::tests::here"), "{frames:?}");
        let place = (frames.last().unwrap().file.as_deref(), frames.last().unwrap().line);
        let near = |line| (line!() - 20..line!()).contains(&line);
        assert!(
            place.0.is_some_and(|file| file.ends_with("symbols.rs")) && place.1.is_some_and(near),
            "{place:?}"
        );
    }

    #[test]
    fn a_stripped_image_names_functions_by_where_they_begin() {
        let modules = Modules::of_process();
        let (address, offset) = here(&modules);
        let mut image = Image::of(modules.holding(address).unwrap()).unwrap();
        image.named.clear();
        image.lines = None;
        let frames = image.frames(offset + 1);
        assert_eq!((frames.len(), frames[0].function.as_str()), (1, format!("{offset:#x}").as_str()));
    }

    #[test]
    #[cfg(target_env = "gnu")]
    fn a_library_names_what_it_exports() {
        let modules = Modules::of_process();
        let address = libc::getppid as unsafe extern "C" fn() -> libc::pid_t as usize as u64;
        let frames = Symbols::of(&modules).frames(address);
        assert!(frames[0].function.ends_with("getppid"), "{frames:?}");
        assert!(frames[0].module.starts_with("libc"), "{frames:?}");
    }

    #[test]
    fn a_symbol_without_a_size_reaches_to_the_next() {
        let function = |range: Range<u64>| Function { range, name: String::new() };
        let functions = [function(0..10), function(10..40), function(20..30)];
        let starts = |offset| holding(&functions, offset).map(|function| function.range.start);
        assert_eq!(
            [0, 9, 15, 25, 35, 40].map(starts),
            [Some(0), Some(0), Some(10), Some(20), Some(10), None]
        );
    }
}
