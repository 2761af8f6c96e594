//! The one core of all rings with two indices: each on cache lines of its own, each side keeping a copy of the other's and
//! reading it anew only when the ring looks full or empty. When an index is published is a policy; the memory is the same
//! on the heap and in a shared mapping. Slots lent in place are in `in_place`.

use super::memory::{Layout, Line, Memory, Slot};
use super::prefetch::for_writing;
use super::{Pop, Push, Spsc};
use crate::sync::{AtomicU64, Ordering, spin_loop};
use perfbench_harness::Unavailable;
use std::marker::PhantomData;
use std::ops::RangeInclusive;

/// When the sides tell each other how far they are. The producer always tells of every item, because an item that it kept
/// to itself could stay there for ever.
pub trait Publication: Send + 'static {
    /// The consumer publishes its index when it has taken the `1 / SHARES`th part of the capacity, and when it finds the ring
    /// empty; after every item where this is none.
    const SHARES: Option<u64>;

    /// Pauses that a side makes of its own accord where a [`Stream`] finds the ring empty or full, so that its next look finds
    /// many items or slots and not one.
    const CATCH_UP_PAUSES: u32;
}

/// What tells a stream of items from single ones: how many came since a side last had to wait, and how often it had to.
#[derive(Debug, Default)]
pub(super) struct Stream {
    credit: u64,
}

impl Stream {
    /// Credit that makes a side believe in a stream, and what an attempt in vain takes off: a message and its answer come
    /// singly, between several attempts, and never gather any.
    const BELIEVED: u64 = 32;
    const PER_FAILURE: u64 = 4;

    /// Whether an attempt in vain after `moved` items, none where it follows another one, ends a part of a stream.
    #[inline(always)]
    pub(super) fn pauses_after(&mut self, moved: u64) -> bool {
        let credit = self.credit.saturating_add(moved).saturating_sub(Self::PER_FAILURE);
        let believed = credit >= Self::BELIEVED;
        self.credit = if believed { 0 } else { credit };
        believed
    }
}

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// How many items ahead of its writes the producer claims a line: four lines, or sixteen items where these are large. The
/// claim takes the line from the consumer's cache before the write needs it.
const fn ahead_items<T>() -> u64 {
    let items = 4 * LINE_BYTES / size_of_item::<T>();
    if items > 16 { items as u64 } else { 16 }
}

/// Items that begin on one line: each of their lines is claimed once.
const fn items_per_line<T>() -> u64 {
    let items = LINE_BYTES / size_of_item::<T>();
    if items > 1 { items as u64 } else { 1 }
}

const fn size_of_item<T>() -> usize {
    if size_of::<T>() == 0 { 1 } else { size_of::<T>() }
}

/// The ring between threads.
pub struct Indexed<P>(PhantomData<P>);

impl<T: Send + 'static, P: Publication> Spsc<T> for Indexed<P> {
    type Producer = Producer<T, P>;
    type Consumer = Consumer<T, P>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T, P>, Consumer<T, P>), Unavailable> {
        let slots = (0..slots_for::<P>(capacity)).map(|_| Slot::empty());
        Ok(endpoints(Memory::boxed(Header::starting_at(start), slots)))
    }

    fn holds(capacity: usize) -> RangeInclusive<usize> {
        capacity..=most::<P>(capacity as u64) as usize
    }
}

/// Slots of a ring for `capacity` items. Where the consumer publishes late, the slots that it has not told of yet come on
/// top, and twice as many is the next number that can be masked.
pub fn slots_for<P: Publication>(capacity: usize) -> usize {
    if P::SHARES.is_some() { 2 * capacity } else { capacity }
}

/// Items that the consumer takes before it says so.
const fn lag<P: Publication>(capacity: u64) -> u64 {
    match P::SHARES {
        Some(shares) if capacity > shares => capacity / shares,
        _ => 1,
    }
}

/// Items that fit where the consumer has told of all that it took.
const fn most<P: Publication>(capacity: u64) -> u64 {
    capacity + lag::<P>(capacity) - 1
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
        // Relaxed: whoever drops the ring has it alone, and the consumer published its index when it was dropped.
        let (mut head, tail) = (self.head.0.load(Ordering::Relaxed), self.tail.0.load(Ordering::Relaxed));
        while head != tail {
            // SAFETY: slots from head to tail hold items that nobody took, and nobody else is left.
            drop(unsafe { slots[(head & mask) as usize].take() });
            head = head.wrapping_add(1);
        }
    }
}

