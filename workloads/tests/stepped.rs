//! Rows stepped through the model as a run with `--counters sim` does it, and what must come out whatever the threads'
//! order: which layouts share lines falsely, and that vector code can be stepped.
#![cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]

use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::{self, Selection, stepped};
use perfbench_harness::record::{Count, Provenance};
use perfbench_harness::{Granted, Setup, Unavailable, Workload};
use perfbench_workloads::{aead, buffer_pool, false_sharing, object_pool, ring_spsc};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Whether anything can be stepped here; says why where it cannot.
fn can_step() -> bool {
    let refused = stepped::step_ns().err();
    refused.iter().for_each(|why| println!("stepped: skipped, {why}"));
    refused.is_none()
}

/// The counts of a row over at most so many operations; none where this CPU lacks what the variant needs.
fn counts(workload: &'static Workload, point: &str, variant: &str, most_ops: u64) -> Option<Vec<Count>> {
    let point = workload.points.iter().find(|p| p.name == point).expect("a point of the workload");
    let variant = workload.variants.iter().find(|v| v.name == variant).expect("a variant of the workload");
    let granted = Granted::check(variant.needs).ok()?;
    let setup = Setup { point, granted, cpus: &[0, 1], seed: 7, inputs: &BTreeMap::new() };
    let mut case = (variant.build)(&setup).expect("a case");
    let clock = Clock::open(ClockChoice::Scripted(1));
    case.batch(most_ops, &clock);
    let stepped: Selection = "sim:document-000".parse().expect("a geometry");
    Some(counter::count(&stepped, most_ops, &mut |pass| {
        case.batch(pass.ops, &pass.clock(&clock));
    }))
}

fn named(counts: &[Count], name: &str) -> Result<f64, Unavailable> {
    counts.iter().find(|count| count.name == name).expect("a count of that name").per_op.clone()
}

/// Turns that are taken while there is time for them, and how long that is: threads that wait for each other awake take long
/// where others use the CPUs too.
const TURNS: u32 = 20;
const TIME_FOR_TURNS: Duration = Duration::from_secs(10);

#[test]
fn counters_on_one_line_are_one_falsely_shared_line_and_padded_ones_none_every_time() {
    if !can_step() {
        return;
    }
    shares("aligned_64", 0.0);
    shares("aligned_128", 0.0);
    let start = Instant::now();
    for turn in 0..TURNS {
        shares("packed", 1.0);
        if start.elapsed() > TIME_FOR_TURNS {
            return println!("stepped: {} turns of {TURNS}", turn + 1);
        }
    }
}

/// Checks how many lines two counters share, and that they are taken from each other only where they share one.
fn shares(variant: &str, lines: f64) {
    let counts = counts(&false_sharing::WORKLOAD, "two_threads", variant, 10).unwrap();
    assert_eq!(named(&counts, "sim_false_shared_lines"), Ok(lines), "{variant}");
    assert_eq!(named(&counts, "sim_shared_written_lines"), Ok(lines), "{variant}");
    let contended = named(&counts, "sim_hitm").unwrap() > 0.0;
    assert_eq!(contended, lines > 0.0, "{variant}");
}

#[test]
fn two_threads_with_a_buffer_pool_each_write_no_line_of_the_other() {
    if cfg!(debug_assertions) {
        return println!(
            "skipped: with debug assertions a pool writes over the 64 KiB that come back, which is too much to step"
        );
    }
    if !can_step() {
        return;
    }
    for variant in ["raw_64k", "raw_64k_lifo"] {
        let counts = counts(&buffer_pool::WORKLOAD, "two_pools", variant, 10).unwrap();
        assert_eq!(named(&counts, "sim_shared_written_lines"), Ok(0.0), "{variant}");
    }
}

#[test]
fn each_thread_of_a_fleet_has_its_own_instructions_and_all_are_alike() {
    if !can_step() {
        return;
    }
    let counts = counts(&false_sharing::WORKLOAD, "two_threads", "aligned_64", 100).unwrap();
    let instructions = counts.iter().find(|count| count.name == "stepped_instructions").unwrap();
    assert_eq!(instructions.threads.len(), 2);
    assert_eq!(instructions.threads[0], instructions.threads[1]);
    assert_eq!(instructions.per_op, Ok(instructions.threads.iter().sum()));
}

#[test]
fn a_lone_row_counts_the_same_every_time() {
    if !can_step() {
        return;
    }
    let of = || counts(&object_pool::WORKLOAD, "hit", "sync_mutex", 100).unwrap();
    let (first, second) = (of(), of());
    for name in ["stepped_instructions", "stepped_loads", "stepped_stores"] {
        assert!(named(&first, name).is_ok_and(|count| count > 1.0), "{name}");
        assert_eq!(named(&first, name), named(&second, name), "{name}");
    }
    assert!(named(&first, "sim_l1d_misses").is_ok());
}

fn too_long(counts: &[Count]) -> bool {
    named(counts, "stepped_instructions").is_err_and(|why| why.detail.contains("more than"))
}

#[test]
fn every_feature_set_of_the_cipher_is_stepped_or_says_why_not() {
    if !can_step() {
        return;
    }
    let mut stepped = 0;
    for variant in aead::WORKLOAD.variants {
        let Some(counts) = counts(&aead::WORKLOAD, "seal_210", variant.name, 1) else { continue };
        match named(&counts, "stepped_instructions") {
            Ok(instructions) => stepped += usize::from(instructions > 100.0),
            Err(why) => assert!(too_long(&counts), "{}: {why}", variant.name),
        }
    }
    assert!(stepped > 0);
}

#[test]
fn threads_that_wait_for_each_other_get_through_and_what_is_simulated_says_of_what() {
    if !can_step() {
        return;
    }
    for variant in ring_spsc::WORKLOAD.variants {
        let counts = counts(&ring_spsc::WORKLOAD, "hop", variant.name, 10).unwrap();
        for count in counts.iter().filter(|count| count.name.starts_with("sim_")) {
            let simulated = count.provenance == Provenance::Simulated("document-000".into());
            assert_eq!(simulated, count.per_op.is_ok(), "{}: {count:?}", variant.name);
        }
        // On a busy machine one side may spin for longer than a tape is.
        let instructions = named(&counts, "stepped_instructions");
        assert!(instructions.is_ok_and(|count| count > 1.0) || too_long(&counts), "{}", variant.name);
    }
}
