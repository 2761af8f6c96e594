//! Holds a source of objects, and a pool with its limits and counts, to an oracle that only counts.

use super::limits::{Budget, Limits, ResourceExhausted};
use super::payload::Payload;
use super::pool::{Pool, Source};
use super::statistics::Statistics;
use crate::threads::together;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, ensure};
use std::ops::DerefMut;
use std::sync::Arc;

const STEPS: u64 = if cfg!(miri) { 60 } else { 2000 };

/// An object on loan, whatever it is.
trait Loan {
    fn is_fresh(&self, bytes: usize) -> Result<(), Broken>;
    fn fill(&mut self, stamp: u8);
    fn holds(&self, stamp: u8) -> bool;
}

impl<T: Payload, L: DerefMut<Target = T>> Loan for L {
    fn is_fresh(&self, bytes: usize) -> Result<(), Broken> {
        ensure!((**self).is_empty(), "an object came with something in it");
        ensure!((**self).has_room_for(bytes), "an object came with another size");
        Ok(())
    }

    fn fill(&mut self, stamp: u8) {
        (**self).fill(stamp);
    }

    fn holds(&self, stamp: u8) -> bool {
        (**self).holds(stamp)
    }
}

/// A source of whatever objects: one copy of the check serves all, because nothing here is timed.
trait Lender: Send {
    fn lend(&self) -> Result<Box<dyn Loan + '_>, ResourceExhausted>;
}

impl<S: Source + Send> Lender for S {
    fn lend(&self) -> Result<Box<dyn Loan + '_>, ResourceExhausted> {
        self.take().map(|loan| Box::new(loan) as Box<dyn Loan + '_>)
    }
}

/// A pool of whatever objects.
trait Counting: Lender {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted>;
    fn statistics(&self) -> Statistics;
}

impl<P: Pool + Send> Counting for P {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        Pool::warm_up(self, percent)
    }

    fn statistics(&self) -> Statistics {
        Pool::statistics(self)
    }
}

/// How pools of one kind are made.
#[derive(Clone, Copy)]
struct Made {
    object_bytes: usize,
    crew: fn(Limits, usize) -> Vec<Box<dyn Counting>>,
}

impl Made {
    fn by<P: Pool + Send>() -> Self {
        let crew = |limits, members| {
            let mut crew: Vec<Box<dyn Counting>> = Vec::new();
            for member in P::crew(limits, members) {
                crew.push(Box::new(member));
            }
            crew
        };
        Self { object_bytes: P::Object::BYTES, crew }
    }

    fn limits(self, kept: usize, objects_max: usize) -> Limits {
        limits_of(self.object_bytes, kept, objects_max)
    }

    fn alone(self, limits: Limits) -> Box<dyn Counting> {
        (self.crew)(limits, 1).pop().expect("a crew of one has a member")
    }
}

/// What every source promises: an empty object of its own for each holder, on every thread.
pub fn source<S: Source + Send>(seed: u64) -> Result<(), Broken> {
    let mut members: Vec<Box<dyn Lender>> = Vec::new();
    for member in S::crew(limits::<S>(8, 64), 2) {
        members.push(Box::new(member));
    }
    lends(&alone::<S>(limits::<S>(4, 16)), members, S::Object::BYTES, seed)
}

fn lends(alone: &dyn Lender, members: Vec<Box<dyn Lender>>, bytes: usize, seed: u64) -> Result<(), Broken> {
    lends_each_object_once(alone, bytes, seed, 0)?;
    on_two_threads(members, |member, thread| lends_each_object_once(member, bytes, seed ^ thread, thread))
        .map(drop)
}

/// What every pool promises beyond that.
pub fn pool<P: Pool + Send>(seed: u64) -> Result<(), Broken> {
    source::<P>(seed)?;
    let made = Made::by::<P>();
    for (kept, objects_max) in BOUNDARIES {
        follows_the_oracle(&*made.alone(made.limits(kept, objects_max)), kept, objects_max, seed)?;
    }
    warms_up(made)?;
    bounds_all_pools_together(made)?;
    drops_what_it_kept(made)?;
    counts_every_thread(made)
}

/// What is asked of pools of buffers, where it can be seen.
pub fn pool_of_buffers<P: Pool<Object = Vec<u8>> + Send>(seed: u64) -> Result<(), Broken> {
    pool::<P>(seed)?;
    keeps_no_changed_size::<P>()?;
    let leftover = leftover_bytes::<P>()?;
    ensure!(leftover == 0, "{leftover} bytes of a sensitive object outlived its give-back");
    Ok(())
}

/// Kept and most alive: none, one, and around a thread's own stack and a magazine.
const BOUNDARIES: [(usize, usize); 12] = [
    (0, 1),
    (1, 1),
    (1, 2),
    (2, 1),
    (7, 8),
    (8, 8),
    (8, 9),
    (31, 40),
    (33, 70),
    (64, 65),
    (65, 90),
    (100, 180),
];

