//! One plain mutex around the deque and the statistics together.

use super::pool::{Limits, Pool, ResourceExhausted, Shelf, Source, Statistics};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the table says of it.
pub const ABOUT: &str = "deque and statistics behind one plain mutex";

pub struct SyncMutex(Mutex<(Shelf, Statistics)>);

impl SyncMutex {
    /// A holder that panicked has left counts and deque whole: neither is ever half changed.
    fn lock(&self) -> MutexGuard<'_, (Shelf, Statistics)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for SyncMutex {
    #[inline]
    fn hand_out(&self) -> Result<Vec<u8>, ResourceExhausted> {
        let (shelf, statistics) = &mut *self.lock();
        shelf.take(statistics)
    }

    #[inline]
    fn give_back(&self, bytes: Vec<u8>) {
        self.lock().0.give_back(bytes);
    }
}

impl Pool for SyncMutex {
    fn new(limits: Limits) -> Self {
        Self(Mutex::new((Shelf::new(limits), Statistics::default())))
    }

    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        let (shelf, statistics) = &mut *self.lock();
        shelf.warm_up(percent, statistics)
    }

    fn statistics(&self) -> Statistics {
        let (shelf, statistics) = &*self.lock();
        Statistics { size: shelf.alive(), ..*statistics }
    }
}
