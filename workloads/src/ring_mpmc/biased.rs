//! Numbers in packed slots, and positions that cost an atomic operation only where several handles want them: while a
//! side has one handle, that one counts alone with plain stores; of several, each draws a ticket.

use super::slots::{Numbered, Place, Positions, Turns, drop_filled, is_before};
use crate::ring_spsc::memory::{Layout, Line};
use crate::ring_spsc::prefetch::for_writing;
use crate::ring_spsc::waiting::Wait;
use crate::ring_spsc::{Pop, Push, Spsc};
use crate::sync::{AtomicU32, AtomicU64, Ordering, spin_loop};
use perfbench_harness::Unavailable;
use std::cell::Cell;
use std::marker::PhantomData;

/// What it is, for the table.
pub const ABOUT: &str = "packed slots; a side with one handle counts alone, with several they draw tickets";

/// The queue between threads.
pub struct Biased;

/// The positions, and on another line, which seldom changes, how many handles each side has.
pub struct Header {
    positions: Positions,
    handles: Line<[AtomicU32; 2]>,
}

const PRODUCERS: usize = 0;
const CONSUMERS: usize = 1;

impl<P: Place> Layout<P> for Header {
    fn drop_unread(&mut self, slots: &mut [P]) {
        drop_filled(slots);
    }
}

/// A handle of one side. It may go to another thread but is used by one at a time (the cell says so), which is what lets
/// a single one count alone: no second can come to be but by its own `clone`.
struct Handle<T, const SIDE: usize> {
    shared: Turns<Header, Numbered<T>>,
    _used_by_one_thread: PhantomData<Cell<()>>,
}

impl<T, const SIDE: usize> Handle<T, SIDE> {
    fn new(shared: Turns<Header, Numbered<T>>) -> Self {
        Self { shared, _used_by_one_thread: PhantomData }
    }

    #[inline(always)]
    fn handles(&self) -> &AtomicU32 {
        &self.shared.header().handles.0[SIDE]
    }

    /// Whether this is the only handle of its side. Acquire pairs with the Release in `drop`: what the others counted is
    /// then seen.
    #[inline(always)]
    fn is_alone(&self) -> bool {
        self.handles().load(Ordering::Acquire) == 1
    }

    #[inline(always)]
    fn positions(&self) -> &Positions {
        &self.shared.header().positions
    }

    /// The side's own next position.
    #[inline(always)]
    fn next(&self) -> &AtomicU64 {
        if SIDE == PRODUCERS { &self.positions().tail.0 } else { &self.positions().head.0 }
    }

    /// Draws the next position, whatever its slot says. Relaxed: what is in a slot is handed over by its number.
    #[inline(always)]
    fn draw(&self) -> u64 {
        if self.is_alone() {
            let position = self.next().load(Ordering::Relaxed);
            self.next().store(position.wrapping_add(1), Ordering::Relaxed);
            position
        } else {
            self.next().fetch_add(1, Ordering::Relaxed)
        }
    }

    /// Claims the next position where its slot's number is `offset` ahead of it; none where `is_over` says of the
    /// position that the other side has no more. Where it has, but is not yet done with that slot, waits for it: what it
    /// did after must not be hidden by what it does slowly.
    #[inline(always)]
    fn claim(&self, offset: u64, is_over: impl Fn(u64) -> bool) -> Option<u64> {
        loop {
            // Before the position is read: one that another handle has passed since must not be taken for the own.
            let alone = self.is_alone();
            let position = self.next().load(Ordering::Relaxed);
            let (turn, due) = (self.shared.at(position).turn(), position.wrapping_add(offset));
            if turn == due && self.take(position, alone) {
                return Some(position);
            }
            if is_before(turn, due) && is_over(position) {
                return None;
            }
            if turn != due {
                spin_loop();
            }
        }
    }

