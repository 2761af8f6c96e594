//! The one-line cell for any number of writers: the odd sequence number is their lock, taken by compare-and-swap.

use super::cell::Cell;
use super::{Read, State, Versioned, WORDS, Write};
use crate::sync::{Arc, AtomicU64};

/// What it is, for the table.
pub const ABOUT: &str = "one line, writers take turns by compare-and-swap";

/// A handle on the cell: reads and writes.
#[derive(Clone)]
pub struct ManyWriters(Arc<Cell<State, WORDS>>);

impl Versioned for ManyWriters {
    type Writer = Self;
    type Reader = Self;

    fn new(state: State) -> (Self, Self) {
        let cell = Arc::new(Cell::new(AtomicU64::new(0), state));
        (Self(cell.clone()), Self(cell))
    }
}

impl Write for ManyWriters {
    #[inline(always)]
    fn write(&mut self, state: State) {
        self.0.write_among_many(state);
    }
}

impl Read for ManyWriters {
    #[inline(always)]
    fn read(&self) -> State {
        self.0.read()
    }
}
