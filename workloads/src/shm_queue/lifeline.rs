//! Who has the two sides of a queue, so that one that waits learns in bounded time that the other was killed. How items
//! travel is the queue's affair.

use crate::ring_spsc::memory::{Layout, Memory};
use crate::ring_spsc::{Pop, Push};
use crate::shm::Identity;
use crate::sync::{AtomicU64, Ordering, spin_loop};
use perfbench_harness::Unavailable;
use perfbench_harness::counter::syscalls::yield_turn;
use std::fmt;

/// The side of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Pushes.
    Producer,
    /// Pops.
    Consumer,
}

/// The signatures of both sides: zero where nobody has signed yet.
pub struct Sides([AtomicU64; 2]);

impl Sides {
    /// Nobody.
    pub(crate) fn unsigned() -> Self {
        Self([AtomicU64::new(0), AtomicU64::new(0)])
    }
}

impl Layout<()> for Sides {
    fn drop_unread(&mut self, _: &mut [()]) {}
}

/// One side's hold on the signatures.
pub struct Lifeline {
    memory: Memory<Sides, ()>,
    side: Side,
}

/// The other side was killed, and everything that it had pushed is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone(pub Identity);

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on the other side was killed: start another in its place", self.0.pid)
    }
}

impl std::error::Error for Gone {}

/// Attempts between two looks at the other side's process, each of which calls the kernel.
const ATTEMPTS: u32 = 1_000;

impl Lifeline {
    /// The lifelines of a producer and a consumer, in a mapping of their own.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn pair() -> Result<[Self; 2], Unavailable> {
        let [first, second] = Memory::mapped(Sides::unsigned(), std::iter::empty())?;
        Ok([(first, Side::Producer), (second, Side::Consumer)].map(|(memory, side)| Self { memory, side }))
    }

    /// Takes a side for the calling process, which has it until it ends: a free one, or one whose process is dead.
    ///
    /// # Errors
    /// Who lives and has it.
    pub(crate) fn take(memory: Memory<Sides, ()>, side: Side) -> Result<Self, Identity> {
        let (own, lifeline) = (Identity::own().word(), Self { memory, side });
        let place = &lifeline.memory.header().0[side as usize];
        loop {
            // Relaxed: the word is all that is told; of several that take the side one succeeds.
            let found = place.load(Ordering::Relaxed);
            if let Some(holder) = Identity::of_word(found).filter(|who| who.is_alive()) {
                return Err(holder);
            }
            if place.compare_exchange(found, own, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                return Ok(lifeline);
            }
        }
    }

    /// Signs for the calling process, which has the side from now on.
    pub fn sign(&self) {
        // Relaxed: the word is all that is told.
        self.memory.header().0[self.side as usize].store(Identity::own().word(), Ordering::Relaxed);
    }

    /// The other side's process, if it was killed.
    pub fn lost_peer(&self) -> Option<Identity> {
        let word = self.memory.header().0[1 - self.side as usize].load(Ordering::Relaxed);
        Identity::of_word(word).filter(|who| !who.is_alive())
    }

    /// Pushes as soon as there is room.
    ///
    /// # Errors
    /// Where the consumer is dead and the ring full.
    pub fn push(&self, to: &mut impl Push<u64>, item: u64) -> Result<(), Gone> {
        self.wait_for(|| to.try_push(item).ok())
    }

    /// Pops as soon as there is an item.
    ///
    /// # Errors
    /// Where the producer is dead and the ring empty.
    pub fn pop(&self, from: &mut impl Pop<u64>) -> Result<u64, Gone> {
        self.wait_for(|| from.try_pop())
    }

    #[inline(always)]
    fn wait_for<R>(&self, mut attempt: impl FnMut() -> Option<R>) -> Result<R, Gone> {
        loop {
            for _ in 0..ATTEMPTS {
                if let Some(done) = attempt() {
                    return Ok(done);
                }
                spin_loop();
            }
            if let Some(gone) = self.lost_peer() {
                // What it did last, it may have done since the last attempt.
                return attempt().ok_or(Gone(gone));
            }
            yield_turn();
        }
    }
}
