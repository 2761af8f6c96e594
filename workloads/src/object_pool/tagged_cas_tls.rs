//! The pool of document 002 with its cache: each thread keeps up to two magazines of idle slots for itself, found through a
//! thread-local, and exchanges whole magazines over tagged stacks. A take or give-back that stays with the thread touches
//! no shared line and no atomic instruction beyond plain loads and stores.

use super::cases;
use super::depot::ROUNDS;
use super::limits::{Limits, ResourceExhausted};
use super::load;
use super::own_stack::count;
use super::payload::{Message, Payload};
use super::pool::{Shared, SharedPool};
use super::roll::{Member, Roll, with_own};
use super::slots::{Home, SlotLoan, Slots};
use super::statistics::Statistics;
use perfbench_harness::case::Case;
use perfbench_harness::{Setup, Unavailable};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What the table says of it.
pub const ABOUT: &str = "magazines of 32 in a thread-local before stacks of tag and index in one word";

/// The pool.
pub struct TaggedCasTls<T> {
    slots: Slots<T>,
    roll: Arc<Roll>,
}

impl<T: Payload> TaggedCasTls<T> {
    /// The calling thread's own stack is empty: a magazine of the depot, what an ended thread left, or the factory.
    #[cold]
    fn refill(&self, member: &Member) -> Result<u32, ResourceExhausted> {
        member.own.take_elsewhere();
        let mut slots = [0; ROUNDS];
        match self.roll.depot.get(&mut slots) {
            0 => self.roll.inherit().map_or_else(|| self.miss(member), Ok),
            got => {
                slots[1..got].iter().for_each(|slot| self.keep(member, *slot));
                Ok(slots[0])
            }
        }
    }

    fn miss(&self, member: &Member) -> Result<u32, ResourceExhausted> {
        let made = self.slots.make();
        count(if made.is_ok() { &member.misses } else { &member.refused });
        made
    }

    /// Keeps an idle slot with the thread, else in the depot, else frees it.
    #[inline(always)]
    fn keep(&self, member: &Member, slot: u32) {
        if !member.own.give(slot) {
            self.keep_elsewhere(member, slot);
        }
    }

    #[cold]
    fn keep_elsewhere(&self, member: &Member, slot: u32) {
        let kept = member.shed(&self.roll.depot) && member.own.give(slot);
        if !kept && self.roll.depot.put(&[slot]) == 0 {
            self.slots.forget(slot);
        }
    }

    fn idle(&self) -> usize {
        let (kept, room) =
            (self.slots.limits().kept, self.roll.sum(|member| member.own.room() as u64) as usize);
        let own = self.roll.sum(|member| member.own.idle() as u64) as usize;
        own + self.roll.depot.len(kept) - room
    }
}

impl<T: Payload> Shared for TaggedCasTls<T> {
    type Object = T;
    type Loan<'a> = SlotLoan<'a, Self>;

    fn new(limits: Limits) -> Self {
        let kept = limits.kept;
        let slots = Slots::new(limits);
        Self { roll: Arc::new(Roll::new(slots.id(), kept)), slots }
    }

    #[inline(always)]
    fn take(&self) -> Result<SlotLoan<'_, Self>, ResourceExhausted> {
        let slot = with_own(self.slots.id(), &self.roll, |member| match member.own.take() {
            Some(slot) => Ok(slot),
            None => self.refill(member),
        });
        slot.map(|slot| SlotLoan::new(slot, self))
    }
}

impl<T: Payload> Home for TaggedCasTls<T> {
    type Object = T;

    #[inline(always)]
    fn slots(&self) -> &Slots<T> {
        &self.slots
    }

    #[inline(always)]
    fn give_back(&self, slot: u32, is_clean: bool) {
        if is_clean {
            with_own(self.slots.id(), &self.roll, |member| self.keep(member, slot));
        } else {
            self.slots.forget(slot);
        }
    }
}

impl<T: Payload> SharedPool for TaggedCasTls<T> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        while self.idle() < self.slots.limits().kept * percent / 100 {
            let made = self.slots.make()?;
            with_own(self.slots.id(), &self.roll, |member| self.keep(member, made));
        }
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        // Relaxed: counts that publish nothing.
        let misses = self.roll.sum(|member| member.misses.load(Ordering::Relaxed));
        let refused = self.roll.sum(|member| member.refused.load(Ordering::Relaxed));
        let takes = self.roll.sum(|member| member.own.takes());
        self.slots.statistics(takes.saturating_sub(misses + refused), misses, refused)
    }
}

/// For the table.
pub enum Kind {}

impl super::PoolKind for Kind {
    type Of<T: Payload> = Arc<TaggedCasTls<T>>;

    fn remote(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        cases::remote::<Self::Of<Message>>(setup)
    }

    fn load(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        load::case::<TaggedCasTls<Vec<u8>>>(setup)
    }
}
