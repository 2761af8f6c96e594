//! Allocations of one operation, counted by the harness as in a run and exact. One thread and no test runner beside it,
//! because whatever else allocates during a pass is counted.

use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::heap::CountingAllocator;
use perfbench_harness::counter::{self, Selection};
use perfbench_harness::{Granted, Setup, Workload};
use perfbench_workloads::{arena, buffer_pool, journal, object_pool, seqlock, votes, wire_message};
use std::collections::BTreeMap;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Workload, point, variant; allocations, reallocations and frees of one operation.
const EXPECTED: &[(&Workload, &str, &str, [f64; 3])] = &[
    (&wire_message::WORKLOAD, "serialise", "nested", [10.0, 0.0, 10.0]),
    (&wire_message::WORKLOAD, "serialise", "flat", [1.0, 0.0, 1.0]),
    (&wire_message::WORKLOAD, "serialise", "flat_pooled", [0.0; 3]),
    (&wire_message::WORKLOAD, "parse", "nested", [0.0; 3]),
    (&wire_message::WORKLOAD, "parse", "flat", [0.0; 3]),
    (&wire_message::WORKLOAD, "parse", "flat_pooled", [0.0; 3]),
    (&buffer_pool::WORKLOAD, "acquire_release", "alloc_each", [1.0, 0.0, 1.0]),
    (&buffer_pool::WORKLOAD, "acquire_release", "size_classes", [1.0, 0.0, 1.0]),
    (&buffer_pool::WORKLOAD, "acquire_release", "raw_64k", [0.0; 3]),
    (&buffer_pool::WORKLOAD, "acquire_release", "raw_64k_lifo", [0.0; 3]),
    (&buffer_pool::WORKLOAD, "small", "alloc_each", [1.0, 0.0, 1.0]),
    (&buffer_pool::WORKLOAD, "small", "size_classes", [0.0; 3]),
    (&buffer_pool::WORKLOAD, "window_64", "raw_64k", [0.0; 3]),
    (&buffer_pool::WORKLOAD, "window_64", "raw_64k_lifo", [0.0; 3]),
    (&object_pool::WORKLOAD, "hit", "system_malloc", [1.0, 0.0, 1.0]),
    (&object_pool::WORKLOAD, "hit", "sync_mutex", [0.0; 3]),
    (&object_pool::WORKLOAD, "hit", "async_mutex", [0.0; 3]),
    (&object_pool::WORKLOAD, "hit", "tagged_cas", [0.0; 3]),
    (&object_pool::WORKLOAD, "message", "tagged_cas", [0.0; 3]),
    (&object_pool::WORKLOAD, "hit", "indexed_cas", [0.0; 3]),
    (&object_pool::WORKLOAD, "message", "indexed_cas", [0.0; 3]),
    (&object_pool::WORKLOAD, "hit", "tagged_cas_tls", [0.0; 3]),
    (&object_pool::WORKLOAD, "message", "tagged_cas_tls", [0.0; 3]),
    (&object_pool::WORKLOAD, "hit", "thread_local", [0.0; 3]),
    (&object_pool::WORKLOAD, "message", "thread_local", [0.0; 3]),
    (&object_pool::WORKLOAD, "message", "system_malloc", [1.0, 0.0, 1.0]),
    (&object_pool::WORKLOAD, "wiped", "thread_local", [0.0; 3]),
    (&object_pool::WORKLOAD, "string", "thread_local", [0.0; 3]),
    (&object_pool::WORKLOAD, "map", "thread_local", [0.0; 3]),
    (&object_pool::WORKLOAD, "miss", "system_malloc", [1.0, 0.0, 1.0]),
    (&object_pool::WORKLOAD, "miss", "sync_mutex", [1.0, 0.0, 1.0]),
    (&object_pool::WORKLOAD, "miss", "async_mutex", [1.0, 0.0, 1.0]),
    (&arena::WORKLOAD, "pairs", "system_malloc", [1.0, 0.0, 1.0]),
    (&arena::WORKLOAD, "pairs", "first_fit_list", [0.0; 3]),
    (&arena::WORKLOAD, "pairs", "first_fit_tree", [0.0; 3]),
    (&journal::WORKLOAD, "append", "write_each", [0.0; 3]),
    (&journal::WORKLOAD, "append", "documented", [0.0; 3]),
    (&journal::WORKLOAD, "append", "committed", [0.0; 3]),
    (&journal::WORKLOAD, "append", "single_writer", [0.0; 3]),
    (&seqlock::WORKLOAD, "read", "one_line", [0.0; 3]),
    (&seqlock::WORKLOAD, "write", "one_line", [0.0; 3]),
    (&votes::WORKLOAD, "alone", "documented", [0.0; 3]),
    (&votes::WORKLOAD, "alone", "own_line", [0.0; 3]),
];

fn main() {
    for (workload, point, variant, expected) in EXPECTED {
        let came = counted(workload, point, variant);
        assert_eq!(came, *expected, "{}/{point}/{variant}", workload.name);
    }
    println!("allocations: {} rows are exact", EXPECTED.len());
}

fn counted(workload: &'static Workload, point: &str, variant: &str) -> [f64; 3] {
    let point = workload.points.iter().find(|p| p.name == point).expect("a point of the workload");
    let variant = workload.variants.iter().find(|v| v.name == variant).expect("a variant of the workload");
    let granted = Granted::check(variant.needs).expect("a CPU of the last ten years");
    let setup = Setup { point, granted, cpus: &[0], seed: 7, inputs: &BTreeMap::new() };
    let mut case = (variant.build)(&setup).expect("a case");
    let clock = Clock::open(ClockChoice::Scripted(1));
    let heap: Selection = "heap".parse().expect("heap is a group");
    let counts = counter::count(&heap, 1000, &mut |pass| {
        case.batch(pass.ops, &clock);
    });
    std::array::from_fn(|i| counts[i].per_op.clone().expect("the allocator is installed"))
}
