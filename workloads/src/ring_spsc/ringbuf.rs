//! The ringbuf crate, item by item, by its caching halves.

use super::{Pop, Push, Spsc};
use ::ringbuf::traits::{Consumer as _, Observer, Producer as _, Split};
use ::ringbuf::{HeapCons, HeapProd, HeapRb};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "ringbuf, item by item";

/// The ring between threads.
pub struct Ringbuf;

/// The only side that pushes.
pub struct Producer<T>(HeapProd<T>);

/// The only side that pops.
pub struct Consumer<T>(HeapCons<T>);

impl<T: Send + 'static> Spsc<T> for Ringbuf {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let (producer, consumer) = HeapRb::new(capacity).split();
        Ok((Producer(producer), Consumer(consumer)))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.0.try_push(item)
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.try_pop()
    }

    fn len(&self) -> usize {
        self.0.occupied_len()
    }
}
