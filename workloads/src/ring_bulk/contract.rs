//! What a ring that moves items in bulk promises. The rings themselves are in files of their own.

use perfbench_harness::Unavailable;
use std::ops::RangeInclusive;

/// A bounded first-in-first-out queue of one producer and one consumer whose sides move many items at a time.
pub trait Bulk<T: Copy>: 'static {
    /// The only side that writes.
    type Writer: Write<T> + Send + 'static;
    /// The only side that reads.
    type Reader: Read<T> + Send + 'static;

    /// An empty ring for `capacity` items, a power of two above one.
    ///
    /// # Errors
    /// What the machine refused.
    fn ring(capacity: usize) -> Result<(Self::Writer, Self::Reader), Unavailable>;

    /// How many items a ring for `capacity` holds: never fewer than the first number, never more than the second.
    fn holds(capacity: usize) -> RangeInclusive<usize> {
        capacity..=capacity
    }
}

/// The side that writes.
pub trait Write<T: Copy> {
    /// Makes as many items as fit, at most `most`, each in its slot, and hands them over together. Returns how many;
    /// `make` is told which of the call's items it makes.
    fn write(&mut self, most: usize, make: impl FnMut(usize) -> T) -> usize;

    /// Items written since the ring was made.
    fn total_written(&self) -> u64;

    /// Copies as many of `items` as fit and returns how many.
    #[inline(always)]
    fn push_bulk(&mut self, items: &[T]) -> usize {
        self.write(items.len(), |index| items[index])
    }
}

/// The side that reads.
pub trait Read<T: Copy> {
    /// Shows the oldest items in their slots, at most `most`, then hands the slots back together. Returns how many.
    fn read(&mut self, most: usize, look: impl FnMut(&T)) -> usize;

    /// Shows the oldest items and leaves them where they are. Returns how many.
    fn peek(&mut self, most: usize, look: impl FnMut(&T)) -> usize;

    /// Copies as many of the oldest items as there are and fit, and returns how many.
    #[inline(always)]
    fn pop_bulk(&mut self, into: &mut [T]) -> usize {
        let (most, mut places) = (into.len(), into.iter_mut());
        self.read(most, |item| {
            if let Some(place) = places.next() {
                *place = *item;
            }
        })
    }
}
