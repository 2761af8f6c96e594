//! Object pools of 1 KiB buffers: what a take and its give-back cost, beside asking the system allocator each time.
//! The rules that every pool keeps stand in `pool`, the oracle that holds them to it in `check`.

mod async_mutex;
mod check;
pub mod pool;
mod sync_mutex;
mod system_malloc;

use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use pool::{BYTES_MAX, Budget, Buffer, Limits, OBJECTS_MAX, Pool, Source};
use std::hint::black_box;
use std::sync::Arc;

/// Bytes of a pooled object.
const OBJECT_BYTES: usize = 1024;

/// Idle objects that a pool keeps.
const KEPT: usize = 1000;

/// Share of the kept objects that exists before the first take.
const WARM_UP_PERCENT: usize = 80;

/// Object pools against the system allocator.
pub static WORKLOAD: Workload = Workload {
    name: "object_pool",
    about: "what does an object from a pool cost, beside a fresh one from the system allocator?",
    source: "000",
    points: &[
        point(
            "hit",
            "take from a warm pool, write the first byte, give back; no pool: allocate, write, free",
            Bound {
                limit: "atomic_rmw",
                times: 1.0,
                why: "an object that any thread may take changes hands by one atomic operation at the least",
            },
        ),
        point(
            "miss",
            "the same with a pool that keeps nothing: each take runs the factory, each give-back frees",
            Bound {
                limit: "l1_latency",
                times: 1.0,
                why: "the allocator reads the block that it hands out off a list that the last free wrote",
            },
        ),
    ],
    variants: &[
        bare::<system_malloc::SystemMalloc>("system_malloc", system_malloc::ABOUT, Role::Baseline),
        pooled::<sync_mutex::SyncMutex>("sync_mutex", sync_mutex::ABOUT, Role::Baseline),
        pooled::<async_mutex::AsyncMutex>("async_mutex", async_mutex::ABOUT, Role::Documented),
    ],
};

const fn point(name: &'static str, about: &'static str, bound: Bound) -> Point {
    let size = OBJECT_BYTES as u64;
    Point {
        name,
        about,
        unit_of_work: "take+give",
        size,
        cpus: 1,
        bound: Ok(bound),
        latency: true,
        suite: Suite::Default,
    }
}

/// A table line: a source that keeps nothing.
const fn bare<S: Source + Default + 'static>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = |setup| check::buffers(&S::default(), setup.seed);
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build_bare::<S>, check }
}

/// A table line: a pool under the contract.
const fn pooled<P: Pool + 'static>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = |setup| check::pool::<P>(setup.seed);
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build_pooled::<P>, check }
}

fn build_bare<S: Source + Default + 'static>(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(TakeAndGive { source: S::default(), facts: |_| Vec::new() }))
}

fn build_pooled<P: Pool + 'static>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let hit = setup.point.name == "hit";
    let source = P::new(limits(if hit { KEPT } else { 0 }));
    source.warm_up(WARM_UP_PERCENT).expect("the warm-up is far below the limits");
    Ok(solo(TakeAndGive { source, facts: if hit { hit_facts } else { |_| Vec::new() } }))
}

fn limits(kept: usize) -> Limits {
    let budget = Arc::new(Budget::new(BYTES_MAX));
    Limits { object_bytes: OBJECT_BYTES, kept, objects_max: OBJECTS_MAX, sensitive: false, budget }
}

/// Takes a buffer, writes its first byte, and gives it back.
struct TakeAndGive<S> {
    source: S,
    facts: fn(&S) -> Vec<Fact>,
}

impl<S: Source> Body for TakeAndGive<S> {
    #[inline]
    fn op(&mut self, i: u64) -> u64 {
        let mut buffer = self.source.take().expect("one buffer on loan is far below the limits");
        buffer.push(i as u8);
        u64::from(*black_box(&buffer[0]))
    }

    fn facts(&mut self) -> Vec<Fact> {
        (self.facts)(&self.source)
    }
}

/// What the pool counted while it was timed, and what its limits come to where a fresh one is driven into them.
fn hit_facts<P: Pool>(pool: &P) -> Vec<Fact> {
    let hit_rate =
        pool.statistics().hit_rate_percent().map(|percent| Fact::new("hit_rate_percent", "%", percent));
    let measured = [
        Fact::new("objects_held", "objects", lend_all(&P::new(limits(0))).len() as f64),
        Fact::new("pools_held_mib", "MiB", mebibytes_held::<P>() as f64),
    ];
    let leftover = check::leftover_bytes::<P>().ok();
    let leftover = leftover.map(|bytes| Fact::new("leftover_bytes", "B", bytes as f64));
    hit_rate.into_iter().chain(leftover).chain(measured).collect()
}

/// Takes until the pool refuses.
fn lend_all<P: Pool>(pool: &P) -> Vec<Buffer<'_, P>> {
    std::iter::from_fn(|| pool.take().ok()).collect()
}

/// Mebibytes that two pools under one budget lend before they refuse, in objects that nobody touches.
fn mebibytes_held<P: Pool>() -> usize {
    let of_a_mebibyte = Limits { object_bytes: 1 << 20, objects_max: 200, ..limits(0) };
    let pools = [P::new(of_a_mebibyte.clone()), P::new(of_a_mebibyte)];
    let [first, second] = pools.each_ref().map(lend_all);
    first.len() + second.len()
}

#[cfg(test)]
mod tests;
