//! Allocation traces: what a program asked of its allocator, one event a line. Reads the text form and refuses whatever
//! could not have happened. Files are `load`'s affair, playing one back is `replay`'s.
//!
//! `a THREAD SLOT SIZE` is malloc, `z THREAD SLOT SIZE` calloc, `m THREAD SLOT SIZE ALIGN` memalign, `r THREAD SLOT SIZE`
//! realloc, `f THREAD SLOT` free; lines that begin with `#` and empty ones say nothing. A slot stands for a live block and
//! is used again after its free, so that the number of slots is the peak of live blocks.

mod frames;
mod load;

pub use frames::Damage;
pub use load::{LoadError, load, read};

use super::MAX_ALIGN;
use std::alloc::Layout;
use std::fmt;

/// How much a trace may ask for, so that no file, however small, takes more than about a gibibyte when it is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text, uncompressed, in bytes. It is read line by line.
    pub text_bytes: u64,
    /// Longest line in bytes, without its end.
    pub line_bytes: usize,
    /// Most recorded events.
    pub events: usize,
    /// Most slots, which is most live blocks.
    pub slots: usize,
    /// Largest sum of live bytes. An arena maps three times as much and three times the slots' smallest blocks.
    pub live_bytes: usize,
}

/// The limits of what is played back.
pub const LIMITS: Limits =
    Limits { text_bytes: 1 << 30, line_bytes: 4096, events: 16 << 20, slots: 2 << 20, live_bytes: 256 << 20 };

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
    /// A slot number, none left out before it, within [`Limits::slots`].
    Slot(usize),
    /// A slot that holds no block.
    EmptySlot,
    /// A slot that holds a block.
    LiveSlot,
    /// A size in bytes that keeps the live bytes within [`Limits::live_bytes`].
    Size(usize),
    /// A power of two up to [`MAX_ALIGN`].
    Alignment,
    /// Nothing more.
    EndOfLine,
    /// A line within [`Limits::line_bytes`].
    ShortLine(usize),
    /// No event more than [`Limits::events`].
    NoMoreEvents(usize),
    /// At least one event in the file.
    AnyEvent,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::EventLetter => f.write_str("an event letter (a, z, m, r or f)"),
            Expected::Thread => f.write_str("a thread number"),
            Expected::Slot(most) => {
                write!(f, "a slot number, at most one above all slots so far and below {most}")
            }
            Expected::EmptySlot => f.write_str("a slot that holds no block"),
            Expected::LiveSlot => f.write_str("a slot that holds a block"),
            Expected::Size(most) => write!(f, "a size in bytes, with at most {most} bytes live"),
            Expected::Alignment => write!(f, "an alignment, a power of two up to {MAX_ALIGN}"),
            Expected::EndOfLine => f.write_str("the end of the line"),
            Expected::ShortLine(most) => write!(f, "a line of at most {most} bytes"),
            Expected::NoMoreEvents(most) => write!(f, "the end of the trace after {most} events"),
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

/// Reads the text of a trace.
///
/// # Errors
/// [`ParseError`] for the first line that is not an event or could not have happened.
pub fn parse(bytes: &[u8]) -> Result<Trace, ParseError> {
    let mut reader = Reader::new(LIMITS);
    bytes.split(|byte| *byte == b'\n').try_for_each(|line| reader.line(line))?;
    reader.finish()
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
struct Reader {
    limits: Limits,
    lines: usize,
    events: Vec<Event>,
    slots: Vec<Option<Layout>>,
    live_bytes: usize,
    peak_live_bytes: usize,
}

impl Reader {
    fn new(limits: Limits) -> Self {
        Self { limits, lines: 0, events: Vec::new(), slots: Vec::new(), live_bytes: 0, peak_live_bytes: 0 }
    }

    /// Reads the next line, without its end.
    fn line(&mut self, line: &[u8]) -> Result<(), ParseError> {
        self.lines += 1;
        let mut fields = Fields { line: self.lines, rest: line.trim_ascii() };
        let Limits { line_bytes, events, .. } = self.limits;
        fields.ensure(line.len() <= line_bytes, Expected::ShortLine(line_bytes), line.len())?;
        if fields.rest.is_empty() || fields.rest.starts_with(b"#") {
            return Ok(());
        }
        fields.ensure(self.events.len() < events, Expected::NoMoreEvents(events), events + 1)?;
        self.event(&mut fields)
    }

    fn event(&mut self, fields: &mut Fields<'_>) -> Result<(), ParseError> {
        let letter = fields.next();
        if !matches!(letter, b"a" | b"z" | b"m" | b"r" | b"f") {
            return Err(fields.error(Expected::EventLetter, letter));
        }
        fields.number(Expected::Thread, u32::MAX as usize)?;
        let most = self.limits.slots;
        let index = fields.number(Expected::Slot(most), self.slots.len().min(most - 1))?;
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
        let size = self.size(fields)?;
        let mut align = MALLOC_ALIGN;
        if aligned {
            align = fields.number(Expected::Alignment, MAX_ALIGN)?;
            fields.ensure(align.is_power_of_two(), Expected::Alignment, align)?;
        }
        Ok(self.holds(slot, size, align))
    }

    fn reallocate(&mut self, slot: usize, fields: &mut Fields<'_>) -> Result<Layout, ParseError> {
        let old = self.take(slot, fields)?;
        let size = self.size(fields)?;
        Ok(self.holds(slot, size, old.align()))
    }

    fn size(&self, fields: &mut Fields<'_>) -> Result<usize, ParseError> {
        let most = self.limits.live_bytes;
        fields.number(Expected::Size(most), most - self.live_bytes)
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
    fn finish(self) -> Result<Trace, ParseError> {
        let Reader { lines, mut events, slots, peak_live_bytes, .. } = self;
        let recorded = events.len();
        let end = Fields { line: lines, rest: b"" };
        if recorded == 0 {
            return Err(end.error(Expected::AnyEvent, b""));
        }
        let live =
            |(slot, layout): (usize, &Option<Layout>)| layout.map(|_| Event::Free { slot: slot as u32 });
        events.extend(slots.iter().enumerate().filter_map(live));
        let live_at_end = events.len() - recorded;
        Ok(Trace { events, recorded, slots: slots.len(), peak_live_bytes, live_at_end })
    }
}

#[cfg(test)]
mod tests;
