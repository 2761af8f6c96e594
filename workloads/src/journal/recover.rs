//! What a journal file holds after a crash: every committed record up to the first gap, and what lies behind. A pure
//! function of bytes, which may be anybody's: it allocates no more than they are long and never panics.

use super::format::{HEADER_BYTES, Header, RECORD_WORDS, Refusal, Stamp, word_at, words_of_record};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered<'a> {
    /// What it says of itself.
    pub header: Header,
    /// The records, in order; their numbers go up by one from the header's first.
    pub records: Vec<Record<'a>>,
    /// Where the last of them ends.
    pub end_bytes: usize,
    /// What lies behind them.
    pub tail: Tail,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number.
    pub sequence: u64,
    /// What was appended.
    pub payload: &'a [u8],
}

/// What lies behind the last whole record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// Nothing, or what an earlier time of a file that was begun anew has left.
    Clean,
    /// The file was cut, or a record was not finished: it can be cut off, nobody was told that it is there.
    Torn,
    /// A record that was committed is not whole although later ones are: the file was damaged, and to cut it off would lose
    /// what somebody was told is there.
    Damaged,
}

/// Reads a file.
///
/// # Errors
/// Why it is no journal.
pub fn recover(bytes: &[u8]) -> Result<Recovered<'_>, Refusal> {
    let mut cursor = Cursor::new(bytes)?;
    let mut records = Vec::new();
    while let Some(record) = cursor.next(bytes) {
        records.push(record);
    }
    let (header, end_bytes, tail) = (cursor.header, cursor.at, cursor.tail(bytes));
    Ok(Recovered { header, records, end_bytes, tail })
}

/// Goes from record to record.
#[derive(Debug, Clone, Copy)]
pub struct Cursor {
    header: Header,
    stamp: Stamp,
    at: usize,
    sequence: u64,
}

/// Records behind a gap that are looked at before it is called damage: each may be as long as the file.
const CANDIDATES: usize = 64;

impl Cursor {
    /// At the first record.
    ///
    /// # Errors
    /// Why the bytes are no journal.
    pub fn new(bytes: &[u8]) -> Result<Self, Refusal> {
        let header = Header::of_bytes(bytes)?;
        Ok(Self { header, stamp: header.stamp(), at: HEADER_BYTES, sequence: header.first_sequence })
    }

    /// The record here, if there is a whole one with the number that is due.
    #[inline(always)]
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Option<Record<'a>> {
        let head = bytes.get(self.at..self.at + 8 * RECORD_WORDS)?;
        let (mark, sequence, sum) = (word_at(head, 0), word_at(head, 8), word_at(head, 16));
        let payload_bytes = self.stamp.payload_bytes(mark)?;
        let end = self.at + 8 * words_of_record(payload_bytes);
        let padded = bytes.get(self.at + 8 * RECORD_WORDS..end)?;
        if sequence != self.sequence || self.stamp.sum(mark, sequence, padded) != sum {
            return None;
        }
        (self.at, self.sequence) = (end, sequence.wrapping_add(1));
        Some(Record { sequence, payload: &padded[..payload_bytes] })
    }

    /// What lies behind a cursor that found no more.
    fn tail(&self, bytes: &[u8]) -> Tail {
        let rest = &bytes[self.at..];
        let mark = rest.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        let is_cut = (bytes.len() as u64) < self.header.capacity_bytes;
        let is_unfinished = self.stamp.payload_bytes(mark).is_some()
            || self.header.epoch == 0 && rest.iter().any(|byte| *byte != 0);
        if mark != 0 && self.is_followed(bytes) {
            Tail::Damaged
        } else if is_cut || is_unfinished {
            Tail::Torn
        } else {
            Tail::Clean
        }
    }

    /// Whether a whole record of this journal and time lies behind the one that is not.
    fn is_followed(&self, bytes: &[u8]) -> bool {
        let places = (self.at + 8..bytes.len().saturating_sub(8 * RECORD_WORDS - 1)).step_by(8);
        let mut marked = places.filter(|at| self.stamp.payload_bytes(word_at(bytes, *at)).is_some());
        let is_whole = |at: usize| {
            let sequence = word_at(bytes, at + 8);
            sequence > self.sequence && Cursor { at, sequence, ..*self }.next(bytes).is_some()
        };
        marked.by_ref().take(CANDIDATES).any(is_whole) || marked.next().is_some()
    }
}
