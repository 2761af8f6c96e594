//! Head and tail side by side in one header and positions by remainder, as document 003 has it, with bulk operations on
//! slices: one slot stays free, and each call asks for the other side's index.

use super::{Bulk, Read, Write};
use crate::ring_spsc::memory::{Layout, Memory, Slot};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "head, tail and count in one line, remainder by the capacity";

/// The ring between threads.
pub struct HeadTail;

/// What both sides write and read.
pub struct Header {
    head: AtomicU64,
    tail: AtomicU64,
    total_written: AtomicU64,
}

impl<T: Copy> Layout<Slot<T>> for Header {
    /// Items that can be copied need no drop.
    fn drop_unread(&mut self, _: &mut [Slot<T>]) {}
}

/// One side; which one its wrapper tells.
struct Side<T: Copy>(Memory<Header, Slot<T>>);

impl<T: Copy> Side<T> {
    fn slots(&self) -> u64 {
        self.0.slot_count() as u64
    }

    /// Items between two indices.
    fn distance(&self, from: u64, to: u64) -> usize {
        ((to + self.slots() - from) % self.slots()) as usize
    }

    #[inline(always)]
    fn slot(&self, position: u64) -> &Slot<T> {
        // SAFETY: the remainder is below the number of slots.
        unsafe { self.0.slot((position % self.slots()) as usize) }
    }
}

/// The only side that writes.
pub struct Writer<T: Copy>(Side<T>);

/// The only side that reads.
pub struct Reader<T: Copy>(Side<T>);

impl<T: Copy + Send + 'static> Bulk<T> for HeadTail {
    type Writer = Writer<T>;
    type Reader = Reader<T>;

    fn ring(capacity: usize) -> Result<(Writer<T>, Reader<T>), Unavailable> {
        let zero = || AtomicU64::new(0);
        let header = Header { head: zero(), tail: zero(), total_written: zero() };
        let [writer, reader] = Memory::boxed(header, (0..=capacity).map(|_| Slot::empty())).map(Side);
        Ok((Writer(writer), Reader(reader)))
    }
}

impl<T: Copy> Write<T> for Writer<T> {
    #[inline(always)]
    fn write(&mut self, most: usize, mut make: impl FnMut(usize) -> T) -> usize {
        let (side, header) = (&self.0, self.0.0.header());
        // Relaxed: only this side moves the tail. Acquire takes the slots over; pairs with the Release in `read`.
        let (tail, head) = (header.tail.load(Ordering::Relaxed), header.head.load(Ordering::Acquire));
        let count = most.min(side.slots() as usize - 1 - side.distance(head, tail));
        for made in 0..count {
            // SAFETY: the reader has passed this slot and comes back only after the store below.
            unsafe { side.slot(tail + made as u64).put(make(made)) };
        }
        // Release hands the slots over; pairs with the Acquire in `show`.
        header.tail.store((tail + count as u64) % side.slots(), Ordering::Release);
        // Relaxed: only this side counts, and the count publishes nothing.
        let total = header.total_written.load(Ordering::Relaxed) + count as u64;
        header.total_written.store(total, Ordering::Relaxed);
        count
    }

    fn total_written(&self) -> u64 {
        self.0.0.header().total_written.load(Ordering::Relaxed)
    }
}

impl<T: Copy> Reader<T> {
    /// Shows the oldest items; returns the head behind them and how many.
    #[inline(always)]
    fn show(&self, most: usize, mut look: impl FnMut(&T)) -> (u64, usize) {
        let (side, header) = (&self.0, self.0.0.header());
        // Relaxed: only this side moves the head. Acquire takes the slots over; pairs with the Release in `write`.
        let (head, tail) = (header.head.load(Ordering::Relaxed), header.tail.load(Ordering::Acquire));
        let count = most.min(side.distance(head, tail));
        for offset in 0..count as u64 {
            // SAFETY: the writer has filled this slot and comes back only after `read` says so.
            look(&unsafe { side.slot(head + offset).take() });
        }
        ((head + count as u64) % side.slots(), count)
    }
}

impl<T: Copy> Read<T> for Reader<T> {
    #[inline(always)]
    fn read(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        let (head, count) = self.show(most, look);
        // Release hands the slots back; pairs with the Acquire in `write`.
        self.0.0.header().head.store(head, Ordering::Release);
        count
    }

    fn peek(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        self.show(most, look).1
    }
}
