//! Sampling of planted work for real. Where perf events are refused, the tests that need them say so and end.

use super::*;
use crate::case::{Case, opaque, pair, solo};
use crate::clock::ClockChoice;
use crate::record::Frame;
use crate::stats::proportion::wilson;

/// Rounds of the planted loops in one operation, all together.
const ROUNDS: u64 = 10_000;

/// A chain of dependent multiplications by an odd number of one's own, so that no two are one function.
macro_rules! planted {
    ($($name:ident $factor:literal)*) => { $(
        #[inline(never)]
        fn $name(rounds: u64) -> u64 {
            let (mut value, mut left) = (1u64, rounds);
            while left > 0 {
                value = opaque(value.wrapping_mul($factor));
                left -= 1;
            }
            value
        }
    )* };
}

planted! { hot 3  warm 5  cool 7 }

fn planted_op(_: u64) -> u64 {
    hot(ROUNDS * 6 / 10) ^ warm(ROUNDS * 3 / 10) ^ cool(ROUNDS / 10)
}

fn request() -> Request {
    Request {
        hz: 997.0,
        length_s: 1.2,
        clock: SampleClock::CpuClock,
        unwinding: Unwinding::Best,
        compare: false,
    }
}

/// The profile, or none with words where the kernel refuses it.
fn taken(case: &mut dyn Case, request: &Request) -> Option<Profile> {
    match profile(case, &Clock::open(ClockChoice::Best), request) {
        Ok(profile) => Some(profile),
        Err(why) => {
            println!("not sampled here: {why}");
            assert!([Reason::NoPrivilege, Reason::Unsupported].contains(&why.reason), "{why}");
            None
        }
    }
}

fn frames(profile: &Profile, stack: u32) -> impl Iterator<Item = &Frame> {
    profile.stacks[stack as usize].iter().map(|frame| &profile.frames[*frame as usize])
}

/// Samples that passed through a function of this file.
fn through(profile: &Profile, function: &str) -> usize {
    let name = format!("::{function}");
    let hit = |stack| frames(profile, stack).any(|frame| frame.function.ends_with(&name));
    profile.samples.iter().filter(|sample| hit(sample.stack)).count()
}

fn whole_share(profile: &Profile) -> f64 {
    profile.samples.iter().filter(|sample| sample.whole).count() as f64 / profile.samples.len() as f64
}

/// Whether the planted shares lie in the bands of their samples, at a level that a sound sampler fails once in ten
/// thousand runs.
fn assert_planted(profile: &Profile) {
    let all = profile.samples.len();
    for (name, share) in [("hot", 0.6), ("warm", 0.3), ("cool", 0.1)] {
        let band = wilson(through(profile, name), all, 0.9999);
        assert!(band.holds(share), "{name}: {band:?} of {all} samples");
    }
}

#[test]
fn planted_shares_lie_in_the_bands_of_their_samples_and_nearly_all_stacks_are_whole() {
    let Some(profile) = taken(&mut *solo(planted_op), &request()) else { return };
    assert_planted(&profile);
    assert!(whole_share(&profile) >= 0.99, "{}", whole_share(&profile));
    assert_eq!((profile.lost, profile.threads.as_slice()), (0, &["leader".to_owned()][..]));
}

#[test]
fn signals_find_the_same_shares() {
    let request = Request { clock: SampleClock::Signal, ..request() };
    let profile = taken(&mut *solo(planted_op), &request).expect("timers need no privilege");
    assert_planted(&profile);
    assert!(whole_share(&profile) >= 0.99, "{}", whole_share(&profile));
    assert_eq!(profile.clock, "SIGPROF");
}

#[test]
fn both_threads_of_a_pair_are_sampled_in_what_they_do() {
    for clock in [SampleClock::CpuClock, SampleClock::Signal] {
        let (lead, follow) = (|_| hot(ROUNDS), |_| warm(ROUNDS));
        let Some(profile) = taken(&mut *pair([0, 1], 1.0, lead, follow), &Request { clock, ..request() })
        else {
            return;
        };
        assert_eq!(profile.threads, ["leader", "follower 1"]);
        let of = |thread, name: &str| {
            let name = format!("::{name}");
            let own = profile.samples.iter().filter(|sample| sample.thread == thread);
            own.filter(|sample| frames(&profile, sample.stack).any(|f| f.function.ends_with(&name))).count()
        };
        assert!(of(0, "hot") > 0 && of(1, "warm") > 0, "{:?}", profile.threads);
        assert_eq!((of(0, "warm"), of(1, "hot")), (0, 0));
        assert!(whole_share(&profile) >= 0.99, "{}", whole_share(&profile));
    }
}

#[test]
fn a_ring_without_room_loses_samples_and_tells_how_many() {
    if taken(&mut *solo(planted_op), &request()).is_none() {
        return;
    }
    let request = Request { hz: 9_973.0, unwinding: Unwinding::Dwarf, ..request() };
    let clock = Clock::open(ClockChoice::Best);
    let profile = sample(&mut *solo(planted_op), &clock, &request, 4096).unwrap();
    assert!(profile.lost > 0, "{} samples and none lost", profile.samples.len());
}

#[test]
fn the_cost_of_sampling_is_told_where_it_is_asked_for() {
    let request = Request { compare: true, length_s: 0.2, ..request() };
    let Some(profile) = taken(&mut *solo(planted_op), &request) else { return };
    assert!(profile.sampled_ns_per_op.unwrap() > 0.0 && profile.unsampled_ns_per_op.unwrap() > 0.0);
}

#[test]
fn a_profile_reads_back_as_it_was_written() {
    let request = Request { clock: SampleClock::Signal, length_s: 0.1, ..request() };
    let profile = taken(&mut *solo(planted_op), &request).expect("timers need no privilege");
    let text = serde_json::to_string(&profile).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
    assert_eq!(profile.architecture, std::env::consts::ARCH);
}

#[test]
fn the_hottest_function_brings_its_machine_code() {
    let request = Request { clock: SampleClock::Signal, length_s: 0.3, ..request() };
    let profile = taken(&mut *solo(planted_op), &request).expect("timers need no privilege");
    assert!(profile.code[0].function.ends_with("::hot"), "{}", profile.code[0].function);
}

#[test]
fn a_scripted_clock_leaves_nothing_to_sample() {
    let why =
        profile(&mut *solo(planted_op), &Clock::open(ClockChoice::Scripted(1)), &request()).unwrap_err();
    assert_eq!(why.reason, Reason::Unsupported);
}

#[test]
fn more_samples_than_the_kernel_takes_are_refused_with_its_limit() {
    let request = Request { hz: 1e9, ..request() };
    let why = profile(&mut *solo(planted_op), &Clock::open(ClockChoice::Best), &request).unwrap_err();
    assert!(why.detail.contains("; "), "{why}");
}
