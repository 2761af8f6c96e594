//! The gil crate, item by item.

use super::{Pop, Push, Spsc};
use ::gil::spsc::{Receiver, Sender, channel};
use perfbench_harness::Unavailable;
use std::num::NonZeroUsize;

/// What it is, for the table.
pub const ABOUT: &str = "gil, item by item";

/// The ring between threads.
pub struct Gil;

/// The only side that pushes.
pub struct Producer<T>(Sender<T>);

/// The only side that pops.
pub struct Consumer<T>(Receiver<T>);

impl<T: Send + 'static> Spsc<T> for Gil {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    /// The crate does not say how full a ring is.
    const TELLS: bool = false;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let (producer, consumer) = channel(NonZeroUsize::new(capacity).expect("no ring holds nothing"));
        Ok((Producer(producer), Consumer(consumer)))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.0.try_send(item)
    }

    fn is_full(&self) -> bool {
        unreachable!("asked only of rings that tell")
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.try_recv()
    }

    fn len(&self) -> usize {
        unreachable!("asked only of rings that tell")
    }
}