    /// Moves the side on from `position`, unless another handle did.
    #[inline(always)]
    fn take(&self, position: u64, alone: bool) -> bool {
        let after = position.wrapping_add(1);
        if alone {
            self.next().store(after, Ordering::Relaxed);
            return true;
        }
        self.next().compare_exchange_weak(position, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Waits for the turn of the slot at `position`.
    #[inline(always)]
    fn wait_for<W: Wait>(&self, position: u64, turn: u64) -> &Numbered<T> {
        let slot = self.shared.at(position);
        let mut waiting = W::default();
        while slot.turn() != turn {
            waiting.wait();
        }
        slot
    }
}

impl<T, const SIDE: usize> Clone for Handle<T, SIDE> {
    fn clone(&self) -> Self {
        // Relaxed: this thread sees its own addition, and hands the new handle to others by other means.
        self.handles().fetch_add(1, Ordering::Relaxed);
        Self::new(self.shared.clone())
    }
}

impl<T, const SIDE: usize> Drop for Handle<T, SIDE> {
    fn drop(&mut self) {
        // Release: whoever is left alone sees where this handle left the position; pairs with the load in `is_alone`.
        self.handles().fetch_sub(1, Ordering::Release);
    }
}

/// A handle that pushes.
pub struct Producer<T>(Handle<T, PRODUCERS>);

/// A handle that pops.
pub struct Consumer<T>(Handle<T, CONSUMERS>);

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Clone for Consumer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Spsc<T> for Biased {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let handles = Line([AtomicU32::new(1), AtomicU32::new(1)]);
        let header = Header { positions: Positions::starting_at(start), handles };
        let [producer, consumer] = Turns::pair(header, capacity, start);
        Ok((Producer(Handle::new(producer)), Consumer(Handle::new(consumer))))
    }
}

/// How far ahead of its writes a producer claims lines: four of 64 bytes.
const AHEAD_BYTES: usize = 256;

impl<T> Producer<T> {
    #[inline(always)]
    fn prefetch(&self, position: u64) {
        let ahead = (AHEAD_BYTES / size_of::<Numbered<T>>()) as u64;
        for_writing(self.0.shared.address_of(position.wrapping_add(ahead)));
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        let (positions, capacity) = (self.0.positions(), self.0.shared.capacity());
        let is_full = |position: u64| {
            let head = positions.head.0.load(Ordering::Relaxed);
            !is_before(position, head.wrapping_add(capacity))
        };
        let Some(position) = self.0.claim(0, is_full) else { return Err(item) };
        self.prefetch(position);
        // SAFETY: the position was claimed by this handle alone, and its slot was free.
        unsafe { self.0.shared.at(position).fill(position, item) };
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.positions().len() >= self.0.shared.capacity()
    }

    #[inline(always)]
    fn push<W: Wait>(&mut self, item: T) {
        let position = self.0.draw();
        self.prefetch(position);
        // SAFETY: the position was drawn by this handle alone, and the wait is over once its slot is free.
        unsafe { self.0.wait_for::<W>(position, position).fill(position, item) };
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        let positions = self.0.positions();
        let is_empty = |position: u64| !is_before(position, positions.tail.0.load(Ordering::Relaxed));
        let position = self.0.claim(1, is_empty)?;
        let next_lap = position.wrapping_add(self.0.shared.capacity());
        // SAFETY: the position was claimed by this handle alone, and its slot was filled.
        Some(unsafe { self.0.shared.at(position).empty(next_lap) })
    }

    fn len(&self) -> usize {
        self.0.positions().len() as usize
    }

    #[inline(always)]
    fn pop<W: Wait>(&mut self) -> T {
        let position = self.0.draw();
        let next_lap = position.wrapping_add(self.0.shared.capacity());
        // SAFETY: the position was drawn by this handle alone, and the wait is over once its slot is filled.
        unsafe { self.0.wait_for::<W>(position, position.wrapping_add(1)).empty(next_lap) }
    }
}
