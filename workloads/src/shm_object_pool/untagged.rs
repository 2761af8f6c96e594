//! The free list as document 003 prints it: the head is a bare number, so one that went and came back passes for one that
//! never moved, and the list goes on from a successor that is somebody else's. The tests show it.

use super::free_list::{pop, push};
use super::slots::{Object, Shared, slot};
use super::{Misuse, Pool};
use crate::roll::Census;
use crate::shm::{Identity, layout_hash};

/// What it is, for the table.
pub const ABOUT: &str = "the printed free list: hands objects out twice";

/// A participant.
pub struct Untagged(Shared);

impl Pool for Untagged {
    const SEES_MISUSE: bool = false;
    const KIND: u64 = layout_hash("pool: untagged list, 1");

    fn first(memory: Shared, _: Identity, _: Census) -> Self {
        Self(memory)
    }

    fn another(&self, _: Identity) -> Self {
        Self(self.0.clone())
    }

    #[inline(always)]
    fn take(&mut self) -> Option<u32> {
        pop::<false>(&self.0)
    }

    #[inline(always)]
    fn give(&mut self, number: u32) -> Result<(), Misuse> {
        slot(&self.0, number).ok_or(Misuse::Unknown)?;
        push::<false>(&self.0, number);
        Ok(())
    }

    /// Nobody knows what was whose.
    fn recover(&mut self) -> usize {
        0
    }

    #[inline(always)]
    fn object(&self, number: u32) -> &Object {
        &slot(&self.0, number).expect("a number of this pool").object
    }
}
