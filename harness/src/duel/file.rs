//! A gate's record read back from its file; what makes it is elsewhere.

use super::record::{Contest, End, Header, Line, SCHEMA};
use crate::record::file::{Lines, ReadError, headless, read_lines};
use std::path::Path;

/// All that a gate left.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRecord {
    /// What was known before the first comparison.
    pub header: Header,
    /// The rows, in the order in which they were compared.
    pub contests: Vec<Contest>,
    /// How it ended; none where it was killed.
    pub end: Option<End>,
    /// What a reader must know of the file.
    pub warnings: Vec<String>,
}

/// Reads the record of a gate; a last line that was cut off in writing is left out with a warning.
///
/// # Errors
/// [`ReadError`], which names the schema found where it is another.
pub fn read(path: &Path) -> Result<GateRecord, ReadError> {
    let Lines { lines, warnings } = read_lines(path, SCHEMA)?;
    let mut lines = lines.into_iter();
    let Some(Line::Gate(header)) = lines.next() else { return Err(headless(path)) };
    let mut record = GateRecord { header: *header, contests: Vec::new(), end: None, warnings };
    lines.for_each(|line| record.push(line));
    Ok(record)
}

impl GateRecord {
    /// Takes up one line.
    pub fn push(&mut self, line: Line) {
        match line {
            Line::Gate(header) => self.header = *header,
            Line::Contest(contest) => self.contests.push(*contest),
            Line::End(end) => self.end = Some(end),
        }
    }
}
