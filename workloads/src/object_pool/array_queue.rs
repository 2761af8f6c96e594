//! crossbeam's bounded queue as a pool, the object by value.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Shared;
use super::shelf::{Carried, Keeper};
use crossbeam_queue::ArrayQueue as Queue;

/// What the table says of it.
pub const ABOUT: &str = "crossbeam's bounded queue as a pool, the object by value";

/// The pool.
pub struct ArrayQueue<T> {
    idle: Queue<T>,
    object_bytes: usize,
}

impl<T: Payload> Shared for ArrayQueue<T> {
    type Object = T;
    type Loan<'a> = Carried<'a, Self>;

    fn new(limits: Limits) -> Self {
        let (idle, object_bytes) = (Queue::new(limits.kept.max(1)), limits.object_bytes);
        (0..limits.kept).for_each(|_| drop(idle.push(T::make(object_bytes))));
        Self { idle, object_bytes }
    }

    #[inline]
    fn take(&self) -> Result<Carried<'_, Self>, ResourceExhausted> {
        let object = self.idle.pop().unwrap_or_else(|| T::make(self.object_bytes));
        Ok(Carried::new(object, self))
    }
}

impl<T: Payload> Keeper for ArrayQueue<T> {
    type Object = T;

    #[inline]
    fn give_back(&self, mut object: T) {
        object.clear();
        if object.has_room_for(self.object_bytes) {
            // Where it is full, the object is dropped.
            let _ = self.idle.push(object);
        }
    }
}

/// For the table.
pub enum Kind {}

impl super::SourceKind for Kind {
    type Of<T: Payload> = std::sync::Arc<ArrayQueue<T>>;
}
