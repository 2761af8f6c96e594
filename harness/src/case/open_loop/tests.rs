//! What a stall does to those who arrive meanwhile: on the scripted clock, where every latency is known, and once for real.

use super::*;
use crate::case::{Gaps, solo};
use crate::clock::ClockChoice;
use crate::clock::scripted::Scripted;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What an operation costs by the script.
const SERVICE_NS: f64 = 1000.0;
const STALL_NS: f64 = 10e6;
const PERIOD_NS: f64 = 1e9;

fn clock() -> Clock {
    let clock = Clock::open(ClockChoice::Scripted(1));
    clock.scripted().unwrap().begin("a row", SERVICE_NS);
    clock
}

fn at(per_s: f64, gaps: Gaps) -> Arrivals {
    Arrivals::new(Rate::PerSecond(per_s), gaps, 5)
}

/// Stalls for 10 ms once a second: whichever operation comes first after the second is up.
fn stalling(clock: &Clock) -> impl Body + 'static {
    let time: Scripted = clock.scripted().unwrap().clone();
    let mut next_ns = time.now_ns() + PERIOD_NS;
    move |i| {
        if time.now_ns() >= next_ns {
            next_ns += PERIOD_NS;
            time.advance(STALL_NS);
        }
        i
    }
}

/// A quantile of the latencies that a stall a period leaves, in closed form. Who arrives `t` into the stall waits for
/// the rest of it and for the service of all that arrived before: `stall - t (1 - load)`. So a share of
/// `stall / (1 - load) / period` is delayed at all, evenly between no delay and the whole stall.
fn truth_ns(quantile: f64, load: f64) -> f64 {
    let beyond_ns = (1.0 - quantile) * PERIOD_NS * (1.0 - load);
    (STALL_NS - beyond_ns).max(0.0) + SERVICE_NS
}

fn p999_ns(case: &mut dyn Case, ops: u64, clock: &Clock) -> f64 {
    let mut into = Stamps::default();
    case.stamped(ops, clock, &mut into);
    into.all.value_at_quantile(0.999) as f64 / 1000.0
}

#[test]
fn a_stall_of_10_ms_every_second_appears_in_the_p999_of_planned_arrivals_within_2_percent_of_the_truth() {
    for (per_s, gaps) in [
        (20_000.0, Gaps::Even),
        (100_000.0, Gaps::Even),
        (100_000.0, Gaps::Exponential),
        (500_000.0, Gaps::Exponential),
    ] {
        let clock = clock();
        let mut case = open_loop(at(per_s, gaps), stalling(&clock));
        let found_ns = p999_ns(case.as_mut(), (4.5 * per_s) as u64, &clock);
        let truth_ns = truth_ns(0.999, per_s * SERVICE_NS / 1e9);
        let error = found_ns / truth_ns - 1.0;
        assert!(error.abs() < 0.02, "{per_s}/s {gaps:?}: {found_ns} ns, true {truth_ns} ns");
    }
}

#[test]
fn a_closed_loop_hides_the_same_stall_from_its_p999() {
    let clock = clock();
    let mut case = solo(stalling(&clock));
    let found_ns = p999_ns(case.as_mut(), 2_500_000, &clock);
    assert!(found_ns < 1.1 * SERVICE_NS, "{found_ns} ns; those who wait feel {} ns", truth_ns(0.999, 0.1));
}

#[test]
fn service_is_told_apart_from_waiting() {
    let clock = clock();
    let mut case = open_loop(at(100_000.0, Gaps::Even), stalling(&clock));
    let mut into = Stamps::default();
    case.stamped(450_000, &clock, &mut into);
    let service = &into.parts["service"];
    assert_eq!((into.all.len(), service.len()), (450_000, 450_000));
    assert!(service.value_at_quantile(0.999) < 1_100_000, "few are served slowly, many wait");
}

#[test]
fn an_idle_case_serves_each_arrival_at_its_planned_time() {
    let clock = clock();
    let mut case = open_loop(at(100_000.0, Gaps::Even), |i: u64| i);
    let batch = case.batch(1000, &clock);
    let ns_per_op = batch.ns_per_unit(1000.0);
    assert!((ns_per_op / SERVICE_NS - 1.0).abs() < 0.01, "{ns_per_op}: the median latency is the service");
    assert_eq!(fact(case.as_mut(), "arrivals_per_s"), 100_000.0);
    assert_eq!(fact(case.as_mut(), "late_percent"), 0.0);
    let planned_ns = 1000.0 * 1e9 / 100_000.0 + LEAD_IN_NS + SERVICE_NS;
    assert!((batch.elapsed_ns / planned_ns - 1.0).abs() < 0.001, "the region is as long as the plan");
}

