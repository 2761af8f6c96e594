//! Allocation traces: what a program asked of its allocator, one event a line. Reads the text form, plain or compressed
//! with zstd, and refuses whatever could not have happened. Playing one back is `replay`'s affair.
//!
//! `a THREAD SLOT SIZE` is malloc, `z THREAD SLOT SIZE` calloc, `m THREAD SLOT SIZE ALIGN` memalign, `r THREAD SLOT SIZE`
//! realloc, `f THREAD SLOT` free; lines that begin with `#` and empty ones say nothing. A slot stands for a live block and
//! is used again after its free, so that the number of slots is the peak of live blocks.

use super::MAX_ALIGN;
use std::alloc::Layout;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest sum of live bytes that is played back.
pub const MAX_LIVE_BYTES: usize = 4 << 30;

/// Longest text that is read, uncompressed.
pub const MAX_TEXT_BYTES: u64 = 1 << 30;

/// Alignment of blocks whose event states none: malloc's own.
const MALLOC_ALIGN: usize = 16;

/// The trace that is played back where the user names none: the project's own recording of `examples/record_trace.rs`.
pub static DEFAULT: &str = include_str!("default.trace");

/// Something that a program asked of its allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A new block for an empty slot.
    Allocate {
        /// The slot.
        slot: u32,
        /// Size and alignment.
        layout: Layout,
    },
    /// A new block of zeros for an empty slot.
    AllocateZeroed {
        /// The slot.
        slot: u32,
        /// Size and alignment.
        layout: Layout,
    },
    /// The slot's block gets another layout of the same alignment.
    Reallocate {
        /// The slot.
        slot: u32,
        /// New size, old alignment.
        layout: Layout,
    },
    /// The slot's block is freed.
    Free {
        /// The slot.
        slot: u32,
    },
}

impl Event {
    /// The slot it is about.
    #[inline(always)]
    pub fn slot(self) -> usize {
        match self {
            Event::Allocate { slot, .. }
            | Event::AllocateZeroed { slot, .. }
            | Event::Reallocate { slot, .. }
            | Event::Free { slot } => slot as usize,
        }
    }
}

/// A trace that can be played back in a circle: its last events free what was live at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The recorded events, then the added frees.
    pub events: Vec<Event>,
    /// How many of the events were recorded.
    pub recorded: usize,
    /// Slots in use: the peak of live blocks.
    pub slots: usize,
    /// Largest sum of sizes live at one time.
    pub peak_live_bytes: usize,
    /// Blocks live after the last recorded event.
    pub live_at_end: usize,
}

/// What a line should have held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// One of the letters `a z m r f`.
    EventLetter,
    /// A thread number.
    Thread,
    /// A slot number, none left out before it.
    Slot,
    /// A slot that holds no block.
    EmptySlot,
    /// A slot that holds a block.
    LiveSlot,
    /// A size in bytes that keeps the live bytes within [`MAX_LIVE_BYTES`].
    Size,
    /// A power of two up to [`MAX_ALIGN`].
    Alignment,
    /// Nothing more.
    EndOfLine,
    /// At least one event in the file.
    AnyEvent,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::EventLetter => f.write_str("an event letter (a, z, m, r or f)"),
            Expected::Thread => f.write_str("a thread number"),
            Expected::Slot => f.write_str("a slot number, at most one above all slots so far"),
            Expected::EmptySlot => f.write_str("a slot that holds no block"),
            Expected::LiveSlot => f.write_str("a slot that holds a block"),
            Expected::Size => write!(f, "a size in bytes, with at most {MAX_LIVE_BYTES} bytes live"),
            Expected::Alignment => write!(f, "an alignment, a power of two up to {MAX_ALIGN}"),
            Expected::EndOfLine => f.write_str("the end of the line"),
            Expected::AnyEvent => f.write_str("at least one event"),
        }
    }
}

/// Where a text is no trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// What it should have held there.
    pub expected: Expected,
    /// What it held.
    pub found: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: expected {}, found {:?}", self.line, self.expected, self.found)
    }
}

impl std::error::Error for ParseError {}

/// Why a file gives no trace.
#[derive(Debug)]
pub enum LoadError {
    /// It cannot be read, or is no zstd stream although it begins like one.
    Io(io::Error),
    /// It holds more than [`MAX_TEXT_BYTES`] of text.
    TooLong,
    /// It is not a trace.
    Parse(ParseError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Io(error) => error.fmt(f),
            LoadError::TooLong => write!(f, "more than {MAX_TEXT_BYTES} bytes of text"),
            LoadError::Parse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        LoadError::Io(error)
    }
}

/// Reads a trace file, plain or zstd by its first bytes.
///
/// # Errors
/// [`LoadError`]; where the text is wrong, with line and expectation.
pub fn load(path: &Path) -> Result<Trace, LoadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_TEXT_BYTES + 1).read_to_end(&mut bytes)?;
    read(&bytes)
}

/// Reads a trace from the bytes of a file, plain or zstd.
///
/// # Errors
/// As [`load`].
pub fn read(bytes: &[u8]) -> Result<Trace, LoadError> {
    const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    if !bytes.starts_with(&ZSTD) {
        return text(bytes);
    }
    let stream = ruzstd::decoding::StreamingDecoder::new(bytes).map_err(io::Error::other)?;
    let mut plain = Vec::new();
    stream.take(MAX_TEXT_BYTES + 1).read_to_end(&mut plain)?;
    text(&plain)
}

fn text(bytes: &[u8]) -> Result<Trace, LoadError> {
    if bytes.len() as u64 > MAX_TEXT_BYTES {
        return Err(LoadError::TooLong);
    }
    parse(bytes).map_err(LoadError::Parse)
}

