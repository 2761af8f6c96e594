//! What everybody has: the standard library's lock of many readers or one writer.

use super::{Read, State, Versioned, Write};
use std::sync::{Arc, RwLock};

/// What it is, for the table.
pub const ABOUT: &str = "std RwLock: readers and the writer shut each other out";

/// A handle on the lock: reads and writes.
#[derive(Clone)]
pub struct Locked(Arc<RwLock<State>>);

impl Versioned for Locked {
    type Writer = Self;
    type Reader = Self;

    fn new(state: State) -> (Self, Self) {
        let lock = Self(Arc::new(RwLock::new(state)));
        (lock.clone(), lock)
    }
}

const UNPOISONED: &str = "nobody panics while copying words";

impl Write for Locked {
    #[inline(always)]
    fn write(&mut self, state: State) {
        *self.0.write().expect(UNPOISONED) = state;
    }
}

impl Read for Locked {
    #[inline(always)]
    fn read(&self) -> State {
        *self.0.read().expect(UNPOISONED)
    }
}
