//! The check of pools in shared memory: against a set, and with contenders that stamp what they take.

use super::{Misuse, OBJECT_WORDS, Pool, on_heap};
use crate::shm::Identity;
use crate::threads::together;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Capacities around a magazine and its half, and the smallest ones.
const CAPACITIES: [usize; 7] = [1, 2, 15, 16, 31, 33, 64];

/// Rounds of each contender: several times what the printed list takes to go wrong.
pub const ROUNDS: u64 = if cfg!(miri) { 50 } else { 200_000 };

/// Who the check says that its participants are.
const WHO: Identity = Identity::of(1, 1);

/// The whole check.
///
/// # Errors
/// The first broken promise.
pub fn shared<P: Pool>(setup: &Setup<'_>) -> Result<(), Broken> {
    agrees_with_a_set::<P>(setup.seed)?;
    let found = contend::<P>(ROUNDS / 4);
    ensure!(found == Found::default(), "two contenders: {found:?}");
    Ok(())
}

/// Takes and gives at random beside a set of what is lent.
///
/// # Errors
/// The first difference.
pub fn agrees_with_a_set<P: Pool>(seed: u64) -> Result<(), Broken> {
    CAPACITIES.iter().try_for_each(|&capacity| {
        let mut twins =
            Twins::<P> { pool: P::first(on_heap(capacity), WHO, |_| true), lent: BTreeSet::new(), capacity };
        twins.act(&mut Random::new(seed))
    })
}

/// A pool and what it has lent.
struct Twins<P> {
    pool: P,
    lent: BTreeSet<u32>,
    capacity: usize,
}

impl<P: Pool> Twins<P> {
    fn act(&mut self, random: &mut Random) -> Result<(), Broken> {
        for _ in 0..=self.capacity {
            self.take()?;
        }
        for _ in 0..if cfg!(miri) { 40 } else { 2_000 } {
            if random.below(2) == 0 { self.take()? } else { self.give(random)? }
        }
        self.refuses_what_is_not_lent()
    }

    fn take(&mut self) -> Result<(), Broken> {
        let (taken, lent) = (self.pool.take(), self.lent.len());
        ensure!(taken.is_some() == (lent < self.capacity), "{lent} of {} lent: {taken:?}", self.capacity);
        let Some(number) = taken else { return Ok(()) };
        ensure!(self.lent.insert(number), "{number} is lent twice");
        (0..OBJECT_WORDS).for_each(|word| self.pool.object(number).write(word, u64::from(number)));
        Ok(())
    }

    fn give(&mut self, random: &mut Random) -> Result<(), Broken> {
        let lent = self.lent.len() as u64;
        let Some(&number) = self.lent.iter().nth(random.below(lent.max(1)) as usize) else { return Ok(()) };
        let object = self.pool.object(number);
        let kept = (0..OBJECT_WORDS).all(|word| object.read(word) == u64::from(number));
        ensure!(kept, "object {number} was written by somebody else");
        self.lent.remove(&number);
        ensure!(self.pool.give(number) == Ok(()), "{number} is not taken back");
        Ok(())
    }

    fn refuses_what_is_not_lent(&mut self) -> Result<(), Broken> {
        let unknown = self.pool.give(self.capacity as u32);
        ensure!(unknown == Err(Misuse::Unknown), "a number past the end: {unknown:?}");
        if !P::SEES_MISUSE {
            return Ok(());
        }
        for number in (0..self.capacity as u32).filter(|number| !self.lent.contains(number)) {
            let twice = self.pool.give(number);
            ensure!(twice == Err(Misuse::NotLent), "{number} given back twice: {twice:?}");
        }
        let mut other = self.pool.another(Identity::of(2, 1));
        for number in &self.lent {
            let foreign = other.give(*number);
            ensure!(foreign == Err(Misuse::Foreign(WHO)), "{number} given back by another: {foreign:?}");
        }
        Ok(())
    }
}

/// What contenders found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Times that an object was lent while somebody had it.
    pub doubled: u64,
    /// Objects that were not there any more in the end.
    pub lost: u64,
}

/// Two contenders that each take two objects, stamp them, and give them back, `rounds` times; then all is counted.
pub fn contend<P: Pool>(rounds: u64) -> Found {
    const CAPACITY: usize = 16;
    let first = P::first(on_heap(CAPACITY), WHO, |_| true);
    let stamps: Vec<AtomicU64> = (0..CAPACITY).map(|_| AtomicU64::new(0)).collect();
    let contenders = [first.another(WHO), first.another(WHO)];
    let borrow = |pool| || borrow(pool, &stamps, rounds);
    let doubled = together(contenders.into_iter().map(borrow)).iter().sum();
    let mut last = first;
    let there: BTreeSet<u32> = (0..2 * CAPACITY).map_while(|_| last.take()).collect();
    Found { doubled, lost: (CAPACITY - there.len()) as u64 }
}

// The stamps are SeqCst: they are the oracle.
fn borrow<P: Pool>(mut pool: P, stamps: &[AtomicU64], rounds: u64) -> u64 {
    let mut doubled = 0;
    for _ in 0..rounds {
        let taken = [pool.take(), pool.take()];
        for number in taken.iter().flatten() {
            doubled += u64::from(stamps[*number as usize].fetch_add(1, Ordering::SeqCst) != 0);
        }
        for number in taken.iter().flatten() {
            stamps[*number as usize].fetch_sub(1, Ordering::SeqCst);
            let _ = pool.give(*number);
        }
    }
    doubled
}
