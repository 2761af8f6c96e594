//! The ring of one to one in the heapless crate, whose sides borrow it: here it lies on the heap until both are gone.

use super::{Pop, Push, Spsc};
use ::heapless::spsc::{self, Queue, QueueView};
use perfbench_harness::{Reason, Unavailable};
use std::ptr::NonNull;
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "heapless, which needs no allocator; here on the heap";

/// The ring between threads.
pub struct Heapless;

/// The only side that pushes.
pub struct Producer<T: 'static> {
    side: spsc::Producer<'static, T>,
    // Behind the side, because it is dropped after what borrows it.
    _ring: Arc<Owned<T>>,
}

/// The only side that pops.
pub struct Consumer<T: 'static> {
    side: spsc::Consumer<'static, T>,
    // Behind the side, because it is dropped after what borrows it.
    _ring: Arc<Owned<T>>,
}

/// A ring that both sides keep alive, and which nobody reaches by this.
struct Owned<T>(NonNull<QueueView<T>>);

// SAFETY: all that is done through it is to drop the ring, on the thread of the last side, and its items may go there.
unsafe impl<T: Send> Send for Owned<T> {}
// SAFETY: nothing is done through a shared reference to it.
unsafe impl<T: Send> Sync for Owned<T> {}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `ring` leaked it from a box, and the last of the two sides is gone.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// A ring of `N` slots, of which the crate keeps one empty; made in its box, because it may be larger than a stack.
fn boxed<T, const N: usize>() -> Box<QueueView<T>> {
    let ring: Box<Queue<T, N>> = Box::write(Box::new_uninit(), Queue::new());
    ring
}

impl<T: Send + 'static> Spsc<T> for Heapless {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    /// Capacities are constants in this crate: those that are checked and timed.
    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let ring = match capacity {
            2 => boxed::<T, 3>(),
            4 => boxed::<T, 5>(),
            16 => boxed::<T, 17>(),
            64 => boxed::<T, 65>(),
            1024 => boxed::<T, 1025>(),
            65_536 => boxed::<T, 65_537>(),
            _ => {
                return Err(Unavailable::new(
                    Reason::NotAtThisPoint,
                    format!("heapless has no ring of {capacity} here"),
                ));
            }
        };
        let mut ring = NonNull::from(Box::leak(ring));
        // SAFETY: the box was just leaked and nobody else knows of it; it lives until both sides have been dropped.
        let (to, from) = unsafe { ring.as_mut() }.split();
        let ring = Arc::new(Owned(ring));
        Ok((Producer { side: to, _ring: ring.clone() }, Consumer { side: from, _ring: ring }))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.side.enqueue(item)
    }

    fn is_full(&self) -> bool {
        !self.side.ready()
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.side.dequeue()
    }

    fn len(&self) -> usize {
        self.side.len()
    }
}