/// Reads the text of a trace.
///
/// # Errors
/// [`ParseError`] for the first line that is not an event or could not have happened.
pub fn parse(bytes: &[u8]) -> Result<Trace, ParseError> {
    let mut reader = Reader::default();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let mut fields = Fields { line: index + 1, rest: line.trim_ascii() };
        if !fields.rest.is_empty() && !fields.rest.starts_with(b"#") {
            reader.event(&mut fields)?;
        }
    }
    let lines = bytes.split(|byte| *byte == b'\n').count();
    reader.finish().ok_or_else(|| Fields { line: lines, rest: b"" }.error(Expected::AnyEvent, b""))
}

/// What is left of a line.
struct Fields<'a> {
    line: usize,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> &'a [u8] {
        let end = self.rest.iter().position(u8::is_ascii_whitespace).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        self.rest = rest.trim_ascii_start();
        field
    }

    /// A decimal number up to `max`.
    fn number(&mut self, expected: Expected, max: usize) -> Result<usize, ParseError> {
        let field = self.next();
        let digit = |value: usize, byte: &u8| {
            let digit = byte.is_ascii_digit().then(|| usize::from(byte - b'0'))?;
            value.checked_mul(10)?.checked_add(digit).filter(|value| *value <= max)
        };
        let value = if field.is_empty() { None } else { field.iter().try_fold(0, digit) };
        value.ok_or_else(|| self.error(expected, field))
    }

    fn error(&self, expected: Expected, found: &[u8]) -> ParseError {
        let found = String::from_utf8_lossy(&found[..found.len().min(40)]).into_owned();
        ParseError { line: self.line, expected, found }
    }

    fn ensure(&self, holds: bool, expected: Expected, found: usize) -> Result<(), ParseError> {
        if holds { Ok(()) } else { Err(self.error(expected, found.to_string().as_bytes())) }
    }
}

/// Follows the program while its events are read.
#[derive(Default)]
struct Reader {
    events: Vec<Event>,
    slots: Vec<Option<Layout>>,
    live_bytes: usize,
    peak_live_bytes: usize,
}

impl Reader {
    fn event(&mut self, fields: &mut Fields<'_>) -> Result<(), ParseError> {
        let letter = fields.next();
        if !matches!(letter, b"a" | b"z" | b"m" | b"r" | b"f") {
            return Err(fields.error(Expected::EventLetter, letter));
        }
        fields.number(Expected::Thread, u32::MAX as usize)?;
        let index = fields.number(Expected::Slot, self.slots.len().min(u32::MAX as usize))?;
        let slot = index as u32;
        let event = match letter {
            b"a" => Event::Allocate { slot, layout: self.allocate(index, false, fields)? },
            b"z" => Event::AllocateZeroed { slot, layout: self.allocate(index, false, fields)? },
            b"m" => Event::Allocate { slot, layout: self.allocate(index, true, fields)? },
            b"r" => Event::Reallocate { slot, layout: self.reallocate(index, fields)? },
            _ => self.free(index, fields).map(|()| Event::Free { slot })?,
        };
        fields.ensure(fields.rest.is_empty(), Expected::EndOfLine, fields.rest.len())?;
        self.events.push(event);
        Ok(())
    }

    fn allocate(
        &mut self,
        slot: usize,
        aligned: bool,
        fields: &mut Fields<'_>,
    ) -> Result<Layout, ParseError> {
        let is_empty = self.slots.get(slot).is_none_or(Option::is_none);
        fields.ensure(is_empty, Expected::EmptySlot, slot)?;
        let size = fields.number(Expected::Size, MAX_LIVE_BYTES - self.live_bytes)?;
        let mut align = MALLOC_ALIGN;
        if aligned {
            align = fields.number(Expected::Alignment, MAX_ALIGN)?;
            fields.ensure(align.is_power_of_two(), Expected::Alignment, align)?;
        }
        Ok(self.holds(slot, size, align))
    }

    fn reallocate(&mut self, slot: usize, fields: &mut Fields<'_>) -> Result<Layout, ParseError> {
        let old = self.take(slot, fields)?;
        let size = fields.number(Expected::Size, MAX_LIVE_BYTES - self.live_bytes)?;
        Ok(self.holds(slot, size, old.align()))
    }

    fn free(&mut self, slot: usize, fields: &Fields<'_>) -> Result<(), ParseError> {
        self.take(slot, fields).map(drop)
    }

    fn take(&mut self, slot: usize, fields: &Fields<'_>) -> Result<Layout, ParseError> {
        let layout = self.slots.get_mut(slot).and_then(Option::take);
        let layout = layout.ok_or_else(|| fields.error(Expected::LiveSlot, slot.to_string().as_bytes()))?;
        self.live_bytes -= layout.size();
        Ok(layout)
    }

    fn holds(&mut self, slot: usize, size: usize, align: usize) -> Layout {
        let layout =
            Layout::from_size_align(size, align).expect("size and alignment are within their limits");
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(layout);
        self.live_bytes += size;
        self.peak_live_bytes = self.peak_live_bytes.max(self.live_bytes);
        layout
    }

    /// The trace, unless it has no event.
    fn finish(self) -> Option<Trace> {
        let Reader { mut events, slots, peak_live_bytes, .. } = self;
        let recorded = events.len();
        let live =
            |(slot, layout): (usize, &Option<Layout>)| layout.map(|_| Event::Free { slot: slot as u32 });
        events.extend(slots.iter().enumerate().filter_map(live));
        let live_at_end = events.len() - recorded;
        (recorded > 0).then_some(Trace { events, recorded, slots: slots.len(), peak_live_bytes, live_at_end })
    }
}

#[cfg(test)]
mod tests;