fn limits<S: Source>(kept: usize, objects_max: usize) -> Limits {
    limits_of(S::Object::BYTES, kept, objects_max)
}

fn limits_of(object_bytes: usize, kept: usize, objects_max: usize) -> Limits {
    let budget = Arc::new(Budget::new(1 << 20));
    Limits { object_bytes, kept, objects_max, sensitive: false, budget }
}

/// The one member of a crew of one.
pub fn alone<S: Source>(limits: Limits) -> S {
    S::crew(limits, 1).pop().expect("a crew of one has a member")
}

/// Runs `act` on two members, each on a thread, and hands them back.
fn on_two_threads<L: Lender + ?Sized>(
    members: Vec<Box<L>>,
    act: impl Fn(&L, u64) -> Result<(), Broken> + Sync,
) -> Result<Vec<Box<L>>, Broken> {
    let act = &act;
    let run = |(member, thread): (Box<L>, u64)| move || act(&member, thread).map(|()| member);
    together(members.into_iter().zip(0..).map(run)).into_iter().collect()
}

/// Every loan is stamped with its taker and its turn, so that an object lent twice is seen by the holder.
fn lends_each_object_once(source: &dyn Lender, bytes: usize, seed: u64, thread: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let mut held = Vec::new();
    for step in 0..STEPS {
        if held.len() < 8 && random.below(2) == 0 {
            let stamp = (2 * step + thread) as u8;
            held.push((fresh(source, bytes, stamp)?, stamp));
        } else if !held.is_empty() {
            let (object, stamp) = held.swap_remove(random.below(held.len() as u64) as usize);
            ensure!(object.holds(stamp), "somebody else wrote into an object on loan");
        }
    }
    Ok(())
}

/// Takes an object and fills it with a stamp.
fn fresh(source: &dyn Lender, bytes: usize, stamp: u8) -> Result<Box<dyn Loan + '_>, Broken> {
    let mut object = source.lend().map_err(|refused| Broken(refused.to_string()))?;
    object.is_fresh(bytes)?;
    object.fill(stamp);
    Ok(object)
}

/// A pool as it counts: nothing but numbers.
#[derive(Default)]
struct Oracle {
    idle: usize,
    statistics: Statistics,
}

impl Oracle {
    fn take(&mut self, objects_max: usize) -> Result<(), ResourceExhausted> {
        self.statistics.takes += 1;
        if self.idle > 0 {
            self.idle -= 1;
            self.statistics.hits += 1;
        } else if self.statistics.size < objects_max {
            self.statistics.misses += 1;
            self.statistics.size += 1;
        } else {
            return Err(ResourceExhausted::Objects { objects_max });
        }
        self.statistics.high_water = self.statistics.high_water.max(self.statistics.size);
        Ok(())
    }

    fn give_back(&mut self, kept: usize) {
        if self.idle < kept {
            self.idle += 1;
        } else {
            self.statistics.size -= 1;
        }
    }
}

fn follows_the_oracle(pool: &dyn Counting, kept: usize, objects_max: usize, seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed ^ objects_max as u64);
    // Phases of more takes than give-backs and the other way round, so that every boundary is crossed both ways.
    let takes_of_five = |step| if step / 200 % 2 == 0 { 4 } else { 1 };
    let mut acts = (0..STEPS / 2).map(|step| (random.below(5) < takes_of_five(step), random.bits()));
    obeys(pool, kept, objects_max, &mut acts)
}

/// A fresh pool under takes (true) and give-backs of whichever loan in any order.
#[cfg(test)]
pub fn obeys_in_order<P: Pool + Send>(
    kept: usize,
    objects_max: usize,
    acts: &[(bool, u64)],
) -> Result<(), Broken> {
    let made = Made::by::<P>();
    obeys(&*made.alone(made.limits(kept, objects_max)), kept, objects_max, &mut acts.iter().copied())
}

fn obeys(
    pool: &dyn Counting,
    kept: usize,
    objects_max: usize,
    acts: &mut dyn Iterator<Item = (bool, u64)>,
) -> Result<(), Broken> {
    let (mut oracle, mut held) = (Oracle::default(), Vec::new());
    for (take, which) in acts {
        if take {
            let expected = oracle.take(objects_max);
            let came = pool.lend().map(|object| held.push(object));
            ensure!(came == expected, "take: expected {expected:?}, came {came:?}");
        } else if !held.is_empty() {
            drop(held.swap_remove((which % held.len() as u64) as usize));
            oracle.give_back(kept);
        }
        let (expected, counted) = (oracle.statistics, pool.statistics());
        ensure!(
            counted == expected,
            "keeping {kept} of {objects_max}: expected {expected:?}, counted {counted:?}"
        );
    }
    Ok(())
}

