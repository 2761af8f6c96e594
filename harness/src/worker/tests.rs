//! A bench on the scripted clock with a scripted witness: which rounds are made again, and how long warming up takes.

use super::*;
use crate::case::solo;
use crate::clock::ClockChoice;
use crate::counter::Selection;
use crate::record::{QUIET, SWITCHED};
use crate::workload::{Broken, Role, Suite};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

static POINT: [Point; 1] = [Point {
    name: "point",
    about: "a point of a test",
    unit_of_work: "op",
    size: 0,
    cpus: 1,
    bound: Err("a test has no limit"),
    latency: false,
    suite: Suite::Default,
}];

static VARIANT: [Variant; 1] = [Variant {
    name: "variant",
    about: "a variant of a test",
    role: Role::Baseline,
    suite: Suite::Default,
    needs: crate::Isa::NONE,
    build: |_| Ok(solo(|i: u64| i)),
    check: |_| Ok::<(), Broken>(()),
}];

static WORKLOAD: Workload =
    Workload { name: "table", about: "a test", source: "000", points: &POINT, variants: &VARIANT };
static REGISTRY: [&Workload; 1] = [&WORKLOAD];

fn job() -> Job {
    let clock = ClockChoice::Scripted(3);
    Job {
        workload: "table".into(),
        point: "point".into(),
        variants: vec!["variant".into()],
        task: Task::Check,
        cpus: vec![],
        seed: 1,
        inputs: BTreeMap::new(),
        counters: Selection::scripted(),
        clock,
        calibration: Clock::open(clock).facts(),
        evict_bytes: None,
        counted_ops: None,
        under: Vec::new(),
    }
}

/// The rounds of a launch of `slice_ns` in which the readings of the switch count rise as the script says.
fn rounds(job: &Job, slice_ns: f64, switches: impl Fn(u64) -> u64 + 'static) -> Rounds {
    let readings = Rc::new(Cell::new(0));
    let mut bench = Bench::open(&REGISTRY, job).unwrap();
    bench.witness = Box::new(move || {
        readings.set(readings.get() + 1);
        Some(evidence::Evidence { involuntary_switches: switches(readings.get()), cpu: 0 })
    });
    let mut told = Vec::new();
    bench.measure(&mut |reply| told.push(reply), 0, &[Batches { ops: 10, warm_ops: 2 }], slice_ns);
    match told.pop() {
        Some(Reply::Outcome { result: Done::Rounds(rounds), .. }) => rounds,
        other => panic!("no rounds but {other:?}"),
    }
}

#[test]
fn a_round_without_a_switch_is_made_once() {
    let rounds = rounds(&job(), 1e12, |_| 7);
    assert_eq!(rounds.marks, QUIET.to_string().repeat(MAX_ROUNDS));
    assert_eq!(rounds.ns_per_op.len(), MAX_ROUNDS);
}

#[test]
fn a_disturbed_round_is_marked_kept_and_made_again() {
    // The tenth reading is the one after the fifth round.
    let rounds = rounds(&job(), 1e12, |reading| u64::from(reading >= 10));
    assert_eq!(rounds.marks.find(SWITCHED), Some(4));
    assert_eq!(rounds.marks.matches(QUIET).count(), MAX_ROUNDS);
    assert_eq!(rounds.ns_per_op.len(), MAX_ROUNDS + 1);
}

#[test]
fn on_a_machine_that_always_disturbs_there_is_one_repetition_a_round_and_no_more() {
    let rounds = rounds(&job(), 1e12, |reading| reading);
    assert_eq!(rounds.marks, SWITCHED.to_string().repeat(2 * MAX_ROUNDS));
}

#[test]
fn nothing_is_repeated_once_the_slice_is_over() {
    let rounds = rounds(&job(), 0.0, |reading| reading);
    assert_eq!(rounds.marks, SWITCHED.to_string().repeat(MIN_ROUNDS));
}

#[test]
fn warming_up_ends_when_the_batches_have_no_trend_or_the_share_of_the_slice_is_over() {
    let long = rounds(&job(), 1e12, |_| 0).warm_up_batches;
    assert!((8..60).contains(&long), "{long}");
    assert_eq!(rounds(&job(), 0.0, |_| 0).warm_up_batches, 1);
}

#[test]
fn a_cold_case_is_used_once_and_not_warmed() {
    let cold = Job { evict_bytes: Some(1 << 20), ..job() };
    assert_eq!(rounds(&cold, 1e12, |_| 0).warm_up_batches, 1);
}
