//! A sequence number in each cache-line-aligned slot says whose turn it is, as document 002 has it: no index is shared.

use super::memory::{Layout, Memory, Slot};
use super::{Pop, Push, Spsc};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "sequence number in each 64-byte slot";

/// The ring between threads.
pub struct Sequenced;

impl<T: Send + 'static> Spsc<T> for Sequenced {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    /// # Panics
    /// Where `capacity` is no power of two above one: with a single slot "filled" and "free again" are one number.
    fn ring(capacity: usize, start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        assert!(capacity.is_power_of_two() && capacity > 1, "the positions are masked");
        let mask = capacity as u64 - 1;
        let slots = (0..capacity as u64).map(|index| Numbered::free(first_position(index, start, mask)));
        let [producer, consumer] = Memory::boxed(Unshared, slots);
        let next = start;
        Ok((Producer { memory: producer, mask, next }, Consumer { memory: consumer, mask, next }))
    }
}

/// The first position from `start` on that falls to the slot at `index`.
fn first_position(index: u64, start: u64, mask: u64) -> u64 {
    start.wrapping_add(index.wrapping_sub(start) & mask)
}

/// A slot for position p: its number is p when the producer may write, p + 1 when the consumer may read, and
/// p + capacity when it waits for the next lap.
#[repr(C, align(64))]
pub struct Numbered<T> {
    sequence: AtomicU64,
    item: Slot<T>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Numbered<u64>>() == 64 && align_of::<Numbered<u64>>() == 64);

impl<T> Numbered<T> {
    fn free(position: u64) -> Self {
        Self { sequence: AtomicU64::new(position), item: Slot::empty() }
    }

    /// Whose turn it is. Acquire takes the slot over; pairs with the Release store in `pass_on`.
    #[inline(always)]
    #[cfg_attr(loom, track_caller)]
    fn turn(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Release hands the slot over; pairs with the Acquire load in `turn`.
    #[inline(always)]
    #[cfg_attr(loom, track_caller)]
    fn pass_on(&self, turn: u64) {
        self.sequence.store(turn, Ordering::Release);
    }
}

/// The empty header: the slots know everything.
pub struct Unshared;

impl<T> Layout<Numbered<T>> for Unshared {
    fn drop_unread(&mut self, slots: &mut [Numbered<T>]) {
        let mask = slots.len() as u64 - 1;
        for (index, slot) in slots.iter_mut().enumerate() {
            // Relaxed: whoever drops the ring has it alone. A free slot's number falls to the slot itself.
            if slot.sequence.load(Ordering::Relaxed) & mask != index as u64 {
                // SAFETY: the number says that the slot was filled and not taken, and nobody else is left.
                drop(unsafe { slot.item.take() });
            }
        }
    }
}

/// The only side that pushes.
pub struct Producer<T> {
    memory: Memory<Unshared, Numbered<T>>,
    mask: u64,
    next: u64,
}

/// The only side that pops.
pub struct Consumer<T> {
    memory: Memory<Unshared, Numbered<T>>,
    mask: u64,
    next: u64,
}

impl<T> Producer<T> {
    #[inline(always)]
    fn slot(&self) -> &Numbered<T> {
        // SAFETY: masked by the number of slots less one.
        unsafe { self.memory.slot((self.next & self.mask) as usize) }
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        let slot = self.slot();
        if slot.turn() != self.next {
            return Err(item);
        }
        // SAFETY: the number says that it is the producer's turn.
        unsafe { slot.item.put(item) };
        slot.pass_on(self.next.wrapping_add(1));
        self.next = self.next.wrapping_add(1);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.slot().turn() != self.next
    }
}

impl<T> Consumer<T> {
    #[inline(always)]
    fn slot(&self, position: u64) -> &Numbered<T> {
        // SAFETY: masked by the number of slots less one.
        unsafe { self.memory.slot((position & self.mask) as usize) }
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        let slot = self.slot(self.next);
        if slot.turn() != self.next.wrapping_add(1) {
            return None;
        }
        // SAFETY: the number says that the slot is filled and that it is the consumer's turn.
        let item = unsafe { slot.item.take() };
        slot.pass_on(self.next.wrapping_add(self.mask).wrapping_add(1));
        self.next = self.next.wrapping_add(1);
        Some(item)
    }

    /// Walks from the next item on, because no index is shared.
    fn len(&self) -> usize {
        let filled = |offset: &u64| {
            let position = self.next.wrapping_add(*offset);
            self.slot(position).turn() == position.wrapping_add(1)
        };
        (0..=self.mask).take_while(filled).count()
    }
}
