//! Sampling of planted work for real. Where perf events are refused, the tests that need them say so and end.

use super::*;
use crate::case::{Case, opaque, pair, solo};
use crate::clock::ClockChoice;
use crate::record::Frame;
use crate::stats::proportion::wilson;

/// Rounds of the planted loops in one operation, all together.
const ROUNDS: u64 = 10_000;

/// A chain of dependent multiplications by an odd number of one's own, so that no two are one function; none is small, for
/// the compiler adds and shifts in place of some small ones, which takes another time.
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

planted! { hot 0x9e37_79b9_7f4a_7c15  warm 0xbf58_476d_1ce4_e5b9  cool 0x94d0_49bb_1331_11eb }

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
    assert_eq!(profile.threads, ["leader"]);
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
    let cpus = crate::machine::probe::cpus();
    for clock in [SampleClock::CpuClock, SampleClock::Signal] {
        let (lead, follow) = (|_| hot(ROUNDS), |_| warm(ROUNDS));
        let Some(profile) = taken(
            &mut *pair([cpus[0], *cpus.last().unwrap()], 1.0, lead, follow),
            &Request { clock, ..request() },
        ) else {
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
    let told = profile.notes.iter().any(|note| note.contains("how many samples it lost"));
    let samples = profile.samples.len();
    assert!(profile.lost.map_or(told, |lost| lost > 0), "{samples} samples and none lost");
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
fn the_next_source_is_tried_until_none_is_left_and_each_says_why_it_is_none() {
    let mut ladder = Ladder::of(SampleClock::Best);
    assert_eq!(ladder.step().unwrap(), SampleClock::Cycles);
    ladder.pass(SampleClock::Cycles, &silent());
    assert_eq!(ladder.step().unwrap(), SampleClock::CpuClock);
    ladder.pass(SampleClock::CpuClock, &Unavailable::new(Reason::NoPrivilege, "paranoid"));
    assert_eq!(ladder.step().unwrap(), SampleClock::Signal);
    let why = ladder.step().unwrap_err();
    assert_eq!(why.reason, Reason::NoPrivilege);
    assert!(why.detail.starts_with("cycles: it opens, and makes no sample"), "{why}");
    assert!(why.detail.contains("--clock signal") && why.detail.ends_with("cpu-clock: paranoid"), "{why}");
}

#[test]
fn what_leaves_samples_in_doubt_is_noted() {
    let notes = |covered, dropped| notes(&Taken { covered, lost: Some(0), ..Taken::default() }, dropped);
    assert_eq!(notes(1.0, 0.01), [""; 0]);
    assert!(notes(f64::NAN, 0.0)[0].contains("counted no time"));
    assert!(notes(0.9, 0.0)[0].contains("90.0 %"));
    assert!(notes(1.0, 0.03)[0].contains("3.0 %"));
}
