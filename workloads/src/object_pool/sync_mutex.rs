//! One plain mutex around the deque and the statistics together.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::{Shared, SharedPool};
use super::shelf::{Carried, Keeper, Shelf};
use super::statistics::Statistics;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the table says of it.
pub const ABOUT: &str = "deque and statistics behind one plain mutex";

/// The pool.
pub struct SyncMutex<T: Payload>(Mutex<(Shelf<T>, Statistics)>);

impl<T: Payload> SyncMutex<T> {
    /// A holder that panicked has left counts and deque whole: neither is ever half changed.
    fn lock(&self) -> MutexGuard<'_, (Shelf<T>, Statistics)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Payload> Shared for SyncMutex<T> {
    type Object = T;
    type Loan<'a> = Carried<'a, Self>;

    fn new(limits: Limits) -> Self {
        Self(Mutex::new((Shelf::new(limits), Statistics::default())))
    }

    #[inline]
    fn take(&self) -> Result<Carried<'_, Self>, ResourceExhausted> {
        let (shelf, statistics) = &mut *self.lock();
        Ok(Carried::new(shelf.take(statistics)?, self))
    }
}

impl<T: Payload> Keeper for SyncMutex<T> {
    type Object = T;

    #[inline]
    fn give_back(&self, object: T) {
        self.lock().0.give_back(object);
    }
}

impl<T: Payload> SharedPool for SyncMutex<T> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        let (shelf, statistics) = &mut *self.lock();
        shelf.warm_up(percent, statistics)
    }

    fn statistics(&self) -> Statistics {
        let (shelf, statistics) = &*self.lock();
        Statistics { size: shelf.alive(), ..*statistics }
    }
}

/// For the table.
pub enum Kind {}

impl super::PoolKind for Kind {
    type Of<T: Payload> = std::sync::Arc<SyncMutex<T>>;
}
