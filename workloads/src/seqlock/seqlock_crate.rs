//! The `seqlock` crate. Its reader copies the payload by one volatile read while a writer may be at it: undefined
//! behaviour by the letter, which Miri reports, and a mutex guards its writers.

use super::{Read, State, Versioned, Write};
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "crate seqlock: volatile reads race with the writer";

/// A handle on the lock: reads and writes.
#[derive(Clone)]
pub struct Peer(Arc<::seqlock::SeqLock<State>>);

impl Versioned for Peer {
    type Writer = Self;
    type Reader = Self;

    fn new(state: State) -> (Self, Self) {
        let lock = Self(Arc::new(::seqlock::SeqLock::new(state)));
        (lock.clone(), lock)
    }
}

impl Write for Peer {
    #[inline(always)]
    fn write(&mut self, state: State) {
        *self.0.lock_write() = state;
    }
}

impl Read for Peer {
    #[inline(always)]
    fn read(&self) -> State {
        self.0.read()
    }
}
