//! Holds a source of buffers, and a pool with its limits and counts, to an oracle that only counts.

use super::OBJECT_BYTES;
use super::pool::{Budget, Buffer, Limits, Pool, ResourceExhausted, Source, Statistics};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, ensure};
use std::sync::Arc;

const STEPS: u64 = if cfg!(miri) { 60 } else { 2000 };

/// What every source promises: an empty buffer of its own for each holder.
pub fn buffers<S: Source>(source: &S, seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let mut held = Vec::new();
    for step in 0..STEPS {
        if held.len() < 8 && random.below(2) == 0 {
            held.push((fresh(source, step as u8)?, step as u8));
        } else if !held.is_empty() {
            let (buffer, stamp) = held.swap_remove(random.below(held.len() as u64) as usize);
            ensure!(buffer.iter().all(|byte| *byte == stamp), "somebody else wrote into a buffer on loan");
        }
    }
    Ok(())
}

/// Takes a buffer and fills it with a stamp.
fn fresh<S: Source>(source: &S, stamp: u8) -> Result<Buffer<'_, S>, Broken> {
    let mut buffer = source.take().map_err(|refused| Broken(refused.to_string()))?;
    ensure!(buffer.is_empty(), "a buffer came with {} bytes in it", buffer.len());
    ensure!(buffer.capacity() >= OBJECT_BYTES, "a buffer came with room for {} bytes", buffer.capacity());
    buffer.resize(OBJECT_BYTES, stamp);
    Ok(buffer)
}

/// What every pool promises beyond that.
pub fn pool<P: Pool>(seed: u64) -> Result<(), Broken> {
    buffers(&P::new(limits(4, 8)), seed)?;
    for (kept, objects_max) in [(0, 1), (1, 1), (1, 2), (2, 1), (7, 8), (8, 8), (8, 9), (64, 65)] {
        follows_the_oracle(&P::new(limits(kept, objects_max)), kept, objects_max, seed)?;
    }
    warms_up::<P>()?;
    bounds_all_pools_together::<P>()?;
    keeps_no_changed_size::<P>()?;
    counts_every_thread::<P>()?;
    let leftover = leftover_bytes::<P>()?;
    ensure!(leftover == 0, "{leftover} bytes of a sensitive object outlived its give-back");
    Ok(())
}

fn limits(kept: usize, objects_max: usize) -> Limits {
    let budget = Arc::new(Budget::new(1 << 20));
    Limits { object_bytes: OBJECT_BYTES, kept, objects_max, sensitive: false, budget }
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

fn follows_the_oracle<P: Pool>(pool: &P, kept: usize, objects_max: usize, seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed ^ objects_max as u64);
    let (mut oracle, mut held) = (Oracle::default(), Vec::new());
    for _ in 0..STEPS / 4 {
        if random.below(5) < 3 {
            let expected = oracle.take(objects_max);
            let came = pool.take().map(|buffer| held.push(buffer));
            ensure!(came == expected, "take: expected {expected:?}, came {came:?}");
        } else if !held.is_empty() {
            drop(held.swap_remove(random.below(held.len() as u64) as usize));
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

fn warms_up<P: Pool>() -> Result<(), Broken> {
    let pool = P::new(limits(10, 20));
    let warmed = pool.warm_up(80);
    ensure!(
        warmed.is_ok() && pool.statistics().size == 8,
        "80 % of 10 made {} objects",
        pool.statistics().size
    );
    let held: Vec<_> = (0..10).filter_map(|_| pool.take().ok()).collect();
    let counted = pool.statistics();
    let expected = Statistics { takes: 10, hits: 8, misses: 2, size: 10, high_water: 10 };
    ensure!(held.len() == 10 && counted == expected, "10 takes of 8 warm objects counted {counted:?}");
    let refused = P::new(limits(10, 4)).warm_up(100);
    ensure!(
        refused == Err(ResourceExhausted::Objects { objects_max: 4 }),
        "a warm-up past the limit: {refused:?}"
    );
    Ok(())
}

fn bounds_all_pools_together<P: Pool>() -> Result<(), Broken> {
    let bytes_max = 3 * OBJECT_BYTES as u64;
    let budget = Arc::new(Budget::new(bytes_max));
    let limits = Limits { budget: budget.clone(), ..limits(0, 10) };
    let pools = [P::new(limits.clone()), P::new(limits)];
    let first = [pools[0].take(), pools[0].take()];
    let second = pools[1].take();
    ensure!(
        first.iter().all(Result::is_ok) && second.is_ok(),
        "three objects within the budget were refused"
    );
    let refused = pools[1].take().err();
    ensure!(refused == Some(ResourceExhausted::Bytes { bytes_max }), "a take past the budget: {refused:?}");
    drop(first);
    ensure!(pools[1].take().is_ok(), "bytes given back by one pool are not there for the other");
    drop(second);
    drop(pools);
    ensure!(budget.bytes() == 0, "{} bytes are counted after the pools are gone", budget.bytes());
    Ok(())
}

/// An object that its holder has grown would make the pool hold more than it counts.
fn keeps_no_changed_size<P: Pool>() -> Result<(), Broken> {
    let pool = P::new(limits(4, 4));
    let taken = pool.take().map(|mut buffer| buffer.reserve(10 * OBJECT_BYTES));
    ensure!(taken.is_ok() && pool.statistics().size == 0, "a grown object was kept");
    Ok(())
}

fn counts_every_thread<P: Pool>() -> Result<(), Broken> {
    let pool = P::new(limits(2, 2));
    let takes = STEPS / 2;
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = |stamp| {
            (0..takes).try_for_each(|_| fresh(&pool, stamp).and_then(|buffer| intact(&buffer, stamp)))
        };
        let threads = [0x55, 0xaa].map(|stamp| scope.spawn(move || run(stamp)));
        threads.into_iter().map(|thread| thread.join().expect("a taker panicked")).collect()
    });
    outcomes.into_iter().collect::<Result<(), Broken>>()?;
    let counted = pool.statistics();
    ensure!(
        counted.takes == 2 * takes
            && counted.hits + counted.misses == counted.takes
            && counted.high_water <= 2,
        "two threads of {takes} takes each counted {counted:?}"
    );
    Ok(())
}

fn intact(bytes: &[u8], stamp: u8) -> Result<(), Broken> {
    ensure!(bytes.iter().all(|byte| *byte == stamp), "another thread wrote into a buffer on loan");
    Ok(())
}

/// Bytes of a sensitive object that its next holder finds.
///
/// # Errors
/// [`Broken`] where the next holder gets another allocation, so that there is nothing to find.
pub fn leftover_bytes<P: Pool>() -> Result<usize, Broken> {
    let pool = P::new(Limits { sensitive: true, ..limits(1, 1) });
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
