//! The crate object-pool: a stack of objects by value behind a mutex of its own.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Shared;
use super::shelf::{Carried, Keeper};

/// What the table says of it.
pub const ABOUT: &str = "the crate object-pool: a stack behind a spinning mutex, the object by value";

/// The pool.
pub struct ObjectPoolCrate<T> {
    pool: object_pool::Pool<T>,
    limits: Limits,
}

impl<T: Payload> Shared for ObjectPoolCrate<T> {
    type Object = T;
    type Loan<'a> = Carried<'a, Self>;

    fn new(limits: Limits) -> Self {
        Self { pool: object_pool::Pool::new(limits.kept, || T::make(limits.object_bytes)), limits }
    }

    #[inline]
    fn take(&self) -> Result<Carried<'_, Self>, ResourceExhausted> {
        let (_, object) = self.pool.pull(|| T::make(self.limits.object_bytes)).detach();
        Ok(Carried::new(object, self))
    }
}

impl<T: Payload> Keeper for ObjectPoolCrate<T> {
    type Object = T;

    #[inline]
    fn give_back(&self, mut object: T) {
        object.clear();
        if object.has_room_for(self.limits.object_bytes) {
            self.pool.attach(object);
        }
    }
}

/// For the table.
pub enum Kind {}

impl super::SourceKind for Kind {
    type Of<T: Payload> = std::sync::Arc<ObjectPoolCrate<T>>;
}
