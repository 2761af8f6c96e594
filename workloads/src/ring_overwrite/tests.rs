//! What every overwriting ring promises, and where the documented one breaks its word.

use super::*;
use crate::testing;

#[test]
fn every_ring_passes_the_check_and_runs() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

#[test]
fn every_frame_is_read_or_dropped_under_a_slow_reader() {
    let mut case = testing::build(&WORKLOAD.variants[1], &WORKLOAD.points[0]).unwrap();
    let clock = perfbench_harness::clock::Clock::open(perfbench_harness::clock::ClockChoice::Scripted(1));
    case.batch(if cfg!(miri) { 50 } else { 100_000 }, &clock);
    let facts = case.facts();
    let value = |name: &str| facts.iter().find(|fact| fact.name == name).unwrap().value;
    assert_eq!(value("written"), value("read") + value("dropped"));
    assert_eq!(value("unaccounted"), 0.0);
}

/// A reader that is interrupted in the middle of a frame, while the writer goes round.
#[test]
fn the_documented_ring_tears_a_frame_and_sets_its_index_back() {
    let (mut writer, mut reader) = documented::Documented::ring(2);
    (1..=2).for_each(|number| writer.push(frame(number)));
    let begun = reader.begin().unwrap();
    (3..=4).for_each(|number| writer.push(frame(number)));
    let torn = reader.finish(begun);
    assert_eq!((torn[0], torn[6]), (1, 3), "half of the first frame and half of the third");
    let rest: Vec<u64> = std::iter::from_fn(|| reader.try_pop()).map(|frame| frame[0]).collect();
    assert_eq!(rest, [4, 3, 4], "the index was set back: out of order, and one comes twice");
}
