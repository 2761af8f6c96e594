//! What the queues of many to many share: slots that each say by a number whose turn it is, and two counted positions.
//! How a position is claimed is the variant's affair.

use crate::ring_spsc::memory::{Layout, Line, Memory, Slot};
use crate::sync::{AtomicU64, Ordering};

/// A slot for position p: its number is p when a producer may write, p + 1 when a consumer may read, and p + capacity
/// when it waits for the next lap.
#[repr(C)]
pub struct Numbered<T> {
    sequence: AtomicU64,
    item: Slot<T>,
}

impl<T> Numbered<T> {
    /// Whose turn it is. Acquire takes the slot over; pairs with the Release stores in `fill` and `empty`.
    #[inline(always)]
    #[cfg_attr(loom, track_caller)]
    pub fn turn(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// Moves an item in and hands the slot to whoever takes `position`.
    ///
    /// # Safety
    /// The caller alone has claimed `position` for writing, and it is this slot's turn.
    #[inline(always)]
    pub unsafe fn fill(&self, position: u64, item: T) {
        // SAFETY: the caller's claim makes this the only access to the slot.
        unsafe { self.item.put(item) };
        // Release hands the slot over; pairs with the Acquire load in `turn`.
        self.sequence.store(position.wrapping_add(1), Ordering::Release);
    }

    /// Moves the item out and hands the slot to whoever fills `next_lap`.
    ///
    /// # Safety
    /// The caller alone has claimed the slot's position for reading, and it is filled.
    #[inline(always)]
    pub unsafe fn empty(&self, next_lap: u64) -> T {
        // SAFETY: the caller's claim makes this the only access to the slot, and vouches that it is filled.
        let item = unsafe { self.item.take() };
        // Release hands the slot back; pairs with the Acquire load in `turn`.
        self.sequence.store(next_lap, Ordering::Release);
        item
    }
}

/// Where a numbered slot lies: packed, or on a line of its own.
pub trait Place {
    /// What it is for.
    type Item;

    /// A free slot that waits for `position`.
    fn free(position: u64) -> Self;

    /// The slot.
    fn numbered(&self) -> &Numbered<Self::Item>;
}

impl<T> Place for Numbered<T> {
    type Item = T;

    fn free(position: u64) -> Self {
        Self { sequence: AtomicU64::new(position), item: Slot::empty() }
    }

    #[inline(always)]
    fn numbered(&self) -> &Self {
        self
    }
}

/// A slot on cache lines of its own.
#[repr(align(64))]
pub struct Apart<T>(Numbered<T>);

#[cfg(not(loom))]
const _: () = assert!(size_of::<Numbered<u64>>() == 16 && size_of::<Apart<u64>>() == 64);

impl<T> Place for Apart<T> {
    type Item = T;

    fn free(position: u64) -> Self {
        Self(Numbered::free(position))
    }

    #[inline(always)]
    fn numbered(&self) -> &Numbered<T> {
        &self.0
    }
}

/// The next position to be filled and the next to be emptied, each on its own line. They count without end and wrap at
/// 2^64.
pub struct Positions {
    /// Of producers.
    pub tail: Line<AtomicU64>,
    /// Of consumers.
    pub head: Line<AtomicU64>,
}

impl Positions {
    /// An empty queue whose first item gets position `start`.
    pub fn starting_at(start: u64) -> Self {
        Self { tail: Line(AtomicU64::new(start)), head: Line(AtomicU64::new(start)) }
    }

    /// Items between the two; exact while nobody pushes or pops. Whoever waits for an item has moved on already, so the
    /// head may be ahead.
    pub fn count(&self) -> u64 {
        // Relaxed: the count publishes nothing.
        let (head, tail) = (self.head.0.load(Ordering::Relaxed), self.tail.0.load(Ordering::Relaxed));
        if is_before(head, tail) { tail.wrapping_sub(head) } else { 0 }
    }
}

impl<P: Place> Layout<P> for Positions {
    fn drop_unread(&mut self, slots: &mut [P]) {
        drop_filled(slots);
    }
}

/// Drops every item that nobody took; the numbers of the slots tell.
pub fn drop_filled<P: Place>(slots: &mut [P]) {
    let mask = slots.len() as u64 - 1;
    for (index, place) in slots.iter_mut().enumerate() {
        let slot = place.numbered();
        // Relaxed: whoever drops the queue has it alone. A free slot's number falls to the slot itself.
        if slot.sequence.load(Ordering::Relaxed) & mask != index as u64 {
            // SAFETY: the number says that the slot was filled and not taken, and nobody else is left.
            drop(unsafe { slot.item.take() });
        }
    }
}

/// Whether position `a` comes before `b`, where the two lie less than half of all numbers apart.
#[inline(always)]
pub fn is_before(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) < 0
}

/// One handle's hold on the queue.
pub struct Turns<H: Layout<P>, P: Place> {
    memory: Memory<H, P>,
    mask: u64,
}

impl<H: Layout<P>, P: Place> Clone for Turns<H, P> {
    fn clone(&self) -> Self {
        Self { memory: self.memory.clone(), mask: self.mask }
    }
}

impl<H: Layout<P>, P: Place> Turns<H, P> {
    /// The first two handles of an empty queue whose first position is `start`.
    ///
    /// # Panics
    /// Where `capacity` is no power of two above one: with a single slot "filled" and "free again" are one number.
    pub fn pair(header: H, capacity: usize, start: u64) -> [Self; 2] {
        assert!(capacity.is_power_of_two() && capacity > 1, "the positions are masked");
        let mask = capacity as u64 - 1;
        let first = |index: u64| start.wrapping_add(index.wrapping_sub(start) & mask);
        Memory::boxed(header, (0..=mask).map(|index| P::free(first(index))))
            .map(|memory| Self { memory, mask })
    }

    /// What all handles share beside the slots.
    #[inline(always)]
    pub fn header(&self) -> &H {
        self.memory.header()
    }

    /// The slot of a position.
    #[inline(always)]
    pub fn at(&self, position: u64) -> &Numbered<P::Item> {
        // SAFETY: masked by the number of slots less one.
        unsafe { self.memory.slot((position & self.mask) as usize) }.numbered()
    }

    /// Where the slot of a position lies, to be prefetched.
    #[inline(always)]
    pub fn address_of(&self, position: u64) -> *const P {
        self.memory.slot_address((position & self.mask) as usize)
    }

    /// Number of slots.
    #[inline(always)]
    pub fn capacity(&self) -> u64 {
        self.mask.wrapping_add(1)
    }
}
