//! The yring crate, each item flushed and released at once.

use super::{Pop, Push, Spsc};
use ::yring::spsc;
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "yring, flushed after every item";

/// The ring between threads.
pub struct Yring;

/// The only side that pushes.
pub struct Producer<T>(::yring::Producer<T>);

/// The only side that pops.
pub struct Consumer<T>(::yring::Consumer<T>);

impl<T: Send + 'static> Spsc<T> for Yring {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let (producer, consumer) = spsc(capacity);
        Ok((Producer(producer), Consumer(consumer)))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.0.push_and_flush(item)
    }

    fn is_full(&self) -> bool {
        self.0.len() == self.0.capacity()
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.prefetch_and_pop()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
