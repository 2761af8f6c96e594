//! The crate sharded-slab as a pool: a slab for each thread, keys that name thread and slot. It makes objects by `Default`,
//! so an empty slot gets its room from the first taker.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::Shared;
use sharded_slab::pool::RefMut;
use sharded_slab::{Clear, Pool};
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// What the table says of it.
pub const ABOUT: &str = "the crate sharded-slab: a slab for each thread, slots with generations";

/// The pool.
pub struct ShardedSlab<T: Payload> {
    pool: Pool<Slot<T>>,
    object_bytes: usize,
}

/// A slot, empty before its first loan.
pub struct Slot<T>(Option<T>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Payload> Clear for Slot<T> {
    #[inline]
    fn clear(&mut self) {
        if let Some(object) = &mut self.0 {
            object.clear();
        }
    }
}

/// A loan: the crate's guard, and the removal that its drop does not do.
pub struct Loan<'a, T: Payload> {
    slot: ManuallyDrop<RefMut<'a, Slot<T>>>,
    pool: &'a Pool<Slot<T>>,
}

impl<T: Payload> Shared for ShardedSlab<T> {
    type Object = T;
    type Loan<'a> = Loan<'a, T>;

    fn new(limits: Limits) -> Self {
        let source = Self { pool: Pool::new(), object_bytes: limits.object_bytes };
        drop((0..limits.kept).map(|_| source.take()).collect::<Vec<_>>());
        source
    }

    #[inline]
    fn take(&self) -> Result<Loan<'_, T>, ResourceExhausted> {
        let mut slot = self.pool.create().expect("a thread's slab has room for millions");
        if slot.0.as_ref().is_none_or(|object| !object.has_room_for(self.object_bytes)) {
            slot.0 = Some(T::make(self.object_bytes));
        }
        Ok(Loan { slot: ManuallyDrop::new(slot), pool: &self.pool })
    }
}

impl<T: Payload> Deref for Loan<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        self.slot.0.as_ref().expect("a loan has been given its object")
    }
}

impl<T: Payload> DerefMut for Loan<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.slot.0.as_mut().expect("a loan has been given its object")
    }
}

impl<T: Payload> Drop for Loan<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let key = self.slot.key();
        // SAFETY: the loan is being dropped, so nobody uses the guard again.
        unsafe { ManuallyDrop::drop(&mut self.slot) };
        self.pool.clear(key);
    }
}

/// For the table.
pub enum Kind {}

impl super::SourceKind for Kind {
    type Of<T: Payload> = std::sync::Arc<ShardedSlab<T>>;
}
