//! Head, tail and capacity side by side in one header, `(tail + 1) % capacity`, the other side's index loaded each time:
//! as document 003 prints it. The document leaves open who may call it; here the types allow one producer and one consumer.

use crate::ring_spsc::memory::{Layout, Memory, Slot};
use crate::ring_spsc::{Pop, Push, Spsc};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "head, tail, capacity in one header";

/// The queue between processes.
pub struct HeadTail;

impl Spsc<u64> for HeadTail {
    type Producer = Producer<u64>;
    type Consumer = Consumer<u64>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<u64>, Consumer<u64>), Unavailable> {
        let slots = (0..capacity + 1).map(|_| Slot::empty());
        Ok(endpoints(Memory::mapped(Header::for_items(capacity, start), slots)?))
    }
}

/// The same queue in heap memory, between threads: for tests of the algorithm without a mapping.
pub struct OnHeap;

impl<T: Send + 'static> Spsc<T> for OnHeap {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let slots = (0..capacity + 1).map(|_| Slot::empty());
        Ok(endpoints(Memory::boxed(Header::for_items(capacity, start), slots)))
    }
}

fn endpoints<T>([producer, consumer]: [Memory<Header, Slot<T>>; 2]) -> (Producer<T>, Consumer<T>) {
    (Producer(producer), Consumer(consumer))
}

/// Both indices are below `slots`; equal indices mean empty, so one slot always stays free.
#[repr(C)]
pub struct Header {
    head: AtomicU64,
    tail: AtomicU64,
    slots: u64,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == 24);

impl Header {
    fn for_items(capacity: usize, start: u64) -> Self {
        let slots = capacity as u64 + 1;
        let first = || AtomicU64::new(start % slots);
        Self { head: first(), tail: first(), slots }
    }

    #[inline(always)]
    fn next(&self, index: u64) -> u64 {
        (index + 1) % self.slots
    }

    /// Acquire takes slots over from the consumer; pairs with the Release store in `try_pop`.
    #[inline(always)]
    fn consumer_head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Acquire takes slots over from the producer; pairs with the Release store in `try_push`.
    #[inline(always)]
    fn producer_tail(&self) -> u64 {
        self.tail.load(Ordering::Acquire)
    }
}

impl<T> Layout<Slot<T>> for Header {
    fn drop_unread(&mut self, slots: &mut [Slot<T>]) {
        // Relaxed: whoever drops the queue has it alone.
        let (mut head, tail) = (self.head.load(Ordering::Relaxed), self.tail.load(Ordering::Relaxed));
        while head != tail {
            // SAFETY: slots from head to tail hold items that nobody took, and nobody else is left.
            drop(unsafe { slots[head as usize].take() });
            head = self.next(head);
        }
    }
}

/// The only side that pushes.
pub struct Producer<T>(Memory<Header, Slot<T>>);

/// The only side that pops.
pub struct Consumer<T>(Memory<Header, Slot<T>>);

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        let header = self.0.header();
        // Relaxed: only this side writes the tail.
        let tail = header.tail.load(Ordering::Relaxed);
        let next = header.next(tail);
        if next == header.consumer_head() {
            return Err(item);
        }
        // SAFETY: the tail stays below the number of slots.
        let slot = unsafe { self.0.slot(tail as usize) };
        // SAFETY: the consumer has passed this slot (Acquire on the head) and comes back only after the store below.
        unsafe { slot.put(item) };
        // Release hands the slot over; pairs with the Acquire load in `producer_tail`.
        header.tail.store(next, Ordering::Release);
        Ok(())
    }

    fn is_full(&self) -> bool {
        let header = self.0.header();
        header.next(header.tail.load(Ordering::Relaxed)) == header.consumer_head()
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        let header = self.0.header();
        // Relaxed: only this side writes the head.
        let head = header.head.load(Ordering::Relaxed);
        if head == header.producer_tail() {
            return None;
        }
        // SAFETY: the head stays below the number of slots.
        let slot = unsafe { self.0.slot(head as usize) };
        // SAFETY: the producer has filled this slot (Acquire on the tail) and comes back only after the store below.
        let item = unsafe { slot.take() };
        // Release hands the slot back; pairs with the Acquire load in `consumer_head`.
        header.head.store(header.next(head), Ordering::Release);
        Some(item)
    }

    fn len(&self) -> usize {
        let header = self.0.header();
        let head = header.head.load(Ordering::Relaxed);
        ((header.producer_tail() + header.slots - head) % header.slots) as usize
    }
}