/// Splits a fresh ring of [`slots_for`] its capacity into its two sides.
///
/// # Panics
/// Where the number of slots is no power of two.
pub(crate) fn endpoints<T, P: Publication>(
    [producer, consumer]: [Memory<Header, Slot<T>>; 2],
) -> (Producer<T, P>, Consumer<T, P>) {
    (Producer::resumed(producer), Consumer::resumed(consumer))
}

/// What the indices are masked with, and the items that the ring is made for.
fn mask_and_capacity<T, P: Publication>(memory: &Memory<Header, Slot<T>>) -> (u64, u64) {
    let slots = memory.slot_count() as u64;
    assert!(slots.is_power_of_two(), "the indices are masked");
    (slots - 1, if P::SHARES.is_some() { slots / 2 } else { slots })
}

/// Whether a ring looks empty to somebody who is not its consumer: where not, its consumer may still find it empty, which it
/// then tells. Relaxed: nothing is read on the strength of it.
#[inline(always)]
pub(crate) fn seems_empty<T>(memory: &Memory<Header, Slot<T>>) -> bool {
    let header = memory.header();
    header.tail.0.load(Ordering::Relaxed) == header.head.0.load(Ordering::Relaxed)
}

/// The only side that pushes.
pub struct Producer<T, P> {
    pub(super) memory: Memory<Header, Slot<T>>,
    pub(super) mask: u64,
    pub(super) tail: u64,
    /// The index that may not be written yet, by what is known of the consumer.
    pub(super) limit: u64,
    most: u64,
    /// The index at which the ring was last full.
    stopped: u64,
    stream: Stream,
    policy: PhantomData<P>,
}

/// The only side that pops.
pub struct Consumer<T, P: Publication> {
    pub(super) memory: Memory<Header, Slot<T>>,
    pub(super) mask: u64,
    pub(super) head: u64,
    /// The index that cannot be read yet, by what is known of the producer.
    pub(super) tail: u64,
    /// The index at which the next publication is due.
    due: u64,
    lag: u64,
    /// The index at which the ring was last empty.
    stopped: u64,
    stream: Stream,
    policy: PhantomData<P>,
}

impl<T, P: Publication> Push<T> for Producer<T, P> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        if self.tail == self.limit && !self.finds_room() {
            return Err(item);
        }
        self.claim_ahead();
        // SAFETY: masked by the number of slots less one.
        let slot = unsafe { self.memory.slot((self.tail & self.mask) as usize) };
        // SAFETY: the consumer has passed this slot (Acquire on its index) and comes back only after the store below.
        unsafe { slot.put(item) };
        self.publish(self.tail.wrapping_add(1));
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.tail == self.limit_now()
    }
}

impl<T, P: Publication> Producer<T, P> {
    /// Begins where the last producer of the ring stood; it takes the ring for full until it has asked.
    pub(crate) fn resumed(memory: Memory<Header, Slot<T>>) -> Self {
        let (mask, capacity) = mask_and_capacity::<T, P>(&memory);
        // Relaxed: only producers write the tail, and this is the only one.
        let tail = memory.header().tail.0.load(Ordering::Relaxed);
        Self {
            memory,
            mask,
            tail,
            limit: tail,
            most: most::<P>(capacity),
            stopped: tail,
            stream: Stream::default(),
            policy: PhantomData,
        }
    }

    /// Release hands slots over; pairs with the Acquire load in `producer_tail`.
    #[inline(always)]
    pub(super) fn publish(&mut self, tail: u64) {
        self.tail = tail;
        self.memory.header().tail.0.store(tail, Ordering::Release);
    }

    /// Acquire takes slots over; pairs with the Release store in the consumer's `publish`.
    #[inline(always)]
    pub(super) fn limit_now(&self) -> u64 {
        self.memory.header().head.0.load(Ordering::Acquire).wrapping_add(self.most)
    }

    #[inline(always)]
    fn claim_ahead(&self) {
        if self.tail.is_multiple_of(const { items_per_line::<T>() }) {
            let ahead = self.tail.wrapping_add(const { ahead_items::<T>() });
            for_writing(self.memory.slot_address((ahead & self.mask) as usize));
        }
    }

