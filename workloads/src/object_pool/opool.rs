//! The crate opool: a bounded lock-free queue behind guards that carry the object.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Shared;
use opool::{Pool, PoolAllocator, RefGuard};

/// What the table says of it.
pub const ABOUT: &str = "the crate opool: a bounded lock-free queue, guards that carry the object";

/// Makes and clears objects for it.
pub struct Maker {
    object_bytes: usize,
}

impl<T: Payload> PoolAllocator<T> for Maker {
    fn allocate(&self) -> T {
        T::make(self.object_bytes)
    }

    #[inline]
    fn reset(&self, object: &mut T) {
        object.clear();
    }

    #[inline]
    fn is_valid(&self, object: &T) -> bool {
        object.has_room_for(self.object_bytes)
    }
}

/// The pool.
pub struct Opool<T: Payload>(Pool<Maker, T>);

impl<T: Payload> Shared for Opool<T> {
    type Object = T;
    type Loan<'a> = RefGuard<'a, Maker, T>;

    fn new(limits: Limits) -> Self {
        Self(Pool::new_prefilled(limits.kept.max(1), Maker { object_bytes: limits.object_bytes }))
    }

    #[inline]
    fn take(&self) -> Result<RefGuard<'_, Maker, T>, ResourceExhausted> {
        Ok(self.0.get())
    }
}

/// For the table.
pub enum Kind {}

impl super::SourceKind for Kind {
    type Of<T: Payload> = std::sync::Arc<Opool<T>>;
}
