//! Maps over shared memory for large data sets (document 003): contract, table and what is timed. Keys and values are
//! words other than zero, entries stay: what comes and goes lies in a pool, and the map leads to it.

pub mod chained;
mod check;
pub mod lines;
pub mod locked_hash_map;

use perfbench_harness::case::{Case, solo};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Isa, Point, Reason, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::num::NonZeroU64;

/// The maps.
pub static WORKLOAD: Workload = Workload {
    name: "shm_large_map",
    about: "Does a map over shared memory stay quick when it holds a million entries?",
    source: "003",
    points: &[
        find("find_1k", "find one of 1,000 keys, in a random order", 1000, Suite::Default),
        find("find_32k", "find one of 32,000 keys, in a random order", 32_000, Suite::Full),
        find("find_1m", "find one of 1,000,000 keys, in a random order", 1_000_000, Suite::Default),
        Point {
            name: "insert_32k",
            about: "insert one of 32,000 keys; clearing the full map once in 32,000 is part of it",
            unit_of_work: "insert",
            size: 32_000,
            cpus: 1,
            bound: LATENCY,
            latency: false,
            suite: Suite::Full,
        },
    ],
    variants: &[
        variant::<locked_hash_map::LockedHashMap>(
            "locked_hash_map",
            locked_hash_map::ABOUT,
            Role::Baseline,
            Suite::Full,
        ),
        variant::<chained::Chained>("chained", chained::ABOUT, Role::Documented, Suite::Default),
        variant::<lines::Lines>("lines", lines::ABOUT, Role::Optimised, Suite::Default),
    ],
};

const LATENCY: Result<perfbench_harness::Bound, &str> =
    Err("keys are independent: how many misses overlap is the machine's choice, so no latency bounds a find");

const fn find(name: &'static str, about: &'static str, keys: u64, suite: Suite) -> Point {
    Point { name, about, unit_of_work: "find", size: keys, cpus: 1, bound: LATENCY, latency: false, suite }
}

/// There is no room for another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// The contract. All of it may be called by any number of threads or processes at once, but for `clear`.
pub trait Map: Send + Sync + Sized + 'static {
    /// An empty map with room for at least `keys` keys. Who loses a race for a key may use up room for one more.
    ///
    /// # Errors
    /// What the kernel refused.
    fn with_room_for(keys: usize) -> Result<Self, Unavailable>;

    /// Adds an entry, or returns the value that the key has already.
    ///
    /// # Errors
    /// [`Full`].
    fn insert(&self, key: NonZeroU64, value: NonZeroU64) -> Result<Option<NonZeroU64>, Full>;

    /// The value of a key.
    fn get(&self, key: NonZeroU64) -> Option<NonZeroU64>;

    /// Forgets all entries. Nobody else uses the map meanwhile.
    fn clear(&mut self);
}

const fn variant<M: Map>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant {
    Variant { name, about, role, suite, needs: Isa::NONE, build: build::<M>, check: |_| check::check::<M>() }
}

fn build<M: Map>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let keys = keys(setup.point.size as usize, setup.seed);
    let mut map = M::with_room_for(keys.len())?;
    if setup.point.name.starts_with("insert") {
        let mut next = 0;
        return Ok(solo(move |_| {
            if next == keys.len() {
                map.clear();
                next = 0;
            }
            next += 1;
            map.insert(keys[next - 1], keys[next - 1]).map_or(0, |value| u64::from(value.is_none()))
        }));
    }
    for key in &keys {
        map.insert(*key, *key).map_err(|Full| Unavailable::new(Reason::Broke, "the map is full early"))?;
    }
    let asked = asked(&keys, setup.seed);
    Ok(solo(move |i: u64| map.get(asked[i as usize % ASKED]).map_or(0, NonZeroU64::get)))
}

/// Keys at random: no two alike among so few.
fn keys(count: usize, seed: u64) -> Vec<NonZeroU64> {
    let mut random = Random::new(seed);
    (0..count).map(|_| NonZeroU64::new(random.bits() | 1).expect("odd")).collect()
}

/// Many more questions than caches remember the answers of.
const ASKED: usize = 1 << 18;

fn asked(keys: &[NonZeroU64], seed: u64) -> Vec<NonZeroU64> {
    let mut random = Random::new(!seed);
    (0..ASKED).map(|_| keys[random.below(keys.len() as u64) as usize]).collect()
}

/// A hash whose high bits depend on every bit of the key.
#[inline(always)]
pub fn hash(key: NonZeroU64) -> u64 {
    let product = u128::from(key.get()) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests;
