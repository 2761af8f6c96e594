//! Header and items on one cache line: the header counts the line's items, so a message travels with what announces it.
//! Seven numbers share a line; a 64-byte item has its header on the line before. The consumer's position is published late.

use super::index_ring::Stream;
use super::memory::{Layout, Line as Padded, Memory, Slot};
use super::payload::Block;
use super::prefetch::for_writing;
use super::{Pop, Push, Spsc};
use crate::sync::{AtomicU64, Ordering, spin_loop};
use perfbench_harness::Unavailable;
use std::ops::RangeInclusive;

/// What it is, for the table.
pub const ABOUT: &str = "header and seven words in one line";

/// The ring between threads: as many items beside a header as a line takes.
pub struct Line;

/// The same for any item, with `N` of them to a header; seven at most.
pub struct Lines<const N: usize>;

impl<T: Send + 'static, const N: usize> Spsc<T> for Lines<N> {
    type Producer = Producer<T, N>;
    type Consumer = Consumer<T, N>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T, N>, Consumer<T, N>), Unavailable> {
        const { assert!(N > 0 && N < LINE as usize) };
        let most = most_lines::<N>(capacity);
        let lines = most.next_power_of_two() as u64;
        let base = start & !(LINE - 1);
        let headers = (0..lines).map(|index| Packed::free(first_of(index, base, lines)));
        let [producer, consumer] = Memory::boxed(Taken(Padded(AtomicU64::new(base))), headers);
        Ok(endpoints(producer, consumer, base, most as u64, lag_lines::<N>(capacity) as u64))
    }

    fn holds(capacity: usize) -> RangeInclusive<usize> {
        capacity..=N * most_lines::<N>(capacity)
    }
}

/// Forwards to the number of items that fit for each type that is timed.
macro_rules! fits {
    ($item:ty, $count:literal) => {
        impl Spsc<$item> for Line {
            type Producer = Producer<$item, $count>;
            type Consumer = Consumer<$item, $count>;

            fn ring(capacity: usize, start: u64) -> Result<(Self::Producer, Self::Consumer), Unavailable> {
                <Lines<$count> as Spsc<$item>>::ring(capacity, start)
            }

            fn holds(capacity: usize) -> RangeInclusive<usize> {
                <Lines<$count> as Spsc<$item>>::holds(capacity)
            }
        }
    };
}

fits!(u64, 7);
fits!(Block, 1);

/// Positions count eight to a line: the line's base, and how many of its items.
const LINE: u64 = 8;

/// Lines that the consumer leaves before it says so.
fn lag_lines<const N: usize>(capacity: usize) -> usize {
    (capacity / N / 8).max(1)
}

/// Lines between what the consumer told of and the producer's, both counted: enough for `capacity` items when the consumer
/// has told late and has left none of the items of its own line behind.
fn most_lines<const N: usize>(capacity: usize) -> usize {
    (capacity - 1) / N + lag_lines::<N>(capacity) + 1
}

/// Items before a base.
fn count<const N: usize>(base: u64) -> u64 {
    (base / LINE).wrapping_mul(N as u64)
}

/// The first base from `base` on that falls to the line at `index`.
fn first_of(index: u64, base: u64, lines: u64) -> u64 {
    base.wrapping_add((index.wrapping_sub(base / LINE) & (lines - 1)) * LINE)
}

/// A line: its header is its base and the number of its items; an older base means that none is there yet.
#[repr(C, align(64))]
pub struct Packed<T, const N: usize> {
    header: AtomicU64,
    items: [Slot<T>; N],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Packed<u64, 7>>() == 64 && size_of::<Packed<Block, 1>>() == 128);

impl<T, const N: usize> Packed<T, N> {
    /// A line without items whose first base will be `base`.
    fn free(base: u64) -> Self {
        Self { header: AtomicU64::new(base), items: std::array::from_fn(|_| Slot::empty()) }
    }

