//! What a ring between one producer and one consumer promises. The rings themselves are in files of their own.

use super::waiting::Wait;
use perfbench_harness::Unavailable;
use std::mem::MaybeUninit;
use std::ops::RangeInclusive;

/// A bounded first-in-first-out queue that is made as two sides, one for each thread. A side is neither `Clone` nor
/// shareable, so the type holds what the algorithm asks. Items that nobody took are dropped with the last side.
pub trait Spsc<T>: 'static {
    /// The only side that pushes.
    type Producer: Push<T> + 'static;
    /// The only side that pops.
    type Consumer: Pop<T> + 'static;

    /// Whether its sides can say how full it is; where not, neither [`Push::is_full`] nor [`Pop::len`] may be asked.
    const TELLS: bool = true;

    /// An empty ring for `capacity` items, a power of two above one. Its counters begin at `start`, where it has any.
    ///
    /// # Errors
    /// What the machine refused.
    fn ring(capacity: usize, start: u64) -> Result<(Self::Producer, Self::Consumer), Unavailable>;

    /// How many items a ring for `capacity` holds before it refuses one: never fewer than the first number, never more than
    /// the second. A ring whose consumer tells late what it took holds some more than it was asked for.
    fn holds(capacity: usize) -> RangeInclusive<usize> {
        capacity..=capacity
    }
}

/// The side that pushes.
pub trait Push<T> {
    /// Appends an item, or gives it back where the ring is full.
    ///
    /// # Errors
    /// The item itself.
    fn try_push(&mut self, item: T) -> Result<(), T>;

    /// Whether [`Push::try_push`] would be refused now.
    fn is_full(&self) -> bool;

    /// Appends an item as soon as there is room.
    #[inline(always)]
    fn push<W: Wait>(&mut self, mut item: T) {
        let mut waiting = W::default();
        while let Err(back) = self.try_push(item) {
            item = back;
            waiting.wait();
        }
    }
}

/// The side that pops.
pub trait Pop<T> {
    /// Takes the oldest item, if there is one.
    fn try_pop(&mut self) -> Option<T>;

    /// Items that lie ready now.
    fn len(&self) -> usize;

    /// Whether [`Pop::try_pop`] would find nothing now.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the oldest item as soon as there is one.
    #[inline(always)]
    fn pop<W: Wait>(&mut self) -> T {
        let mut waiting = W::default();
        loop {
            match self.try_pop() {
                Some(item) => return item,
                None => waiting.wait(),
            }
        }
    }
}

/// A pushing side that lends its free slots, so that items are made where they will be read.
pub trait Reserve<T>: Push<T> {
    /// Free slots that follow each other in memory, at most `most` of them; none where the ring is full. Fewer than are
    /// free where the ring's end lies between them.
    fn reserve(&mut self, most: usize) -> &mut [MaybeUninit<T>];

    /// Hands the first `count` reserved slots to the consumer, with one store for all.
    ///
    /// # Safety
    /// The last call was [`Reserve::reserve`], it lent at least `count` slots, and these now hold items.
    unsafe fn commit(&mut self, count: usize);
}

/// A popping side that lends the items where they lie.
pub trait Readable<T>: Pop<T> {
    /// The oldest items that follow each other in memory, at most `most` of them; none where the ring is empty.
    fn readable(&mut self, most: usize) -> &mut [T];

    /// Drops the first `count` readable items and hands their slots back, with one store for all.
    ///
    /// # Panics
    /// Where fewer items lie ready.
    fn release(&mut self, count: usize);
}
