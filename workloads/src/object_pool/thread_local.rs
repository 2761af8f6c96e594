//! A pool whose members share nothing while each keeps to itself: a thread owns its member, which is no more than a stack of
//! idle slots, and the type of a loan keeps it on that thread. A loan that is to end elsewhere is sent; it comes home in a
//! chain with others.

use super::cases;
use super::limits::{Limits, ResourceExhausted};
use super::mailbox::{Chain, Mailbox};
use super::own_stack::{OwnStack, count};
use super::payload::{Message, Payload};
use super::pool::{Giver, Pool, Remote, Source};
use super::slots::{Detached, Home, SlotLoan, Slots};
use super::statistics::Statistics;
use perfbench_harness::case::Case;
use perfbench_harness::{Setup, Unavailable};
use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the table says of it.
pub const ABOUT: &str = "a stack owned by each thread, loans that end elsewhere come home in chains of 64";

/// Slots that a giver gathers before it sends them home.
pub const CHAIN: usize = 64;

/// What others may see of a member.
#[derive(Debug)]
#[repr(align(128))]
struct Ledger {
    own: OwnStack,
    misses: AtomicU64,
    refused: AtomicU64,
    mailbox: Mailbox,
}

impl Ledger {
    fn new(room: usize) -> Self {
        let (misses, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { own: OwnStack::new(room), misses, refused, mailbox: Mailbox::default() }
    }
}

/// What all members share: the slots, of which each has those that its own factory made.
struct Common<T: Payload> {
    slots: Slots<T>,
    ledgers: Box<[Arc<Ledger>]>,
}

/// One thread's member of the pool.
pub struct ThreadLocal<T: Payload> {
    common: Arc<Common<T>>,
    ledger: Arc<Ledger>,
    /// What is written here is written by one thread.
    alone: PhantomData<Cell<()>>,
}

impl<T: Payload> ThreadLocal<T> {
    /// The own stack is empty: what came home, or the factory.
    #[cold]
    fn refill(&self) -> Result<u32, ResourceExhausted> {
        self.fetch();
        if let Some(slot) = self.ledger.own.take() {
            return Ok(slot);
        }
        let made = self.common.slots.make();
        count(if made.is_ok() { &self.ledger.misses } else { &self.ledger.refused });
        self.ledger.own.take_elsewhere();
        made
    }

    /// Takes in what other threads sent home.
    fn fetch(&self) {
        self.ledger
            .mailbox
            .fetch(self.common.slots.links(), |slot| self.give_back(slot, self.common.slots.clean(slot)));
    }
}

impl<T: Payload> Source for ThreadLocal<T> {
    type Object = T;
    type Loan<'a> = SlotLoan<'a, Self>;

    fn crew(limits: Limits, members: usize) -> Vec<Self> {
        let kept = limits.kept / members;
        let ledgers = (0..members).map(|_| Arc::new(Ledger::new(kept))).collect();
        let common = Arc::new(Common { slots: Slots::new(limits), ledgers });
        let member = |ledger: &Arc<Ledger>| Self {
            common: common.clone(),
            ledger: ledger.clone(),
            alone: PhantomData,
        };
        common.ledgers.iter().map(member).collect()
    }

    #[inline(always)]
    fn take(&self) -> Result<SlotLoan<'_, Self>, ResourceExhausted> {
        let slot = match self.ledger.own.take() {
            Some(slot) => slot,
            None => self.refill()?,
        };
        Ok(SlotLoan::new(slot, self))
    }
}

impl<T: Payload> Home for ThreadLocal<T> {
    type Object = T;

    #[inline(always)]
    fn slots(&self) -> &Slots<T> {
        &self.common.slots
    }

    #[inline(always)]
    fn give_back(&self, slot: u32, is_clean: bool) {
        if !is_clean || !self.ledger.own.give(slot) {
            self.common.slots.forget(slot);
        }
    }
}

impl<T: Payload> Pool for ThreadLocal<T> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        while self.ledger.own.idle() < self.ledger.own.room() * percent / 100 {
            let made = self.common.slots.make()?;
            assert!(self.ledger.own.give(made), "fewer are idle than may be");
        }
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        let sum = |of: fn(&Ledger) -> u64| self.common.ledgers.iter().map(|ledger| of(ledger)).sum::<u64>();
        // Relaxed: counts that publish nothing.
        let misses = sum(|ledger| ledger.misses.load(Ordering::Relaxed));
        let refused = sum(|ledger| ledger.refused.load(Ordering::Relaxed));
        let takes = sum(|ledger| ledger.own.takes());
        self.common.slots.statistics(takes.saturating_sub(misses + refused), misses, refused)
    }
}

/// What it kept is freed; what is still under way comes to nobody and is freed with the last member.
impl<T: Payload> Drop for ThreadLocal<T> {
    fn drop(&mut self) {
        while let Some(slot) = self.ledger.own.lift() {
            self.common.slots.forget(slot);
        }
    }
}

/// The way home for loans of one member, on another thread.
pub struct ChainGiver<T: Payload> {
    common: Arc<Common<T>>,
    home: Arc<Ledger>,
    chain: Chain,
}

impl<T: Payload> Remote for ThreadLocal<T> {
    type Sent = Detached;
    type Giver = ChainGiver<T>;

    #[inline]
    fn take_to_send(&self, value: u64) -> Result<Detached, ResourceExhausted> {
        let mut loan = self.take()?;
        loan.touch(value);
        Ok(loan.detach())
    }

    fn giver(&self) -> ChainGiver<T> {
        ChainGiver { common: self.common.clone(), home: self.ledger.clone(), chain: Chain::default() }
    }
}

/// Sensitive contents are gone at once; others are forgotten by the owner, in whose cache they lie.
impl<T: Payload> Giver<Detached> for ChainGiver<T> {
    #[inline]
    fn give(&mut self, sent: Detached) -> Result<(), Detached> {
        let slots = &self.common.slots;
        let slot = sent.into_slot(slots)?;
        if slots.limits().sensitive {
            slots.clean(slot);
        }
        self.chain.add(slots.links(), slot);
        if self.chain.len == CHAIN {
            self.home.mailbox.post(slots.links(), &mut self.chain);
        }
        Ok(())
    }
}

impl<T: Payload> Drop for ChainGiver<T> {
    fn drop(&mut self) {
        self.home.mailbox.post(self.common.slots.links(), &mut self.chain);
    }
}

/// For the table.
pub enum Kind {}

impl super::PoolKind for Kind {
    type Of<T: Payload> = ThreadLocal<T>;

    fn remote(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        cases::remote::<Self::Of<Message>>(setup)
    }
}
