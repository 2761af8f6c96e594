//! The `arc-swap` crate: every write is a new value on the heap, and a reader borrows the one that it finds.

use super::{Read, State, Versioned, Write};
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "crate arc-swap: a new heap value each write";

/// A handle on the pointer: reads and writes.
#[derive(Clone)]
pub struct Peer(Arc<::arc_swap::ArcSwap<State>>);

impl Versioned for Peer {
    type Writer = Self;
    type Reader = Self;

    fn new(state: State) -> (Self, Self) {
        let pointer = Self(Arc::new(::arc_swap::ArcSwap::from_pointee(state)));
        (pointer.clone(), pointer)
    }
}

impl Write for Peer {
    #[inline(always)]
    fn write(&mut self, state: State) {
        self.0.store(Arc::new(state));
    }
}

impl Read for Peer {
    #[inline(always)]
    fn read(&self) -> State {
        **self.0.load()
    }
}
