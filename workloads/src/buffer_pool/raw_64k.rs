//! Document 002's pool: idle messages wait in the ring of the same document, so the one that has been idle longest, and is
//! coldest, comes next.

use super::message::Mark;
use super::pool::Order;
use super::raw_pool::{FreeList, RawPool};
use crate::ring_spsc::sequenced::{Consumer, Numbered, Producer, Sequenced};
use crate::ring_spsc::{Pop, Push, Spsc};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "64 KiB buffers of one thread, idle ones in a ring, first in first out";

/// The pool.
pub type Raw64k = RawPool<Queue>;

/// Both sides of a ring, which one thread may have as well as two.
pub struct Queue {
    pub(super) producer: Producer<Mark>,
    pub(super) consumer: Consumer<Mark>,
    slots: usize,
}

impl FreeList for Queue {
    const ORDER: Order = Order::Fifo;

    /// The ring has a power of two of slots, at least two.
    fn full(buffers: usize) -> Result<Self, Unavailable> {
        let slots = buffers.next_power_of_two().max(2);
        let (producer, consumer) = Sequenced::ring(slots, 0)?;
        let mut list = Self { producer, consumer, slots };
        (0..buffers as u32).for_each(|index| list.give(Mark::new(index, 0)));
        Ok(list)
    }

    #[inline(always)]
    fn take(&mut self) -> Option<Mark> {
        self.consumer.try_pop()
    }

    #[inline(always)]
    fn give(&mut self, idle: Mark) {
        self.producer.try_push(idle).expect("no message is given twice, so there is a slot for each");
    }

    fn bytes(&self) -> usize {
        self.slots * size_of::<Numbered<Mark>>()
    }
}
