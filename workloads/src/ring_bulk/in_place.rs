//! Items made and read in their slots, any number of them behind one store: unbounded masked indices on lines of their
//! own, each side asking for the other's only when it knows of too few.

use super::{Bulk, Read, Write};
use crate::ring_spsc::memory::{Layout, Line, Memory, Slot};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;
use std::ops::Range;

/// What it is, for the table.
pub const ABOUT: &str = "items made and read in their slots, one store for all";

/// The ring between threads.
pub struct InPlace;

/// How many items were written and read, each on its own line.
pub struct Indices {
    written: Line<AtomicU64>,
    read: Line<AtomicU64>,
}

impl<T: Copy> Layout<Slot<T>> for Indices {
    /// Items that can be copied need no drop.
    fn drop_unread(&mut self, _: &mut [Slot<T>]) {}
}

/// One side: its own index, and the other's as it was last seen.
struct Side<T: Copy> {
    memory: Memory<Indices, Slot<T>>,
    mask: u64,
    own: u64,
    other: u64,
}

impl<T: Copy> Side<T> {
    /// The slots of `count` items from the own index on: up to the end of the row, and the rest from its start.
    #[inline(always)]
    fn runs(&self, count: usize) -> [Range<usize>; 2] {
        let (first, slots) = ((self.own & self.mask) as usize, self.memory.slot_count());
        let straight = count.min(slots - first);
        [first..first + straight, 0..count - straight]
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> &Slot<T> {
        // SAFETY: the runs lie within the row.
        unsafe { self.memory.slot(index) }
    }
}

/// The only side that writes.
pub struct Writer<T: Copy>(Side<T>);

/// The only side that reads.
pub struct Reader<T: Copy>(Side<T>);

impl<T: Copy + Send + 'static> Bulk<T> for InPlace {
    type Writer = Writer<T>;
    type Reader = Reader<T>;

    /// # Panics
    /// Where `capacity` is no power of two.
    fn ring(capacity: usize) -> Result<(Writer<T>, Reader<T>), Unavailable> {
        assert!(capacity.is_power_of_two(), "the indices are masked");
        let indices = Indices { written: Line(AtomicU64::new(0)), read: Line(AtomicU64::new(0)) };
        let [writer, reader] = Memory::boxed(indices, (0..capacity).map(|_| Slot::empty()))
            .map(|memory| Side { memory, mask: capacity as u64 - 1, own: 0, other: 0 });
        Ok((Writer(writer), Reader(reader)))
    }
}

impl<T: Copy> Writer<T> {
    #[inline(always)]
    fn room(&mut self, wanted: usize) -> usize {
        let Side { memory, own, other, mask } = &mut self.0;
        let room = |other: u64| (*mask + 1).wrapping_sub(own.wrapping_sub(other)) as usize;
        if room(*other) < wanted {
            // Acquire takes the slots over; pairs with the Release store in `read`.
            *other = memory.header().read.0.load(Ordering::Acquire);
        }
        room(*other).min(wanted)
    }
}

impl<T: Copy> Write<T> for Writer<T> {
    #[inline(always)]
    fn write(&mut self, most: usize, mut make: impl FnMut(usize) -> T) -> usize {
        let count = self.room(most);
        if count == 0 {
            return 0;
        }
        let side = &mut self.0;
        let [straight, wrapped] = side.runs(count);
        let before_end = straight.len();
        for (made, index) in straight.enumerate() {
            // SAFETY: the reader has passed this slot and comes back only after the store below.
            unsafe { side.slot(index).put(make(made)) };
        }
        for index in wrapped {
            // SAFETY: as above.
            unsafe { side.slot(index).put(make(before_end + index)) };
        }
        side.own = side.own.wrapping_add(count as u64);
        // Release hands the slots over; pairs with the Acquire load in `ready`.
        side.memory.header().written.0.store(side.own, Ordering::Release);
        count
    }

    fn total_written(&self) -> u64 {
        self.0.own
    }
}

impl<T: Copy> Reader<T> {
    #[inline(always)]
    fn ready(&mut self, wanted: usize) -> usize {
        let Side { memory, own, other, .. } = &mut self.0;
        let ready = |other: u64| other.wrapping_sub(*own) as usize;
        if ready(*other) < wanted {
            // Acquire takes the slots over; pairs with the Release store in `write`.
            *other = memory.header().written.0.load(Ordering::Acquire);
        }
        ready(*other).min(wanted)
    }

    #[inline(always)]
    fn show(&mut self, count: usize, mut look: impl FnMut(&T)) {
        for run in self.0.runs(count) {
            for index in run {
                // SAFETY: the writer has filled this slot and comes back only after `read` says so.
                look(&unsafe { self.0.slot(index).take() });
            }
        }
    }
}

impl<T: Copy> Read<T> for Reader<T> {
    #[inline(always)]
    fn read(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        let count = self.ready(most);
        if count == 0 {
            return 0;
        }
        self.show(count, look);
        self.0.own = self.0.own.wrapping_add(count as u64);
        // Release hands the slots back; pairs with the Acquire load in `room`.
        self.0.memory.header().read.0.store(self.0.own, Ordering::Release);
        count
    }

    fn peek(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        let count = self.ready(most);
        self.show(count, look);
        count
    }
}
