//! The two sides of a gate as executables: where they come from, how they are built alike, in how many links, and which
//! of their code is the same. Nothing is measured here.

mod cache;
mod cargo;
mod code;
mod named;
mod relink;
mod revision;
#[cfg(test)]
mod tests;
mod tool;
mod toolchain;
mod workshop;

pub use cache::LIMIT_BYTES;
pub use code::CodeIndex;
pub use relink::MAX_LINKS;

use crate::error::Failure;
use crate::settings::Settings;
use cache::{Entry, refused};
use cargo::Package;
use named::Meaning;
use perfbench_harness::record::RunRecord;
use relink::Relinker;
use revision::Repository;
use std::path::{Path, PathBuf};
use toolchain::Toolchain;
use workshop::Workshop;

/// How sides are made.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// A folder in the candidate's workspace.
    pub checkout: PathBuf,
    /// Name of the executable.
    pub bin: String,
    /// The package that has it, where several have one of that name.
    pub package: Option<String>,
    /// More arguments for cargo, the same for both sides: `--features`, its names.
    pub cargo_arguments: Vec<String>,
    /// Whether to make several links of each side.
    pub relink: bool,
    /// Links that are made at once; [`Side::relink`] makes more.
    pub links: usize,
    /// The folder of builds.
    pub cache: PathBuf,
    /// What it may hold; what was used longest ago goes first.
    pub cache_limit_bytes: u64,
}

/// Links for the first look of a gate.
const FIRST_LINKS: usize = 8;

impl BuildOptions {
    /// The options for the running executable's own package in the current folder, with the cache in a store.
    pub fn new(store: &Path) -> Self {
        let program = std::env::current_exe().unwrap_or_default();
        Self {
            checkout: PathBuf::from("."),
            bin: program.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            package: None,
            cargo_arguments: Vec::new(),
            relink: true,
            links: FIRST_LINKS,
            cache: store.join("cache"),
            cache_limit_bytes: LIMIT_BYTES,
        }
    }
}

/// One side of a gate: executables that are links of the same code, in different section orders.
#[derive(Debug)]
pub struct Side {
    /// What people call it: `main @ 1a2b3c4`.
    pub name: String,
    /// The links that there are, at least one.
    pub links: Vec<PathBuf>,
    /// Whether there can be more than one.
    pub relinked: bool,
    /// Why not.
    pub note: Option<String>,
    /// Its code, by the addresses of the first link.
    pub code: CodeIndex,
    relinker: Option<Relinker>,
    /// Keeps an executable that is no relink in the cache.
    _entry: Option<Entry>,
}

impl Side {
    /// The hash of the machine code that a function reaches; none where it cannot be told, which counts as changed. The
    /// offset is that of the function from the load base in a process of `links[0]`.
    pub fn code_of(&self, build_fn_offset: u64) -> Option<u64> {
        self.code.code_of(build_fn_offset)
    }

    /// Makes links until there are `count`, at most [`MAX_LINKS`]; nothing where the side cannot be relinked.
    ///
    /// # Errors
    /// A linker that failed, or a disk that refused.
    pub fn relink(&mut self, count: usize) -> Result<(), Failure> {
        let Some(relinker) = &self.relinker else { return Ok(()) };
        for n in self.links.len()..count.min(MAX_LINKS) {
            self.links.push(relinker.link(n)?);
        }
        Ok(())
    }
}

/// What `--base` names.
#[derive(Debug)]
pub enum Base {
    /// A stored run.
    Record(Box<RunRecord>),
    /// Something that can be run.
    Side(Box<Side>),
}

/// Whether what `text` names must be built before it can be run.
///
/// # Errors
/// A text that names nothing or several things.
pub fn is_built(text: &str, settings: &Settings, options: &BuildOptions) -> Result<bool, Failure> {
    let meaning = named::meaning(text, &settings.store, options)?;
    Ok(matches!(meaning, Meaning::Checkout(_) | Meaning::Revision(..)))
}

/// Finds out what `text` names and makes a side of it, where it can be run.
///
/// # Errors
/// A text that names nothing or several things, and code that does not build.
pub fn base(
    text: &str,
    settings: &Settings,
    options: &BuildOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Base, Failure> {
    base_in(text, &settings.store, options, progress)
}

fn base_in(
    text: &str,
    store: &Path,
    options: &BuildOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Base, Failure> {
    let side = match named::meaning(text, store, options)? {
        Meaning::Record(record) => return Ok(Base::Record(record)),
        Meaning::Binary(path) => side_of_binary(&path)?,
        Meaning::Checkout(folder) => {
            let workshop = Workshop::open(options, progress)?;
            workshop.checkout(&folder, folder.display().to_string(), progress)?
        }
        Meaning::Revision(repository, revision) => {
            Workshop::open(options, progress)?.revision(&repository, &revision, progress)?
        }
    };
    Ok(Base::Side(Box::new(side)))
}

/// The working tree's own build where its sources are at hand, else the running executable.
///
/// # Errors
/// Sources that are at hand and do not build.
pub fn candidate(options: &BuildOptions, progress: &mut dyn FnMut(&str)) -> Result<Side, Failure> {
    let sources = Toolchain::of(&options.checkout).and_then(|toolchain| {
        Package::find(&toolchain, &options.checkout, &options.bin, options.package.as_deref())
    });
    if let Err(failure) = sources {
        let running =
            std::env::current_exe().map_err(|error| refused(Path::new("the running program"), &error))?;
        let mut side = side_of_binary(&running)?;
        (side.name, side.note) = ("the running program".into(), Some(failure.to_string().replace('\n', " ")));
        return Ok(side);
    }
    let state = Repository::around(&options.checkout).ok().and_then(|repository| repository.state());
    let name = state.map_or("working tree".into(), |state| format!("working tree @ {state}"));
    Workshop::open(options, progress)?.checkout(&options.checkout, name, progress)
}

/// A given executable, as its one link.
///
/// # Errors
/// No such file.
pub fn side_of_binary(path: &Path) -> Result<Side, Failure> {
    let absolute =
        path.canonicalize().map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let note = "a given executable has one link only".to_owned();
    Ok(Side::of_executable(path.display().to_string(), absolute, note, None))
}

impl Side {
    fn of_executable(name: String, path: PathBuf, note: String, entry: Option<Entry>) -> Self {
        let code = CodeIndex::of_image(&path);
        Self {
            name,
            links: vec![path],
            relinked: false,
            note: Some(note),
            code,
            relinker: None,
            _entry: entry,
        }
    }

    fn of_links(name: String, relinker: Relinker, count: usize) -> Result<Self, Failure> {
        let first = relinker.link(0)?;
        let code = CodeIndex::of_link(&relinker.inputs(), &first);
        let mut side = Self {
            name,
            links: vec![first],
            relinked: true,
            note: None,
            code,
            relinker: Some(relinker),
            _entry: None,
        };
        side.relink(count)?;
        Ok(side)
    }
}
