//! The bounded queue of a number in each slot: a position is claimed by compare-and-swap once its slot says that it is
//! the claimer's turn. It says "empty" and "full" by the next slot alone, so not always rightly.

use super::slots::{Apart, Positions, Turns, is_before};
use crate::ring_spsc::{Pop, Push, Spsc};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "sequence number in each 64-byte slot, positions by compare-and-swap";

/// The queue between threads.
pub struct Sequenced;

type Shared<T> = Turns<Positions, Apart<T>>;

/// A handle that pushes.
pub struct Producer<T>(Shared<T>);

/// A handle that pops.
pub struct Consumer<T>(Shared<T>);

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

impl<T: Send + 'static> Spsc<T> for Sequenced {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let [producer, consumer] = Turns::pair(Positions::starting_at(start), capacity, start);
        Ok((Producer(producer), Consumer(consumer)))
    }
}

/// Claims the next position of `next` whose slot's number is `offset` ahead of it; none where that slot's is behind.
#[inline(always)]
#[cfg_attr(loom, track_caller)]
fn claim<T>(shared: &Shared<T>, next: &AtomicU64, offset: u64) -> Option<u64> {
    // Relaxed here and in the exchange: what is in a slot is handed over by its number.
    let mut position = next.load(Ordering::Relaxed);
    loop {
        let (turn, due) = (shared.at(position).turn(), position.wrapping_add(offset));
        if is_before(turn, due) {
            return None;
        }
        if turn != due {
            position = next.load(Ordering::Relaxed);
            continue;
        }
        let after = position.wrapping_add(1);
        match next.compare_exchange_weak(position, after, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return Some(position),
            Err(now) => position = now,
        }
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        let Some(position) = claim(&self.0, &self.0.header().tail.0, 0) else { return Err(item) };
        // SAFETY: the exchange claimed the position for this handle, and its slot was free.
        unsafe { self.0.at(position).fill(position, item) };
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.header().count() >= self.0.capacity()
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        let position = claim(&self.0, &self.0.header().head.0, 1)?;
        // SAFETY: the exchange claimed the position for this handle, and its slot was filled.
        Some(unsafe { self.0.at(position).empty(position.wrapping_add(self.0.capacity())) })
    }

    fn len(&self) -> usize {
        self.0.header().count() as usize
    }
}
