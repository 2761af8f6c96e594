//! The rtrb crate, item by item.

use super::{Pop, Push, Spsc};
use ::rtrb::{Consumer, Producer, PushError, RingBuffer};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "the crate that most would pick";

/// The crate's ring between threads.
pub struct Rtrb;

impl<T: Send + 'static> Spsc<T> for Rtrb {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        Ok(RingBuffer::new(capacity))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        Producer::push(self, item).map_err(|PushError::Full(item)| item)
    }

    fn is_full(&self) -> bool {
        Producer::is_full(self)
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        Consumer::pop(self).ok()
    }

    fn len(&self) -> usize {
        self.slots()
    }
}
