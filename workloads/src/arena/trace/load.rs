//! Reads a trace file, plain or compressed with zstd, line by line: the text is never held whole.

use super::frames::{Damage, Frames};
use super::{LIMITS, Limits, ParseError, Reader, Trace};
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Why a file gives no trace.
#[derive(Debug)]
pub enum LoadError {
    /// It cannot be read, or what begins like a zstd stream cannot be decoded.
    Io(io::Error),
    /// It is a zstd stream, but not the one that was written.
    Damaged(Damage),
    /// It holds more text than this many bytes.
    TooLong(u64),
    /// It is not a trace.
    Parse(ParseError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Io(error) => error.fmt(f),
            LoadError::Damaged(damage) => damage.fmt(f),
            LoadError::TooLong(most) => write!(f, "more than {most} bytes of text"),
            LoadError::Parse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        error.downcast().map_or_else(LoadError::Io, LoadError::Damaged)
    }
}

impl From<ParseError> for LoadError {
    fn from(error: ParseError) -> Self {
        LoadError::Parse(error)
    }
}

/// Reads a trace file, plain or zstd by its first bytes.
///
/// # Errors
/// [`LoadError`]; where the text is wrong, with line and expectation.
pub fn load(path: &Path) -> Result<Trace, LoadError> {
    read(BufReader::new(File::open(path)?))
}

/// Reads a trace from the contents of a file, plain or zstd.
///
/// # Errors
/// As [`load`].
pub fn read(source: impl BufRead) -> Result<Trace, LoadError> {
    read_within(LIMITS, source)
}

pub(super) fn read_within(limits: Limits, mut source: impl BufRead) -> Result<Trace, LoadError> {
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let mut first = Vec::new();
    source.by_ref().take(ZSTD.len() as u64).read_to_end(&mut first)?;
    let source = first.as_slice().chain(source);
    if first == ZSTD { lines(limits, BufReader::new(Frames::new(source))) } else { lines(limits, source) }
}

fn lines(limits: Limits, source: impl BufRead) -> Result<Trace, LoadError> {
    let mut source = source.take(limits.text_bytes + 1);
    let mut reader = Reader::new(limits);
    let mut line = Vec::new();
    loop {
        line.clear();
        // One byte more than a line may have: its end, or too much.
        let taken = source.by_ref().take(limits.line_bytes as u64 + 1).read_until(b'\n', &mut line)?;
        if source.limit() == 0 {
            return Err(LoadError::TooLong(limits.text_bytes));
        }
        reader.line(line.strip_suffix(b"\n").unwrap_or(&line))?;
        if taken == 0 {
            return Ok(reader.finish()?);
        }
    }
}