    /// Items that have come at this base. Acquire takes them over; pairs with the Release store in `announce`.
    #[inline(always)]
    fn come(&self, base: u64) -> u64 {
        let come = self.header.load(Ordering::Acquire).wrapping_sub(base);
        if come < LINE { come } else { 0 }
    }

    /// Release hands items over; pairs with the Acquire load in `come`.
    #[inline(always)]
    fn announce(&self, position: u64) {
        self.header.store(position, Ordering::Release);
    }

    /// # Safety
    /// `place` is below `N`.
    #[inline(always)]
    unsafe fn item(&self, place: u64) -> &Slot<T> {
        // SAFETY: the caller vouches for the place.
        unsafe { self.items.get_unchecked(place as usize) }
    }
}

/// The only word beside the lines: the consumer's position.
pub struct Taken(Padded<AtomicU64>);

impl<T, const N: usize> Layout<Packed<T, N>> for Taken {
    fn drop_unread(&mut self, lines: &mut [Packed<T, N>]) {
        let mask = lines.len() as u64 - 1;
        // Relaxed: whoever drops the ring has it alone, and the consumer published its position when it was dropped.
        let position = self.0.0.load(Ordering::Relaxed);
        let (mut base, mut taken) = (position & !(LINE - 1), position % LINE);
        loop {
            let line = &mut lines[((base / LINE) & mask) as usize];
            let come = line.come(base);
            for place in taken..come {
                // SAFETY: the header says that the item came, the position that nobody took it, and nobody else is left.
                drop(unsafe { line.items[place as usize].take() });
            }
            if come < N as u64 {
                return;
            }
            (base, taken) = (base.wrapping_add(LINE), 0);
        }
    }
}

fn endpoints<T, const N: usize>(
    producer: Memory<Taken, Packed<T, N>>,
    consumer: Memory<Taken, Packed<T, N>>,
    base: u64,
    most: u64,
    lag: u64,
) -> (Producer<T, N>, Consumer<T, N>) {
    let mask = producer.slot_count() as u64 - 1;
    let (most, lag) = (most * LINE, lag * LINE);
    let limit = base.wrapping_add(most);
    (
        Producer { memory: producer, mask, base, filled: 0, limit, most },
        Consumer {
            memory: consumer,
            mask,
            base,
            taken: 0,
            come: 0,
            due: base.wrapping_add(lag),
            lag,
            stopped: count::<N>(base),
            stream: Stream::default(),
        },
    )
}

/// The only side that pushes.
pub struct Producer<T, const N: usize> {
    memory: Memory<Taken, Packed<T, N>>,
    mask: u64,
    /// Base of the line that is being filled, and how many items it has.
    base: u64,
    filled: u64,
    /// The base that may not be begun yet, by what is known of the consumer.
    limit: u64,
    most: u64,
}

/// The only side that pops.
pub struct Consumer<T, const N: usize> {
    memory: Memory<Taken, Packed<T, N>>,
    mask: u64,
    /// Base of the line that is being read, how many of its items are taken, and how many are known to have come.
    base: u64,
    taken: u64,
    come: u64,
    /// The base at which the next publication is due.
    due: u64,
    lag: u64,
    /// Items that had been taken when the ring was last empty.
    stopped: u64,
    stream: Stream,
}

/// Lines of 64 bytes that the producer claims ahead of its writes.
const AHEAD_BYTES: usize = 256;

/// Pauses that the consumer makes where a stream finds the ring empty.
const CATCH_UP_PAUSES: u32 = 12;

/// The line of a base.
#[inline(always)]
fn line<T, const N: usize>(memory: &Memory<Taken, Packed<T, N>>, mask: u64, base: u64) -> &Packed<T, N> {
    // SAFETY: masked by the number of lines less one.
    unsafe { memory.slot(((base / LINE) & mask) as usize) }
}

