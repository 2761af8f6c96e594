//! The counting allocator, installed: its counts are exact. One thread and no test runner beside it, because whatever
//! else allocates during a pass is counted.

use perfbench_harness::counter::heap::CountingAllocator;
use perfbench_harness::counter::{self, Selection};
use perfbench_harness::machine::limits::truths;
use std::hint::black_box;
use std::sync::Barrier;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() {
    a_thousand_boxes_are_a_thousand_allocations();
    an_empty_region_counts_nothing();
    a_growing_vector_is_counted_by_its_growth();
    threads_are_counted_with_the_caller();
    the_truth_of_the_counter_holds();
    println!("heap: 5 checks passed");
}

/// What one region of `ops` operations counts: allocations, reallocations, frees, allocated bytes.
fn counted(ops: u64, run: impl FnMut(u64)) -> [f64; 4] {
    let mut run = run;
    let heap: Selection = "heap".parse().expect("heap is a group");
    let counts = counter::count_here(&heap, ops, &mut run);
    let value = |i: usize| counts[i].per_op.clone().expect("the allocator is installed") * ops as f64;
    std::array::from_fn(value)
}

fn a_thousand_boxes_are_a_thousand_allocations() {
    let boxes = |ops| (0..ops).for_each(|i| drop(black_box(Box::new(i))));
    assert_eq!(counted(1000, boxes), [1000.0, 0.0, 1000.0, 8000.0]);
}

fn the_truth_of_the_counter_holds() {
    assert_eq!(truths::allocations().agrees(), Some(true));
}

/// Neither what came before the pass nor what the harness does around the region.
fn an_empty_region_counts_nothing() {
    drop(black_box(Box::new(1)));
    assert_eq!(counted(1, |_| ()), [0.0; 4]);
}

fn a_growing_vector_is_counted_by_its_growth() {
    let grow = |ops| {
        (0..ops).for_each(|_| {
            let mut bytes = black_box(vec![7u8; 100]);
            bytes.reserve_exact(50);
            drop(black_box(bytes));
        });
    };
    assert_eq!(counted(1, grow), [1.0, 1.0, 1.0, 150.0]);
}

/// The thread stands before the pass and stays until after it, as the followers of a case do.
fn threads_are_counted_with_the_caller() {
    let barrier = Barrier::new(2);
    let boxes_between_barriers = |ops| {
        for _ in 0..ops {
            barrier.wait();
            (0..500).for_each(|i| drop(black_box(Box::new(i))));
            barrier.wait();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            barrier.wait();
            boxes_between_barriers(1);
            barrier.wait();
        });
        barrier.wait();
        let counts = counted(1, boxes_between_barriers);
        barrier.wait();
        assert_eq!(counts, [1000.0, 0.0, 1000.0, 4000.0]);
    });
}
