//! Two threads that each update a counter of their own: what it costs where the counters share a cache line, and what
//! padding saves. Votes, whose updates share a word, are another workload.

mod aligned_128;
mod aligned_64;
mod check;
mod packed;

use perfbench_harness::case::{Body, Case, Fact, fleet};
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a cache line on the machines that the layouts are made for.
const LINE_BYTES: usize = 64;

/// Counters of two owners, near each other and apart.
pub static WORKLOAD: Workload = Workload {
    name: "false_sharing",
    about: "what does a neighbour on the same cache line cost, and how much padding is enough?",
    source: "000",
    points: &[Point {
        name: "two_threads",
        about: "each of two pinned threads adds to its own counter, one relaxed fetch_add an operation",
        unit_of_work: "update",
        size: 2,
        cpus: 2,
        bound: Ok(Bound {
            limit: "atomic_rmw",
            times: 1.0,
            why: "an update is one atomic addition, at best to a line that no other core wants",
        }),
        latency: true,
        suite: Suite::Default,
    }],
    variants: &[
        variant::<packed::Packed>("packed", packed::ABOUT, Role::Baseline),
        variant::<aligned_64::Aligned64>("aligned_64", aligned_64::ABOUT, Role::Documented),
        variant::<aligned_128::Aligned128>("aligned_128", aligned_128::ABOUT, Role::Documented),
    ],
};

/// Two counters and where they lie.
pub trait Layout: Default + Send + Sync + 'static {
    /// From the start of one counter to the start of the other.
    const DISTANCE_BYTES: usize;

    /// Alignment of the block that holds one owner's fields.
    const ALIGNMENT_BYTES: usize;

    /// Bytes of the fields that one owner updates.
    const HOT_BYTES: usize;

    /// The counters of the first and of the second owner.
    fn counters(&self) -> [&AtomicU64; 2];
}

/// A table line.
const fn variant<L: Layout>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: Isa::NONE,
        build: build::<L>,
        check: |_| check::check::<L>(),
    }
}

fn build<L: Layout>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    let layout = Arc::new(L::default());
    Ok(fleet(&cpus, [0, 1].into_iter().map(|side| Owner { layout: layout.clone(), side })))
}

/// One thread's half of a layout.
struct Owner<L> {
    layout: Arc<L>,
    side: usize,
}

impl<L: Layout> Body for Owner<L> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        // Relaxed: the counter publishes nothing; the total is read after the threads are joined.
        self.layout.counters()[self.side].fetch_add(1, Ordering::Relaxed)
    }

    fn facts(&mut self) -> Vec<Fact> {
        let bytes = |name, bytes: usize| Fact::new(name, "B", bytes as f64);
        vec![
            bytes("hot_bytes", L::HOT_BYTES),
            bytes("alignment_bytes", L::ALIGNMENT_BYTES),
            bytes("distance_bytes", L::DISTANCE_BYTES),
        ]
    }
}

#[cfg(test)]
mod tests;
