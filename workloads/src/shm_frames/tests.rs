//! What the scenario promises.

use super::*;
#[cfg(not(miri))]
use crate::testing;

#[cfg(not(miri))]
#[test]
fn the_scenario_passes_its_check_and_runs() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

#[cfg(not(miri))]
#[test]
fn nothing_is_lost_or_torn_between_three_processes() {
    use perfbench_harness::clock::{Clock, ClockChoice};
    let mut case = testing::build(&WORKLOAD.variants[0], &WORKLOAD.points[0]).unwrap();
    assert!(!case.is_of_one_process());
    case.batch(3_000, &Clock::open(ClockChoice::Scripted(1)));
    let facts = case.facts();
    let value = |name: &str| facts.iter().find(|fact| fact.name == name).unwrap().value;
    assert_eq!((value("frames_written"), value("frames_lost"), value("frames_torn")), (3_000.0, 0.0, 0.0));
}

#[test]
fn a_mixture_of_two_frames_is_seen() {
    let mut frame = frame_of(7);
    assert!(is_whole(&frame));
    frame[FRAME_WORDS - 1] = frame_of(8)[FRAME_WORDS - 1];
    assert!(!is_whole(&frame));
}
