//! Sequence number and seven words in one cache line: a reader that has the line has the whole value.

use super::cell::{Reader, Writer, split};
use super::{State, Versioned, WORDS};
use crate::sync::AtomicU64;

/// What it is, for the table.
pub const ABOUT: &str = "sequence and words in one line, relaxed atomics";

/// The table's name for it; `cell` is what it is made of.
pub struct OneLine;

impl Versioned for OneLine {
    type Writer = Writer<State, WORDS>;
    type Reader = Reader<State, WORDS>;

    fn new(state: State) -> (Self::Writer, Self::Reader) {
        split(AtomicU64::new(0), state)
    }
}
