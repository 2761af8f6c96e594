//! The sequence number on a line of its own, away from the words: what a reader under a busy writer pays for the second line.

use super::cell::{Reader, Writer, split};
use super::{State, Versioned, WORDS};
use crate::sync::AtomicU64;
use std::borrow::Borrow;

/// What it is, for the table.
pub const ABOUT: &str = "sequence and words on lines of their own";

/// A sequence number with nothing else on its line, nor on the next.
#[repr(align(128))]
pub struct Apart(AtomicU64);

#[cfg(not(loom))]
const _: () = assert!(size_of::<super::cell::Cell<State, WORDS, Apart>>() == 256);

impl Borrow<AtomicU64> for Apart {
    #[inline(always)]
    fn borrow(&self) -> &AtomicU64 {
        &self.0
    }
}

/// The table's name for it; `cell` is what it is made of.
pub struct TwoLines;

impl Versioned for TwoLines {
    type Writer = Writer<State, WORDS, Apart>;
    type Reader = Reader<State, WORDS, Apart>;

    fn new(state: State) -> (Self::Writer, Self::Reader) {
        split(Apart(AtomicU64::new(0)), state)
    }
}
