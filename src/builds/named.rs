//! What the text after `--base` means: a stored run, a revision, a checkout or a binary. A text that means two of them
//! is refused with the words that decide.

use super::BuildOptions;
use super::revision::{Repository, Revision};
use crate::error::Failure;
use perfbench_harness::record::RunRecord;
use perfbench_reports::store::{Store, StoreError};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a text names.
#[derive(Debug)]
pub enum Meaning {
    /// A stored run.
    Record(Box<RunRecord>),
    /// A commit of the candidate's repository.
    Revision(Repository, Revision),
    /// A folder with another version of the sources.
    Checkout(PathBuf),
    /// An executable.
    Binary(PathBuf),
}

impl Meaning {
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Meaning::Record(_) => ("a stored run", "run:"),
            Meaning::Revision(..) => ("a git revision", "rev:"),
            Meaning::Checkout(_) => ("a folder", "path:"),
            Meaning::Binary(_) => ("a file", "path:"),
        }
    }
}

/// The one thing that a text names.
///
/// # Errors
/// A text that names nothing, or several things, or a file that is neither a record nor a program.
pub fn meaning(text: &str, store: &Path, options: &BuildOptions) -> Result<Meaning, Failure> {
    let (wanted, name) = split(text);
    let may = |prefix: &str| wanted.is_none_or(|wanted| wanted == prefix);
    let mut meanings = Vec::new();
    if may("path:") {
        meanings.extend(path(name)?);
    }
    if may("run:") && !Path::new(name).is_file() {
        meanings.extend(run(name, store)?);
    }
    if may("rev:") {
        meanings.extend(revision(name, options));
    }
    match meanings.len() {
        0 => Err(nothing(text, options)),
        1 => Ok(meanings.remove(0)),
        _ => Err(several(name, &meanings)),
    }
}

fn split(text: &str) -> (Option<&str>, &str) {
    let prefix = ["run:", "rev:", "path:"].into_iter().find(|prefix| text.starts_with(prefix));
    (prefix, &text[prefix.map_or(0, str::len)..])
}

fn path(name: &str) -> Result<Option<Meaning>, Failure> {
    let path = Path::new(name);
    if path.join("Cargo.toml").is_file() {
        return Ok(Some(Meaning::Checkout(path.to_owned())));
    }
    if !path.is_file() {
        return Ok(None);
    }
    if is_program(path) {
        return Ok(Some(Meaning::Binary(path.to_owned())));
    }
    let record = perfbench_harness::record::read(path).map_err(|error| {
        Failure::usage(format!("{name} is neither a program nor the record of a run: {error}"))
            .help("name an executable, an .ndjson file of a store, or a folder with Cargo.toml")
    })?;
    Ok(Some(Meaning::Record(Box::new(record))))
}

fn is_program(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}

fn run(name: &str, store: &Path) -> Result<Option<Meaning>, Failure> {
    match Store::at(store).find(name) {
        Ok(record) => Ok(Some(Meaning::Record(Box::new(record)))),
        Err(StoreError::Unknown(..)) => Ok(None),
        Err(error) => Err(Failure::usage(error.to_string()).help("write more of the run's id")),
    }
}

fn revision(name: &str, options: &BuildOptions) -> Option<Meaning> {
    let repository = Repository::around(&options.checkout).ok()?;
    let revision = repository.revision(name)?;
    Some(Meaning::Revision(repository, revision))
}

fn nothing(text: &str, options: &BuildOptions) -> Failure {
    let failure = Failure::usage(format!(
        "`{text}` is no file, no folder with Cargo.toml, no stored run and no git revision"
    ));
    match Repository::around(&options.checkout) {
        Ok(repository) if repository.is_shallow() => failure
            .help("this clone holds only the newest commits: `git fetch --unshallow` brings the others"),
        Ok(_) => failure
            .help("`git fetch` brings the commits of others; `git branch -a` lists what there is to name"),
        Err(why) => failure.help(format!("for revisions, mend this: {why}")),
    }
}

fn several(name: &str, meanings: &[Meaning]) -> Failure {
    let kinds: Vec<&str> = meanings.iter().map(|meaning| meaning.kind().0).collect();
    let words: Vec<String> = meanings.iter().map(|meaning| format!("`{}{name}`", meaning.kind().1)).collect();
    let failure = Failure::usage(format!("`{name}` is both {}", kinds.join(" and ")));
    failure.help(format!("write {}", words.join(" or ")))
}