#[test]
fn an_overloaded_case_makes_every_arrival_wait_longer_than_the_one_before() {
    let clock = clock();
    let mut case = open_loop(at(2e6, Gaps::Even), |i: u64| i);
    let batch = case.batch(1001, &clock);
    let waited_ns = 500.0 * (SERVICE_NS - 500.0) + SERVICE_NS;
    assert!((batch.latency_ns.unwrap() / waited_ns - 1.0).abs() < 0.02, "{batch:?}");
    assert!(fact(case.as_mut(), "late_percent") > 99.5);
}

#[test]
fn a_share_of_capacity_is_a_share_of_what_the_case_was_seen_to_serve() {
    for share in [0.5, 0.8] {
        let mut case = open_loop(Arrivals::new(Rate::OfCapacity(share), Gaps::Even, 1), |i: u64| i);
        assert!(case.facts().is_empty(), "nothing is known before it has run");
        case.batch(10, &clock());
        let per_s = fact(case.as_mut(), "arrivals_per_s");
        assert!((per_s / (share * 1e9 / SERVICE_NS) - 1.0).abs() < 0.01, "{per_s}");
    }
}

#[test]
fn a_planned_batch_returns_what_a_batch_returns_and_none_is_a_batch_too() {
    let clock = clock();
    let mut planned = open_loop(at(1000.0, Gaps::Exponential), |i: u64| 3 * i);
    let mut plain = solo(|i: u64| 3 * i);
    for ops in [0, 1, 100] {
        assert_eq!(planned.batch(ops, &clock).checksum, plain.batch(ops, &clock).checksum);
    }
}

fn relay(arrivals: Arrivals) -> (Box<dyn Case>, Arc<AtomicU64>) {
    let sum = Arc::new(AtomicU64::new(0));
    let (a, b) = (sum.clone(), sum.clone());
    let add = |to: Arc<AtomicU64>| move |i| to.fetch_add(i, Ordering::Relaxed);
    (open_pair([0, 1], arrivals, add(a), add(b)), sum)
}

#[test]
fn a_pair_counts_from_the_planned_start_at_the_leader_to_the_end_at_the_follower() {
    let clock = clock();
    let (mut case, sum) = relay(at(100_000.0, Gaps::Even));
    let mut into = Stamps::default();
    let batch = case.stamped(1000, &clock, &mut into);
    assert_eq!(sum.load(Ordering::Relaxed), 2 * 499_500, "both sides ran every operation");
    assert!(batch.bounce.is_some());
    let of = |histogram: &hdrhistogram::Histogram<u64>| histogram.value_at_quantile(0.5) as f64 / 1000.0;
    assert!((of(&into.all) / SERVICE_NS - 1.0).abs() < 0.02);
    assert!((of(&into.parts["service"]) / SERVICE_NS - 1.0).abs() < 0.02);
}

#[test]
fn the_same_script_gives_a_pair_the_same_latencies_however_its_threads_run() {
    let story = || {
        let clock = clock();
        let (mut case, _) = relay(Arrivals::new(Rate::OfCapacity(0.8), Gaps::Exponential, 3));
        let mut into = Stamps::default();
        let batches: Vec<f64> = (0..5).map(|_| case.batch(300, &clock).latency_ns.unwrap()).collect();
        case.stamped(500, &clock, &mut into);
        (
            batches,
            into.all.iter_recorded().map(|v| (v.value_iterated_to(), v.count_at_value())).collect::<Vec<_>>(),
        )
    };
    assert_eq!(story(), story());
}

fn fact(case: &mut dyn Case, name: &str) -> f64 {
    case.facts().iter().find(|fact| fact.name == name).map(|fact| fact.value).unwrap()
}

/// Works for a microsecond of real time, and for ten milliseconds once in a hundred.
fn stalling_for_real() -> impl Body + 'static {
    let mut next = Instant::now() + Duration::from_millis(50);
    move |i| {
        let start = Instant::now();
        let stalls = start >= next;
        next += Duration::from_millis(if stalls { 100 } else { 0 });
        let length = if stalls { Duration::from_millis(10) } else { Duration::from_micros(1) };
        while start.elapsed() < length {}
        i
    }
}

/// Only bounds that a busy machine cannot break, since all it does is add stalls of its own: planned arrivals feel at least
/// half of what they should, and few operations of a closed loop are interrupted at all.
#[test]
fn in_real_time_too_only_planned_arrivals_feel_a_stall() {
    let clock = Clock::open(ClockChoice::Best);
    let quantile_ms = |mut case: Box<dyn Case>, ops, quantile| {
        let mut into = Stamps::default();
        case.stamped(ops, &clock, &mut into);
        into.all.value_at_quantile(quantile) as f64 / 1e9
    };
    let planned = open_loop(at(20_000.0, Gaps::Even), stalling_for_real());
    let true_p95_ms = 5.0;
    assert!(quantile_ms(planned, 10_000, 0.95) > true_p95_ms / 2.0);
    assert!(quantile_ms(solo(stalling_for_real()), 400_000, 0.95) < true_p95_ms / 50.0);
}
