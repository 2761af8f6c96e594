//! The printed free list repaired: a tag beside the number, and in each slot the process that has it. A process that is
//! killed between the swap of the head and its signature, one instruction later, takes one object with it for good; no
//! object is ever lent twice.

use super::free_list::{pop, push};
use super::slots::{Object, Shared, own_slot, slot};
use super::{Misuse, Pool};
use crate::roll::Census;
use crate::shm::{Identity, layout_hash};
use crate::sync::Ordering;

/// What it is, for the table.
pub const ABOUT: &str = "tag32|index32 free list, an owner a slot";

/// A participant.
pub struct Tagged {
    memory: Shared,
    who: Identity,
    alive: Census,
}

impl Tagged {
    /// Pops and does not sign: what is left of a process that is killed right then.
    pub fn pop_and_leave(&mut self) -> Option<u32> {
        pop::<true>(&self.memory)
    }
}

impl Pool for Tagged {
    const KIND: u64 = layout_hash("pool: tagged list, owners, 1");

    fn first(memory: Shared, who: Identity, alive: Census) -> Self {
        Self { memory, who, alive }
    }

    fn another(&self, who: Identity) -> Self {
        Self { memory: self.memory.clone(), who, alive: self.alive }
    }

    #[inline(always)]
    fn take(&mut self) -> Option<u32> {
        let number = pop::<true>(&self.memory)?;
        let slot = slot(&self.memory, number)?;
        // Relaxed: whoever popped a number is alone at its slot until it pushes it back.
        slot.owner.store(self.who.word(), Ordering::Relaxed);
        Some(number)
    }

    #[inline(always)]
    fn give(&mut self, number: u32) -> Result<(), Misuse> {
        let slot = own_slot(&self.memory, number, self.who)?;
        slot.owner.store(0, Ordering::Relaxed);
        push::<true>(&self.memory, number);
        Ok(())
    }

    fn recover(&mut self) -> usize {
        let is_back = |number: &u32| {
            let back = slot(&self.memory, *number).is_some_and(|slot| let_go(slot, self.alive));
            if back {
                push::<true>(&self.memory, *number);
            }
            back
        };
        (0..self.memory.slot_count() as u32).filter(is_back).count()
    }

    #[inline(always)]
    fn object(&self, number: u32) -> &Object {
        &slot(&self.memory, number).expect("a number of this pool").object
    }
}

/// Takes a slot from a dead owner; of several that try one succeeds.
pub(super) fn let_go(slot: &super::slots::Slot, alive: Census) -> bool {
    // Relaxed: the dead write no more, and the kernel that says so has ordered all they wrote.
    let owner = slot.owner.load(Ordering::Relaxed);
    let dead = Identity::of_word(owner).is_some_and(|who| !alive(who));
    dead && slot.owner.compare_exchange(owner, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok()
}
