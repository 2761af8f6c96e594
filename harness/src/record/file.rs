//! Records as files, of runs and of gates: written a line at a time, read back with what was cut off left out.

use super::{Line, RunRecord, SCHEMA, SCHEMA_NAME};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// Appends lines to a record file; each is on the disk's side of the system call when `write` returns.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
}

impl Writer {
    /// Creates the file; an existing one is never overwritten.
    ///
    /// # Errors
    /// What the operating system says, with the path.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|e| named(path, e))?;
        lock(path, &file)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Opens the file of a run that was cut off, to go on with it: what was not written to its end is cut away.
    ///
    /// # Errors
    /// What the operating system says, with the path; `WouldBlock` where another process is writing it.
    pub fn append(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).open(path).map_err(|e| named(path, e))?;
        lock(path, &file)?;
        let bytes = std::fs::read(path).map_err(|e| named(path, e))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        file.set_len(whole as u64).map_err(|e| named(path, e))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends one line in one write.
    ///
    /// # Errors
    /// What the operating system says, with the path; what was written before stays readable.
    pub fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).and_then(|()| self.file.flush()).map_err(|e| named(&self.path, e))
    }
}

/// Holds the file for this process until it ends, so that no two write one record. A file system without locks does not
/// keep anybody from writing.
fn lock(path: &Path, file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(named(path, io::ErrorKind::WouldBlock.into())),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Why a file is not a record that this build can read.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system refused.
    Io(PathBuf, io::Error),
    /// Not a perfbench record; what its first line looks like.
    Foreign(PathBuf, String),
    /// A record of another version: the one found, the one that this build reads.
    Version(PathBuf, String, String),
    /// A record of another kind: the schema found, the one wanted.
    Kind(PathBuf, String, String),
    /// A damaged line before the last.
    Damaged(PathBuf, usize, String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(path, error) => write!(f, "cannot read {}: {error}", path.display()),
            ReadError::Foreign(path, found) => {
                write!(f, "{} is not a perfbench record: its first line is {found}", path.display())
            }
            ReadError::Version(path, found, ours) => {
                write!(f, "{} has schema {found}; this perfbench reads up to {ours}", path.display())
            }
            ReadError::Kind(path, found, wanted) => {
                write!(f, "{} is a {found}, where a {wanted} is wanted", path.display())
            }
            ReadError::Damaged(path, line, why) => {
                write!(f, "{} line {line} is damaged: {why}", path.display())
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// The lines of a record of one kind.
#[derive(Debug)]
pub struct Lines<L> {
    /// The lines that are whole; the first states the schema.
    pub lines: Vec<L>,
    /// What a reader must know of the file: a last line that was cut off.
    pub warnings: Vec<String>,
}

/// Reads the record of a run.
///
/// # Errors
/// [`ReadError`], which names the version found where it is another.
pub fn read(path: &Path) -> Result<RunRecord, ReadError> {
    let Lines { lines, warnings } = read_lines(path, &format!("{SCHEMA_NAME}/{SCHEMA}"))?;
    let mut lines = lines.into_iter();
    let Some(Line::Run(header)) = lines.next() else { return Err(headless(path)) };
    let mut record = RunRecord::new(*header);
    lines.for_each(|line| record.push(line));
    record.warnings.extend(warnings);
    Ok(record)
}

/// The error of a record that states its schema in a line which is no header.
pub fn headless(path: &Path) -> ReadError {
    ReadError::Foreign(path.into(), "no header".into())
}

/// Reads the lines of a record of the wanted schema. A last line that was cut off in writing is dropped with a warning: at
/// most the row under way is lost.
///
/// # Errors
/// [`ReadError`], which names the schema found where it is another.
pub fn read_lines<L: DeserializeOwned>(path: &Path, schema: &str) -> Result<Lines<L>, ReadError> {
    let texts = File::open(path).and_then(texts).map_err(|e| ReadError::Io(path.into(), e))?;
    admit(path, texts.first().map(String::as_str).unwrap_or_default(), schema)?;
    let mut read = Lines { lines: Vec::new(), warnings: Vec::new() };
    for (index, text) in texts.iter().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str(text) {
            Ok(line) => read.lines.push(line),
            Err(_) if index > 0 && index + 1 == texts.len() => {
                read.warnings.push("the last line was cut off in writing and is left out".into());
            }
            Err(error) => return Err(ReadError::Damaged(path.into(), index + 1, error.to_string())),
        }
    }
    Ok(read)
}

fn texts(file: File) -> io::Result<Vec<String>> {
    BufReader::new(file)
        .split(b'\n')
        .map(|line| line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .collect()
}

/// Refuses what its first line says is no record of the wanted schema.
fn admit(path: &Path, first: &str, wanted: &str) -> Result<(), ReadError> {
    let foreign = || ReadError::Foreign(path.into(), excerpt(first));
    let value: serde_json::Value = serde_json::from_str(first).map_err(|_| foreign())?;
    let found = value.get("schema").and_then(|s| s.as_str()).ok_or_else(foreign)?;
    let kind = |schema: &str| schema.split('/').next().unwrap_or_default().to_owned();
    match found {
        _ if found == wanted => Ok(()),
        _ if kind(found) == kind(wanted) => Err(ReadError::Version(path.into(), found.into(), wanted.into())),
        _ if found.starts_with("perfbench.") => {
            Err(ReadError::Kind(path.into(), found.into(), wanted.into()))
        }
        _ => Err(foreign()),
    }
}

fn excerpt(text: &str) -> String {
    if text.is_empty() {
        return "empty".into();
    }
    format!("{:?}", text.chars().take(60).collect::<String>())
}