    /// Looks at the consumer's index; where the ring is still full in a stream, keeps off it for a while.
    #[inline(never)]
    fn finds_room(&mut self) -> bool {
        self.limit = self.limit_now();
        let found = self.tail != self.limit;
        if !found {
            let moved = self.tail.wrapping_sub(std::mem::replace(&mut self.stopped, self.tail));
            if self.stream.pauses_after(moved) {
                (0..P::CATCH_UP_PAUSES).for_each(|_| spin_loop());
            }
        }
        found
    }
}

impl<T, P: Publication> Pop<T> for Consumer<T, P> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        if self.head == self.tail && !self.finds_items() {
            return None;
        }
        // SAFETY: masked by the number of slots less one.
        let slot = unsafe { self.memory.slot((self.head & self.mask) as usize) };
        // SAFETY: the producer has filled this slot (Acquire on its index) and comes back only after it is published.
        let item = unsafe { slot.take() };
        self.pass(1);
        Some(item)
    }

    fn len(&self) -> usize {
        self.producer_tail().wrapping_sub(self.head) as usize
    }
}

impl<T, P: Publication> Consumer<T, P> {
    /// Begins where the last consumer of the ring stood; it takes the ring for empty until it has asked.
    pub(crate) fn resumed(memory: Memory<Header, Slot<T>>) -> Self {
        let (mask, capacity) = mask_and_capacity::<T, P>(&memory);
        let lag = lag::<P>(capacity);
        // Relaxed: only consumers write the head, and this is the only one.
        let head = memory.header().head.0.load(Ordering::Relaxed);
        let due = head.wrapping_add(lag);
        Self {
            memory,
            mask,
            head,
            tail: head,
            due,
            lag,
            stopped: head,
            stream: Stream::default(),
            policy: PhantomData,
        }
    }

    /// Acquire takes slots over; pairs with the Release store in the producer's `publish`.
    #[inline(always)]
    pub(super) fn producer_tail(&self) -> u64 {
        self.memory.header().tail.0.load(Ordering::Acquire)
    }

    /// Goes past `count` items that have been taken, and says so where it is due.
    #[inline(always)]
    pub(super) fn pass(&mut self, count: u64) {
        self.head = self.head.wrapping_add(count);
        if P::SHARES.is_none() {
            self.publish();
        } else if self.due.wrapping_sub(self.head) as i64 <= 0 {
            self.publish();
            self.due = self.head.wrapping_add(self.lag);
        }
    }

    /// Release hands slots back; pairs with the Acquire load in `limit_now`.
    #[inline(always)]
    fn publish(&self) {
        self.memory.header().head.0.store(self.head, Ordering::Release);
    }

    /// Looks at the producer's index where all that it had told of is taken.
    #[inline(always)]
    fn finds_items(&mut self) -> bool {
        self.tail = self.producer_tail();
        self.head != self.tail || self.is_empty_now()
    }

    /// The ring is empty: tells of every item taken, and in a stream keeps off the ring for a while. Never true.
    #[inline(never)]
    fn is_empty_now(&mut self) -> bool {
        if P::SHARES.is_some() && self.due != self.head.wrapping_add(self.lag) {
            self.publish();
            self.due = self.head.wrapping_add(self.lag);
        }
        let moved = self.head.wrapping_sub(std::mem::replace(&mut self.stopped, self.head));
        if self.stream.pauses_after(moved) {
            (0..P::CATCH_UP_PAUSES).for_each(|_| spin_loop());
        }
        false
    }
}

impl<T, P: Publication> Drop for Consumer<T, P> {
    /// Whoever drops the ring learns from the index which items nobody took.
    fn drop(&mut self) {
        self.publish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts in vain among `rounds` rounds of so many items and then so many attempts in vain after which a side pauses.
    fn pauses(rounds: u64, items: u64, failures: u64) -> u64 {
        let mut stream = Stream::default();
        let attempts = (0..rounds).flat_map(|_| (0..failures).map(|n| if n == 0 { items } else { 0 }));
        attempts.filter(|moved| stream.pauses_after(*moved)).count() as u64
    }

    #[test]
    fn a_message_and_its_answer_are_never_taken_for_a_stream() {
        let rounds = if cfg!(miri) { 100 } else { 10_000 };
        assert_eq!(pauses(rounds, 1, 1), 0);
        assert_eq!(pauses(rounds, 4, 1), 0);
        assert_eq!(pauses(rounds, 20, 5), 0);
    }

    #[test]
    fn a_stream_is_noticed_whether_its_items_come_in_large_parts_or_in_small_ones() {
        assert_eq!(pauses(100, 1_000, 1), 100);
        assert!(pauses(100, 12, 1) >= 20);
    }
}
