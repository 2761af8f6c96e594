//! The bounded queue of many to many in the crossbeam-queue crate, which a ring may be made of.

use super::{Pop, Push, Spsc};
use ::crossbeam_queue::ArrayQueue;
use perfbench_harness::Unavailable;
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "ArrayQueue of crossbeam-queue, made for many to many";

/// The crate's queue between threads.
pub struct CrossbeamArray;

/// A handle of either side.
pub struct Handle<T>(Arc<ArrayQueue<T>>);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Spsc<T> for CrossbeamArray {
    type Producer = Handle<T>;
    type Consumer = Handle<T>;

    fn ring(capacity: usize, _start: u64) -> Result<(Handle<T>, Handle<T>), Unavailable> {
        let queue = Handle(Arc::new(ArrayQueue::new(capacity)));
        Ok((queue.clone(), queue))
    }
}

impl<T> Push<T> for Handle<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.0.push(item)
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

impl<T> Pop<T> for Handle<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
