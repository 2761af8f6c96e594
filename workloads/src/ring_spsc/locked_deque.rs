//! A `VecDeque` behind a mutex: what everybody has.

use super::{Pop, Push, Spsc};
use perfbench_harness::Unavailable;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// What it is, for the table.
pub const ABOUT: &str = "mutex and VecDeque";

/// The queue between threads.
pub struct LockedDeque;

struct Shared<T> {
    items: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.items.lock().expect("no holder of the lock can panic")
    }
}

/// The only side that pushes.
pub struct Producer<T>(Arc<Shared<T>>);

/// The only side that pops.
pub struct Consumer<T>(Arc<Shared<T>>);

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

impl<T: Send + 'static> Spsc<T> for LockedDeque {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let shared = Arc::new(Shared { items: Mutex::new(VecDeque::with_capacity(capacity)), capacity });
        Ok((Producer(shared.clone()), Consumer(shared)))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        let mut items = self.0.lock();
        if items.len() == self.0.capacity {
            return Err(item);
        }
        items.push_back(item);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.lock().len() == self.0.capacity
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.lock().pop_front()
    }

    fn len(&self) -> usize {
        self.0.lock().len()
    }
}
