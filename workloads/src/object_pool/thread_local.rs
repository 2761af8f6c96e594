//! A pool whose members share nothing while each keeps to itself: a thread owns its member, which is no more than a stack of
//! idle slots, and the type of a loan keeps it on that thread. A loan that is to end elsewhere is sent; it comes home in a
//! chain with others.

use super::cases;
use super::level::{FILL_MAX, Level};
use super::limits::{Limits, ResourceExhausted};
use super::mailbox::{Chain, Mailbox};
use super::payload::{Message, Payload};
use super::pool::{Giver, Pool, Remote, Source};
use super::slots::{Detached, Home, SlotLoan, Slots};
use super::statistics::Statistics;
use perfbench_harness::case::Case;
use perfbench_harness::{Setup, Unavailable};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the table says of it.
pub const ABOUT: &str = "a stack owned by each thread, loans that end elsewhere come home in chains of 64";

/// Slots that a giver gathers before it sends them home.
pub const CHAIN: usize = 64;

/// What others may see of a member.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Ledger {
    level: Level,
    misses: AtomicU64,
    refused: AtomicU64,
    mailbox: Mailbox,
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
    idle: Box<[Cell<u32>]>,
}

impl<T: Payload> ThreadLocal<T> {
    /// The own stack is empty: what came home, or the factory.
    #[cold]
    fn refill(&self) -> Result<u32, ResourceExhausted> {
        self.fetch();
        if let Some(at) = self.ledger.level.take() {
            return Ok(self.idle[at].get());
        }
        let made = self.common.slots.make();
        let count = if made.is_ok() { &self.ledger.misses } else { &self.ledger.refused };
        // Relaxed: a count of one thread that publishes nothing.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.ledger.level.take_elsewhere();
        made
    }

    /// Takes in what other threads sent home.
    fn fetch(&self) {
        self.ledger.mailbox.fetch(self.common.slots.links(), |slot| self.give_back(slot));
    }

    #[inline]
    fn keep(&self, slot: u32) -> bool {
        let Some(at) = self.ledger.level.give(self.idle.len()) else { return false };
        // Written only where it is another: the next take would wait for the store.
        if self.idle[at].get() != slot {
            self.idle[at].set(slot);
        }
        true
    }
}

impl<T: Payload> Source for ThreadLocal<T> {
    type Object = T;
    type Loan<'a> = SlotLoan<'a, Self>;

    fn crew(limits: Limits, members: usize) -> Vec<Self> {
        let kept = limits.kept / members;
        assert!(kept <= FILL_MAX, "a member keeps at most {FILL_MAX} objects");
        let ledgers = (0..members).map(|_| Arc::default()).collect();
        let common = Arc::new(Common { slots: Slots::new(limits), ledgers });
        let idle = || (0..kept).map(|_| Cell::new(0)).collect();
        let member =
            |ledger: &Arc<Ledger>| Self { common: common.clone(), ledger: ledger.clone(), idle: idle() };
        common.ledgers.iter().map(member).collect()
    }

    #[inline]
    fn take(&self) -> Result<SlotLoan<'_, Self>, ResourceExhausted> {
        let slot = match self.ledger.level.take() {
            Some(at) => self.idle[at].get(),
            None => self.refill()?,
        };
        Ok(SlotLoan::new(slot, self))
    }
}

impl<T: Payload> Home for ThreadLocal<T> {
    type Object = T;

    #[inline]
    fn slots(&self) -> &Slots<T> {
        &self.common.slots
    }

    #[inline]
    fn give_back(&self, slot: u32) {
        if !self.common.slots.clean(slot) || !self.keep(slot) {
            self.common.slots.forget(slot);
        }
    }
}

impl<T: Payload> Pool for ThreadLocal<T> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        while self.ledger.level.fill() < self.idle.len() * percent / 100 {
            let made = self.common.slots.make()?;
            assert!(self.keep(made), "fewer are idle than may be");
        }
        Ok(())
    }

    fn statistics(&self) -> Statistics {
        let sum = |of: fn(&Ledger) -> u64| self.common.ledgers.iter().map(|ledger| of(ledger)).sum::<u64>();
        // Relaxed: counts that publish nothing.
        let misses = sum(|ledger| ledger.misses.load(Ordering::Relaxed));
        let refused = sum(|ledger| ledger.refused.load(Ordering::Relaxed));
        let takes = sum(|ledger| ledger.level.takes());
        self.common.slots.statistics(takes.saturating_sub(misses + refused), misses, refused)
    }
}

/// What it kept is freed; what is still under way comes to nobody and is freed with the last member.
impl<T: Payload> Drop for ThreadLocal<T> {
    fn drop(&mut self) {
        while let Some(at) = self.ledger.level.take() {
            self.common.slots.forget(self.idle[at].get());
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