fn warms_up(made: Made) -> Result<(), Broken> {
    let pool = made.alone(made.limits(10, 20));
    let warmed = pool.warm_up(80);
    ensure!(
        warmed.is_ok() && pool.statistics().size == 8,
        "80 % of 10 made {} objects",
        pool.statistics().size
    );
    let held: Vec<_> = (0..10).filter_map(|_| pool.lend().ok()).collect();
    let counted = pool.statistics();
    let expected = Statistics { takes: 10, hits: 8, misses: 2, size: 10, high_water: 10 };
    ensure!(held.len() == 10 && counted == expected, "10 takes of 8 warm objects counted {counted:?}");
    let refused = made.alone(made.limits(10, 4)).warm_up(100);
    ensure!(
        refused == Err(ResourceExhausted::Objects { objects_max: 4 }),
        "a warm-up past the limit: {refused:?}"
    );
    Ok(())
}

fn bounds_all_pools_together(made: Made) -> Result<(), Broken> {
    let bytes_max = 3 * made.object_bytes as u64;
    let budget = Arc::new(Budget::new(bytes_max));
    let limits = Limits { budget: budget.clone(), ..made.limits(0, 10) };
    let pools = [made.alone(limits.clone()), made.alone(limits)];
    let first = [pools[0].lend(), pools[0].lend()];
    let second = pools[1].lend();
    ensure!(
        first.iter().all(Result::is_ok) && second.is_ok(),
        "three objects within the budget were refused"
    );
    let refused = pools[1].lend().err();
    ensure!(refused == Some(ResourceExhausted::Bytes { bytes_max }), "a take past the budget: {refused:?}");
    drop(first);
    ensure!(pools[1].lend().is_ok(), "bytes given back by one pool are not there for the other");
    drop(second);
    drop(pools);
    ensure!(budget.bytes() == 0, "{} bytes are counted after the pools are gone", budget.bytes());
    Ok(())
}

fn drops_what_it_kept(made: Made) -> Result<(), Broken> {
    let limits = made.limits(100, 100);
    let budget = limits.budget.clone();
    let pool = made.alone(limits);
    let taken: Vec<_> = (0..100).map_while(|_| pool.lend().ok()).collect();
    ensure!(taken.len() == 100, "a pool of 100 lent {}", taken.len());
    drop(taken);
    let held = budget.bytes();
    ensure!(held == 100 * made.object_bytes as u64, "100 kept objects count as {held} bytes");
    drop(pool);
    ensure!(budget.bytes() == 0, "{} bytes are counted after the pool is gone", budget.bytes());
    Ok(())
}

fn counts_every_thread(made: Made) -> Result<(), Broken> {
    let takes = STEPS / 2;
    let run = |member: &(dyn Counting + 'static), thread: u64| {
        (0..takes).try_for_each(|turn| {
            let stamp = (2 * turn + thread) as u8;
            let object = fresh(member, made.object_bytes, stamp)?;
            ensure!(object.holds(stamp), "another thread wrote into an object on loan");
            Ok(())
        })
    };
    let members = on_two_threads((made.crew)(made.limits(2, 2), 2), run)?;
    let counted = members[0].statistics();
    ensure!(
        counted.takes == 2 * takes
            && counted.hits + counted.misses == counted.takes
            && counted.high_water <= 2,
        "two threads of {takes} takes each counted {counted:?}"
    );
    Ok(())
}

fn keeps_no_changed_size<P: Pool<Object = Vec<u8>>>() -> Result<(), Broken> {
    let pool = alone::<P>(limits::<P>(4, 4));
    let taken = pool.take().map(|mut buffer| buffer.reserve(10 * Vec::<u8>::BYTES));
    ensure!(taken.is_ok() && pool.statistics().size == 0, "a grown object was kept");
    Ok(())
}

/// Bytes of a sensitive object that its next holder finds.
///
/// # Errors
/// [`Broken`] where the next holder gets another allocation, so that there is nothing to find.
pub fn leftover_bytes<P: Pool<Object = Vec<u8>>>() -> Result<usize, Broken> {
    let pool = alone::<P>(Limits { sensitive: true, ..limits::<P>(1, 1) });
    let taken = || pool.take().map_err(|refused| Broken(refused.to_string()));
    let mut first = taken()?;
    let (place, room) = (first.as_ptr(), first.capacity());
    first.resize(room, 0xa5);
    drop(first);
    let mut second = taken()?;
    let came = (second.as_ptr(), second.capacity());
    ensure!(came == (place, room), "a pool that keeps one object made another: {came:?} after {place:?}");
    // SAFETY: just seen to be the allocation whose `room` bytes were written above.
    unsafe { second.set_len(room) };
    Ok(second.iter().filter(|byte| **byte != 0).count())
}
