//! The queue of one to one in the lock-free crate of iceoryx2, which is built where the feature `heavy-peers` is on.

use super::timed::{self, throughput};
use super::waiting::OnePause;
use super::{CAPACITY, Pop, Push, Spsc};
use iceoryx2_bb_lock_free::spsc::queue::Queue;
use perfbench_harness::case::Case;
use perfbench_harness::{Setup, Unavailable};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "the queue of iceoryx2, which loads both positions on every call";

/// The ring between threads. Its slots are a constant of the crate's types, so whoever asks for fewer gets more.
pub struct Iceoryx2<const SLOTS: usize = CAPACITY>;

/// The only side that pushes.
pub struct Producer<T: Copy, const SLOTS: usize>(Arc<Queue<T, SLOTS>>);

/// The only side that pops.
pub struct Consumer<T: Copy, const SLOTS: usize>(Arc<Queue<T, SLOTS>>);

/// Each point's own number of slots: a choice in every call would cost as much as the call.
pub(super) fn build(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    match setup.point.size {
        64 => throughput::<Iceoryx2<64>, u64, OnePause>(setup),
        65_536 => throughput::<Iceoryx2<65_536>, u64, OnePause>(setup),
        _ => timed::build::<Iceoryx2>(setup),
    }
}

impl<T: Copy + Send + Sync + 'static, const SLOTS: usize> Spsc<T> for Iceoryx2<SLOTS> {
    type Producer = Producer<T, SLOTS>;
    type Consumer = Consumer<T, SLOTS>;

    fn ring(capacity: usize, _start: u64) -> Result<(Self::Producer, Self::Consumer), Unavailable> {
        assert!(capacity <= SLOTS, "a ring of {SLOTS} slots holds no {capacity} items");
        let queue = Arc::new(Queue::new());
        Ok((Producer(queue.clone()), Consumer(queue)))
    }

    fn holds(_capacity: usize) -> RangeInclusive<usize> {
        SLOTS..=SLOTS
    }
}

impl<T: Copy, const SLOTS: usize> Push<T> for Producer<T, SLOTS> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        // SAFETY: this is the ring's only producer, and `&mut self` makes this its only call.
        match unsafe { self.0.push(&item) } {
            true => Ok(()),
            false => Err(item),
        }
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

impl<T: Copy, const SLOTS: usize> Pop<T> for Consumer<T, SLOTS> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        // SAFETY: this is the ring's only consumer, and `&mut self` makes this its only call.
        unsafe { self.0.pop() }
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
