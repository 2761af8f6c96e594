//! Both indices on cache lines of their own, each side keeping a copy of the other's and reading it anew only when the
//! ring looks full or empty. One core for threads (heap) and processes (shared mapping).

use super::memory::{Layout, Line, Memory, Slot};
use super::prefetch::for_writing;
use super::{Pop, Push, Spsc};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "padded, cached, masked indices";

/// The ring between threads.
pub struct CachedIndex;

impl<T: Send + 'static> Spsc<T> for CachedIndex {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let slots = (0..capacity).map(|_| Slot::empty());
        Ok(endpoints(Memory::boxed(Header::starting_at(start), slots)))
    }
}

/// What both sides write, each its own line. The indices count without end and wrap at 2^64; fixed-width words, so that
/// the layout is the same in every process.
#[repr(C)]
pub struct Header {
    tail: Line<AtomicU64>,
    head: Line<AtomicU64>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == 256 && std::mem::offset_of!(Header, head) == 128);

impl Header {
    /// An empty ring whose first item gets index `start`.
    pub fn starting_at(start: u64) -> Self {
        Self { tail: Line(AtomicU64::new(start)), head: Line(AtomicU64::new(start)) }
    }
}

impl<T> Layout<Slot<T>> for Header {
    fn drop_unread(&mut self, slots: &mut [Slot<T>]) {
        let mask = slots.len() as u64 - 1;
        // Relaxed: whoever drops the ring has it alone.
        let (mut head, tail) = (self.head.0.load(Ordering::Relaxed), self.tail.0.load(Ordering::Relaxed));
        while head != tail {
            // SAFETY: slots from head to tail hold items that nobody took, and nobody else is left.
            drop(unsafe { slots[(head & mask) as usize].take() });
            head = head.wrapping_add(1);
        }
    }
}

/// Splits a fresh ring into its two sides.
///
/// # Panics
/// Where the number of slots is no power of two.
pub(crate) fn endpoints<T>([producer, consumer]: [Memory<Header, Slot<T>>; 2]) -> (Producer<T>, Consumer<T>) {
    assert!(producer.slot_count().is_power_of_two(), "the indices are masked");
    let mask = producer.slot_count() as u64 - 1;
    // Relaxed: nobody else knows of a fresh ring.
    let start = producer.header().tail.0.load(Ordering::Relaxed);
    (
        Producer { memory: producer, mask, tail: start, head: start },
        Consumer { memory: consumer, mask, head: start, tail: start },
    )
}

/// The only side that pushes.
pub struct Producer<T> {
    memory: Memory<Header, Slot<T>>,
    mask: u64,
    tail: u64,
    head: u64,
}

/// The only side that pops.
pub struct Consumer<T> {
    memory: Memory<Header, Slot<T>>,
    mask: u64,
    head: u64,
    tail: u64,
}

/// How far ahead of its writes the producer claims lines: four of 64 bytes. The claim takes the line from the consumer's
/// cache before the write needs it.
const AHEAD_BYTES: usize = 256;

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        if self.tail.wrapping_sub(self.head) > self.mask {
            self.head = self.consumer_head();
            if self.tail.wrapping_sub(self.head) > self.mask {
                return Err(item);
            }
        }
        let ahead = self.tail.wrapping_add((AHEAD_BYTES / size_of::<Slot<T>>().max(1)) as u64);
        for_writing(self.memory.slot_address((ahead & self.mask) as usize));
        // SAFETY: masked by the number of slots less one.
        let slot = unsafe { self.memory.slot((self.tail & self.mask) as usize) };
        // SAFETY: the consumer has passed this slot (Acquire on its index) and comes back only after the store below.
        unsafe { slot.put(item) };
        self.tail = self.tail.wrapping_add(1);
        // Release hands the slot over; pairs with the Acquire load in `producer_tail`.
        self.memory.header().tail.0.store(self.tail, Ordering::Release);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.tail.wrapping_sub(self.consumer_head()) > self.mask
    }
}

impl<T> Producer<T> {
    #[inline(always)]
    fn consumer_head(&self) -> u64 {
        // Acquire takes the slots over; pairs with the Release store in `try_pop`.
        self.memory.header().head.0.load(Ordering::Acquire)
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        if self.head == self.tail {
            self.tail = self.producer_tail();
            if self.head == self.tail {
                return None;
            }
        }
        // SAFETY: masked by the number of slots less one.
        let slot = unsafe { self.memory.slot((self.head & self.mask) as usize) };
        // SAFETY: the producer has filled this slot (Acquire on its index) and comes back only after the store below.
        let item = unsafe { slot.take() };
        self.head = self.head.wrapping_add(1);
        // Release hands the slot back; pairs with the Acquire load in `consumer_head`.
        self.memory.header().head.0.store(self.head, Ordering::Release);
        Some(item)
    }

    fn len(&self) -> usize {
        self.producer_tail().wrapping_sub(self.head) as usize
    }
}

impl<T> Consumer<T> {
    #[inline(always)]
    fn producer_tail(&self) -> u64 {
        // Acquire takes the slots over; pairs with the Release store in `try_push`.
        self.memory.header().tail.0.load(Ordering::Acquire)
    }
}
