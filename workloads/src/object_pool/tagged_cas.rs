//! The pool as document 002 describes it without its cache: a lock-free stack whose head is an address and a tag of 64 bits
//! each, exchanged together. The pops that the tag counts are the pool's hits, so statistics cost nothing more.

use super::cases;
use super::limits::{Limits, ResourceExhausted};
use super::load;
use super::payload::{Message, Payload};
use super::pool::{Shared, SharedPool};
use super::slots::{Home, SlotLoan, Slots};
use super::statistics::Statistics;
use super::tagged::{Head, Stack, Top};
use crate::sync::AtomicU64 as Link;
use perfbench_harness::case::Case;
use perfbench_harness::{Isa, Setup, Unavailable};
use portable_atomic::AtomicU128;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the table says of it.
pub const ABOUT: &str = "lock-free stack, a 64-bit tag beside the 64-bit address in one 128-bit word";

/// What exchanges 128 bits: every 64-bit Arm can.
pub const NEEDS: Isa = if cfg!(target_arch = "x86_64") { Isa::CMPXCHG16B } else { Isa::NONE };

/// A pool over one lock-free stack with the head `H`.
pub struct TaggedCas<T: Payload, H = Wide> {
    slots: Slots<T>,
    idle: Stack<H>,
    misses: AtomicU64,
    refused: AtomicU64,
}

impl<T: Payload, H: Head> TaggedCas<T, H> {
    #[cold]
    fn miss(&self) -> Result<u32, ResourceExhausted> {
        let made = self.slots.make();
        let count = if made.is_ok() { &self.misses } else { &self.refused };
        // Relaxed: a count that publishes nothing.
        count.fetch_add(1, Ordering::Relaxed);
        made
    }
}

impl<T: Payload, H: Head> Shared for TaggedCas<T, H> {
    type Object = T;
    type Loan<'a> = SlotLoan<'a, Self>;

    fn new(limits: Limits) -> Self {
        let slots = Slots::new(limits);
        let idle = Stack::empty(slots.links());
        Self { slots, idle, misses: AtomicU64::new(0), refused: AtomicU64::new(0) }
    }

    #[inline]
    fn take(&self) -> Result<SlotLoan<'_, Self>, ResourceExhausted> {
        let slot = match self.idle.pop(self.slots.links()) {
            Some(slot) => slot,
            None => self.miss()?,
        };
        Ok(SlotLoan::new(slot, self))
    }
}

impl<T: Payload, H: Head> Home for TaggedCas<T, H> {
    type Object = T;

    #[inline]
    fn slots(&self) -> &Slots<T> {
        &self.slots
    }

    #[inline]
    fn give_back(&self, slot: u32, is_clean: bool) {
        if !is_clean || !self.idle.push(self.slots.links(), slot, self.slots.limits().kept as u32) {
            self.slots.forget(slot);
        }
    }
}

impl<T: Payload, H: Head> SharedPool for TaggedCas<T, H> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        while self.idle.len(self.slots.links()) < self.slots.limits().kept * percent / 100 {
            let made = self.slots.make()?;
            self.idle.push(self.slots.links(), made, u32::MAX);
        }
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        // Relaxed: counts that publish nothing.
        let [misses, refused] = [&self.misses, &self.refused].map(|count| count.load(Ordering::Relaxed));
        self.slots.statistics(self.idle.pops(), misses, refused)
    }
}

/// A head of 128 bits: the address of the topmost link, and the tag.
#[derive(Debug)]
pub struct Wide {
    word: AtomicU128,
    first: u64,
}

impl Wide {
    fn pack(&self, top: Top) -> u128 {
        let offset = u64::from(top.link).wrapping_sub(1).wrapping_mul(size_of::<Link>() as u64);
        let address = if top.link == 0 { 0 } else { self.first + offset };
        u128::from(top.tag) << 64 | u128::from(address)
    }

    fn unpack(&self, word: u128) -> Top {
        let link = match word as u64 {
            0 => 0,
            address => (address - self.first) / size_of::<Link>() as u64 + 1,
        };
        Top { tag: (word >> 64) as u64, link: link as u32 }
    }
}

impl Head for Wide {
    fn new(links: &[Link]) -> Self {
        Self { word: AtomicU128::new(0), first: links.as_ptr().addr() as u64 }
    }

    #[inline]
    fn load(&self, order: Ordering) -> Top {
        self.unpack(self.word.load(order))
    }

    #[inline]
    fn exchange(&self, seen: Top, new: Top, success: Ordering, failure: Ordering) -> Result<(), Top> {
        let exchanged = self.word.compare_exchange(self.pack(seen), self.pack(new), success, failure);
        exchanged.map(drop).map_err(|word| self.unpack(word))
    }
}

/// For the table.
pub enum Kind {}

impl super::PoolKind for Kind {
    type Of<T: Payload> = Arc<TaggedCas<T>>;

    fn remote(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        cases::remote::<Self::Of<Message>>(setup)
    }

    fn load(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        load::case::<TaggedCas<Vec<u8>>>(setup)
    }
}
