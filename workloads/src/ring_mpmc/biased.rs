//! Numbers in packed slots, and positions that cost an atomic operation only where several handles want them: while a
//! side has one handle, that one counts alone with plain stores; of several, one wins and the others stand back.

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
pub const ABOUT: &str = "packed slots; a side with one handle counts alone, of several the losers stand back";

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

    /// Claims the next position once its slot's number is `offset` ahead of it. Where the other side is not there yet,
    /// `gives_up` is asked, with the position, whether to wait on.
    #[inline(always)]
    #[cfg_attr(loom, track_caller)]
    fn claim(&self, offset: u64, mut gives_up: impl FnMut(u64) -> bool) -> Option<u64> {
        let mut lost = 0;
        loop {
            // Before the position is read: one that another handle has passed since must not be taken for the own.
            let alone = self.is_alone();
            let position = self.next().load(Ordering::Relaxed);
            let (turn, due) = (self.shared.at(position).turn(), position.wrapping_add(offset));
            if turn == due {
                if self.take(position, alone) {
                    return Some(position);
                }
                back_off(&mut lost);
            } else if is_before(turn, due) && gives_up(position) {
                return None;
            }
        }
    }

    /// Moves the side on from `position`, unless another handle did. Relaxed: what is in a slot is handed over by its
    /// number.
    #[inline(always)]
    fn take(&self, position: u64, alone: bool) -> bool {
        let after = position.wrapping_add(1);
        if alone {
            self.next().store(after, Ordering::Relaxed);
            return true;
        }
        self.next().compare_exchange(position, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// Pauses after the first loss and after many, as powers of two.
const FIRST_DOUBLINGS: u32 = if cfg!(loom) { 0 } else { 3 };
const MOST_DOUBLINGS: u32 = if cfg!(loom) { 0 } else { 7 };

/// Leaves the position to whoever won it: each loss in a row doubles the time, so that the winner goes on for a while
/// with all lines in its own cache.
#[cold]
fn back_off(lost: &mut u32) {
    (0..1 << (*lost).saturating_add(FIRST_DOUBLINGS).min(MOST_DOUBLINGS)).for_each(|_| spin_loop());
    *lost += 1;
}

/// Waits on by a policy, without end.
fn waits<W: Wait>() -> impl FnMut(u64) -> bool {
    let mut waiting = W::default();
    move |_| {
        waiting.wait();
        false
    }
}

/// Whether the other side has no more for a position; where it has, but is not yet done with that slot, it is waited for:
/// what it did after must not be hidden by what it does slowly.
#[inline(always)]
fn or_wait(is_over: bool) -> bool {
    if !is_over {
        spin_loop();
    }
    is_over
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
    /// # Safety
    /// This handle has claimed the position.
    #[inline(always)]
    unsafe fn fill(&self, position: u64, item: T) {
        let ahead = (AHEAD_BYTES / size_of::<Numbered<T>>()) as u64;
        for_writing(self.0.shared.address_of(position.wrapping_add(ahead)));
        // SAFETY: claimed by this handle alone, which a free slot only can be.
        unsafe { self.0.shared.at(position).fill(position, item) };
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        let (head, capacity) = (&self.0.positions().head.0, self.0.shared.capacity());
        let is_full = |position| !is_before(position, head.load(Ordering::Relaxed).wrapping_add(capacity));
        let Some(position) = self.0.claim(0, |position| or_wait(is_full(position))) else { return Err(item) };
        // SAFETY: it was claimed just now.
        unsafe { self.fill(position, item) };
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.positions().count() >= self.0.shared.capacity()
    }

    #[inline(always)]
    fn push<W: Wait>(&mut self, item: T) {
        let position = self.0.claim(0, waits::<W>()).expect("a wait without end is not given up");
        // SAFETY: it was claimed just now.
        unsafe { self.fill(position, item) };
    }
}

impl<T> Consumer<T> {
    /// # Safety
    /// This handle has claimed the position.
    #[inline(always)]
    unsafe fn empty(&self, position: u64) -> T {
        let next_lap = position.wrapping_add(self.0.shared.capacity());
        // SAFETY: claimed by this handle alone, which a filled slot only can be.
        unsafe { self.0.shared.at(position).empty(next_lap) }
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        let tail = &self.0.positions().tail.0;
        let is_empty = |position| !is_before(position, tail.load(Ordering::Relaxed));
        let position = self.0.claim(1, |position| or_wait(is_empty(position)))?;
        // SAFETY: it was claimed just now.
        Some(unsafe { self.empty(position) })
    }

    fn len(&self) -> usize {
        self.0.positions().count() as usize
    }

    #[inline(always)]
    fn pop<W: Wait>(&mut self) -> T {
        let position = self.0.claim(1, waits::<W>()).expect("a wait without end is not given up");
        // SAFETY: it was claimed just now.
        unsafe { self.empty(position) }
    }
}