impl<T, const N: usize> Push<T> for Producer<T, N> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        if self.filled == N as u64 && !self.begins_line() {
            return Err(item);
        }
        let line = line(&self.memory, self.mask, self.base);
        // SAFETY: a line is begun anew before it has N items.
        let slot = unsafe { line.item(self.filled) };
        // SAFETY: the consumer has left this line (Acquire on its position) and takes only what is announced.
        unsafe { slot.put(item) };
        self.filled += 1;
        line.announce(self.base.wrapping_add(self.filled));
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.filled == N as u64 && self.base.wrapping_add(LINE) == self.limit_now()
    }
}

impl<T, const N: usize> Producer<T, N> {
    /// Acquire takes lines over; pairs with the Release store in the consumer's `publish`.
    #[inline(always)]
    fn limit_now(&self) -> u64 {
        let position = self.memory.header().0.0.load(Ordering::Acquire);
        (position & !(LINE - 1)).wrapping_add(self.most)
    }

    /// Goes on to the next line where the consumer has left it, and claims one that follows.
    #[inline(always)]
    fn begins_line(&mut self) -> bool {
        let next = self.base.wrapping_add(LINE);
        if next == self.limit {
            self.limit = self.limit_now();
            if next == self.limit {
                return false;
            }
        }
        (self.base, self.filled) = (next, 0);
        let ahead = (AHEAD_BYTES / size_of::<Packed<T, N>>()).max(1) as u64;
        for_writing(
            self.memory.slot_address((next / LINE).wrapping_add(ahead) as usize & self.mask as usize),
        );
        true
    }
}

impl<T, const N: usize> Pop<T> for Consumer<T, N> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        if self.taken == self.come && !self.finds_items() {
            return None;
        }
        // SAFETY: no line has more than N items.
        let slot = unsafe { line(&self.memory, self.mask, self.base).item(self.taken) };
        // SAFETY: the header says that the item came (Acquire), and the producer comes back only after the line is left.
        let item = unsafe { slot.take() };
        self.taken += 1;
        Some(item)
    }

    /// Walks from the consumer's line on, because no count is shared.
    fn len(&self) -> usize {
        let (mut base, mut items) = (self.base, 0);
        loop {
            let come = line(&self.memory, self.mask, base).come(base);
            items += come;
            if come < N as u64 {
                return (items - self.taken) as usize;
            }
            base = base.wrapping_add(LINE);
        }
    }
}

impl<T, const N: usize> Consumer<T, N> {
    /// Release hands lines back; pairs with the Acquire load in `limit_now`.
    #[inline(always)]
    fn publish(&mut self) {
        self.due = self.base.wrapping_add(self.lag);
        self.memory.header().0.0.store(self.base.wrapping_add(self.taken), Ordering::Release);
    }

    /// Reads the header where all that it had told of is taken; goes on to the next line where this one is done.
    #[inline(always)]
    fn finds_items(&mut self) -> bool {
        if self.taken == N as u64 {
            (self.base, self.taken) = (self.base.wrapping_add(LINE), 0);
            if self.base == self.due {
                self.publish();
            }
        }
        self.come = line(&self.memory, self.mask, self.base).come(self.base);
        self.come > self.taken || self.is_empty_now()
    }

    /// The ring is empty: tells of every line left, and in a stream keeps off the ring for a while. Never true.
    #[inline(never)]
    fn is_empty_now(&mut self) -> bool {
        if self.due != self.base.wrapping_add(self.lag) {
            self.publish();
        }
        let items = count::<N>(self.base).wrapping_add(self.taken);
        let moved = items.wrapping_sub(std::mem::replace(&mut self.stopped, items));
        if self.stream.pauses_after(moved) {
            (0..CATCH_UP_PAUSES).for_each(|_| spin_loop());
        }
        false
    }
}

impl<T, const N: usize> Drop for Consumer<T, N> {
    /// Whoever drops the ring learns from the position which items nobody took.
    fn drop(&mut self) {
        self.publish();
    }
}
