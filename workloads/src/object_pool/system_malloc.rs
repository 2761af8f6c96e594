//! No pool: a fresh object from the system allocator each time, without limits or statistics. A message is boxed, because
//! an object by value would need no allocator at all.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Shared;
use std::marker::PhantomData;

/// What the table says of it.
pub const ABOUT: &str = "a fresh object from the system allocator each time, no pool";

/// The allocator.
pub struct SystemMalloc<T> {
    object_bytes: usize,
    makes: PhantomData<fn() -> T>,
}

impl<T: Payload> Shared for SystemMalloc<T> {
    type Object = T;
    type Loan<'a> = T::Fresh;

    fn new(limits: Limits) -> Self {
        Self { object_bytes: limits.object_bytes, makes: PhantomData }
    }

    #[inline]
    fn take(&self) -> Result<T::Fresh, ResourceExhausted> {
        Ok(T::fresh(self.object_bytes))
    }
}

/// For the table.
pub enum Kind {}

impl super::SourceKind for Kind {
    type Of<T: Payload> = std::sync::Arc<SystemMalloc<T>>;
    const KEEPS: bool = false;
}
