//! The record as a file: written a line at a time, read back with what was cut off left out.

use super::{Header, Line, RunRecord, SCHEMA, SCHEMA_NAME};
use std::fmt;
use std::fs::{File, OpenOptions};
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
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends one line in one write.
    ///
    /// # Errors
    /// What the operating system says, with the path; what was written before stays readable.
    pub fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes).and_then(|()| self.file.flush()).map_err(|e| named(&self.path, e))
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
    /// A record of another version.
    Version(PathBuf, String),
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
            ReadError::Version(path, found) => write!(
                f,
                "{} has schema {found}; this perfbench reads {SCHEMA_NAME}/1 to {SCHEMA_NAME}/{SCHEMA}",
                path.display()
            ),
            ReadError::Damaged(path, line, why) => {
                write!(f, "{} line {line} is damaged: {why}", path.display())
            }
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a record. A last line that was cut off in writing is dropped with a warning: at most the row under way is lost.
///
/// # Errors
/// [`ReadError`], which names the version found where it is another.
pub fn read(path: &Path) -> Result<RunRecord, ReadError> {
    let file = File::open(path).map_err(|e| ReadError::Io(path.into(), e))?;
    let lines: Vec<String> = read_lines(file).map_err(|e| ReadError::Io(path.into(), e))?;
    parse(path, &lines)
}

fn read_lines(file: File) -> io::Result<Vec<String>> {
    BufReader::new(file)
        .split(b'\n')
        .map(|line| line.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .collect()
}

fn parse(path: &Path, lines: &[String]) -> Result<RunRecord, ReadError> {
    let first = lines.first().map(String::as_str).unwrap_or_default();
    let mut record = RunRecord::new(parse_header(path, first)?);
    for (index, text) in lines.iter().enumerate().skip(1).filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str(text) {
            Ok(line) => record.push(line),
            Err(_) if index + 1 == lines.len() => {
                record.warnings.push("the last line was cut off in writing and is left out".into());
            }
            Err(error) => return Err(ReadError::Damaged(path.into(), index + 1, error.to_string())),
        }
    }
    Ok(record)
}

fn parse_header(path: &Path, text: &str) -> Result<Header, ReadError> {
    let foreign = || ReadError::Foreign(path.into(), excerpt(text));
    let value: serde_json::Value = serde_json::from_str(text).map_err(|_| foreign())?;
    let schema = value.get("schema").and_then(|s| s.as_str()).ok_or_else(foreign)?;
    if schema != format!("{SCHEMA_NAME}/{SCHEMA}") {
        let ours = schema.starts_with(SCHEMA_NAME);
        return Err(if ours { ReadError::Version(path.into(), schema.into()) } else { foreign() });
    }
    match serde_json::from_value(value) {
        Ok(Line::Run(header)) => Ok(*header),
        Ok(_) => Err(foreign()),
        Err(error) => Err(ReadError::Damaged(path.into(), 1, error.to_string())),
    }
}

fn excerpt(text: &str) -> String {
    if text.is_empty() {
        return "empty".into();
    }
    format!("{:?}", text.chars().take(60).collect::<String>())
}
