//! Explores every interleaving of each lock-free algorithm that is short enough, under `--cfg loom` (`ci/loom`), and shows
//! for every memory ordering stronger than relaxed that the model fails where it is one step weaker. A module a structure.
//!
//! Loom reorders an access only against the last one before it of the same atomic. A thread that reads an atomic before it
//! exchanges it hides so what others read earlier: spawn those who only read, and let the model's own thread write.
#![cfg(loom)]

mod buffer_pool;
mod journal;
mod object_pool;
mod ring_bulk;
mod ring_mpmc;
mod ring_overwrite;
mod ring_spsc;
mod seqlock;
mod shm_large_map;
mod shm_object_pool;
mod shm_queue;
mod shm_ring_buffer;
mod shm_table;
mod shm_versioned_array;
mod votes;

use perfbench_workloads::sync::weaken::{sites_of, weaker, with_ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many orderings stronger than relaxed `model` passes, and which of them it does not miss when they are weakened by
/// one step.
pub fn survivors(model: fn()) -> (usize, Vec<String>) {
    let sites = sites_of(model);
    let mut survivors = Vec::new();
    for (site, order) in &sites {
        for weaker in weaker(*order) {
            let outcome = with_ordering(*site, *weaker, || catch_unwind(AssertUnwindSafe(model)));
            if outcome.is_ok() {
                survivors.push(format!("{}:{} {order:?} as {weaker:?}", site.0, site.1));
            }
        }
    }
    (sites.len(), survivors)
}
