//! The crate lockfree-object-pool: pages of 32 objects with a bitmap each, in a linked list. It grows and never shrinks, and
//! keeps objects that have grown.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Shared;
use lockfree_object_pool::{LinearObjectPool, LinearReusable};

/// What the table says of it.
pub const ABOUT: &str = "the crate lockfree-object-pool: pages of 32 with a bitmap each, in a list";

/// The pool.
pub struct LockfreeObjectPool<T: Payload>(LinearObjectPool<T>);

impl<T: Payload> Shared for LockfreeObjectPool<T> {
    type Object = T;
    type Loan<'a> = LinearReusable<'a, T>;

    fn new(limits: Limits) -> Self {
        let object_bytes = limits.object_bytes;
        let pool = LinearObjectPool::new(move || T::make(object_bytes), |object: &mut T| object.clear());
        drop((0..limits.kept).map(|_| pool.pull()).collect::<Vec<_>>());
        Self(pool)
    }

    #[inline]
    fn take(&self) -> Result<LinearReusable<'_, T>, ResourceExhausted> {
        Ok(self.0.pull())
    }
}

/// For the table.
pub enum Kind {}

impl super::SourceKind for Kind {
    type Of<T: Payload> = std::sync::Arc<LockfreeObjectPool<T>>;
}
