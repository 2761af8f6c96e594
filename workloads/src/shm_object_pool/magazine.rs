//! A pool without a list: an object belongs to whose name stands in its slot, and each participant keeps some that bear
//! its name, so that most takes touch nothing that is shared. A slot says at every instant whose it is, so a kill at any
//! point loses nothing.

use super::slots::{Object, Shared, own_slot, slot};
use super::tagged::let_go;
use super::{Misuse, Pool};
use crate::roll::Census;
use crate::shm::{Identity, layout_hash};
use crate::sync::Ordering;

/// What it is, for the table.
pub const ABOUT: &str = "an owner word a slot, some kept by each participant";

/// Objects that a participant keeps at most; half as many are fetched or let go at once.
const KEPT: usize = if cfg!(loom) { 2 } else { 32 };

/// What a slot's link says of an object that its owner uses, and of one that it only keeps.
const USED: u32 = 1;
const IDLE: u32 = 0;

/// A participant.
pub struct Magazine {
    memory: Shared,
    who: Identity,
    alive: Census,
    kept: [u32; KEPT],
    len: usize,
    /// Where the search for free slots goes on.
    next: u32,
}

impl Magazine {
    /// Signs free slots, until half a magazine is full or all slots have been seen.
    #[cold]
    fn fetch(&mut self) -> Option<u32> {
        let slots = self.memory.slot_count() as u32;
        for _ in 0..slots {
            let number = self.next;
            self.next = if number + 1 == slots { 0 } else { number + 1 };
            if self.sign(number) {
                self.kept[self.len] = number;
                self.len += 1;
            }
            if self.len == KEPT / 2 {
                break;
            }
        }
        self.kept()
    }

    fn sign(&self, number: u32) -> bool {
        let owner = &slot(&self.memory, number).expect("the search stays inside").owner;
        // Relaxed: a guess that the swap confirms. Acquire: what the last owner wrote comes before; pairs with the Release
        // in `let_half_go`.
        owner.load(Ordering::Relaxed) == 0
            && owner.compare_exchange(0, self.who.word(), Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline(always)]
    fn kept(&mut self) -> Option<u32> {
        self.len = self.len.checked_sub(1)?;
        Some(self.kept[self.len])
    }

    /// Lets go of the objects that lay here longest.
    #[cold]
    fn let_half_go(&mut self, half: usize) {
        for number in &self.kept[..half] {
            let slot = slot(&self.memory, *number).expect("only such numbers are kept");
            // Release: what this owner wrote is seen by the next; pairs with the Acquire in `sign`.
            slot.owner.store(0, Ordering::Release);
        }
        self.kept.copy_within(half..self.len, 0);
        self.len -= half;
    }
}

impl Pool for Magazine {
    const KIND: u64 = layout_hash("pool: an owner word a slot, 1");

    fn first(memory: Shared, who: Identity, alive: Census) -> Self {
        // Relaxed: a number that spreads the participants over the slots, and no more.
        let joined = memory.header().joined.0.fetch_add(1, Ordering::Relaxed);
        let stride = (memory.slot_count() / 2 + KEPT) as u64;
        let next = (joined.wrapping_mul(stride) % memory.slot_count() as u64) as u32;
        Self { memory, who, alive, kept: [0; KEPT], len: 0, next }
    }

    fn another(&self, who: Identity) -> Self {
        Self::first(self.memory.clone(), who, self.alive)
    }

    #[inline(always)]
    fn take(&mut self) -> Option<u32> {
        let number = match self.kept() {
            Some(number) => number,
            None => self.fetch()?,
        };
        // Relaxed, here and in `give`: only its owner reads and writes an owned slot's mark.
        slot(&self.memory, number)?.link.store(USED, Ordering::Relaxed);
        Some(number)
    }

    #[inline(always)]
    fn give(&mut self, number: u32) -> Result<(), Misuse> {
        let slot = own_slot(&self.memory, number, self.who)?;
        if slot.link.load(Ordering::Relaxed) != USED {
            return Err(Misuse::NotLent);
        }
        slot.link.store(IDLE, Ordering::Relaxed);
        if self.len == KEPT {
            self.let_half_go(KEPT / 2);
        }
        self.kept[self.len] = number;
        self.len += 1;
        Ok(())
    }

    fn recover(&mut self) -> usize {
        let is_back = |number: &u32| slot(&self.memory, *number).is_some_and(|slot| let_go(slot, self.alive));
        (0..self.memory.slot_count() as u32).filter(is_back).count()
    }

    #[inline(always)]
    fn object(&self, number: u32) -> &Object {
        &slot(&self.memory, number).expect("a number of this pool").object
    }
}

impl Drop for Magazine {
    fn drop(&mut self) {
        self.let_half_go(self.len);
    }
}
