//! The ring of one to one in the nexus-queue crate.

use super::{Pop, Push, Spsc};
use ::nexus_queue::spsc;
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "nexus-queue, the fastest published ring measured";

/// The ring between threads.
pub struct NexusQueue;

/// The only side that pushes.
pub struct Producer<T>(spsc::Producer<T>);

/// The only side that pops.
pub struct Consumer<T>(spsc::Consumer<T>);

impl<T: Send + 'static> Spsc<T> for NexusQueue {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    /// The crate does not say how full a ring is.
    const TELLS: bool = false;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let (producer, consumer) = spsc::ring_buffer(capacity);
        Ok((Producer(producer), Consumer(consumer)))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.0.push(item).map_err(|full| full.into_inner())
    }

    fn is_full(&self) -> bool {
        unreachable!("asked only of rings that tell")
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    fn len(&self) -> usize {
        unreachable!("asked only of rings that tell")
    }
}
