//! What a profile says in sentences: its verdict, how it was taken, and why it should be doubted.

use super::tally::{Tally, ns_per_op, tally};
use crate::words::{self, plural};
use perfbench_harness::record::Profile;
use perfbench_harness::stats::Interval;

/// A larger share of stacks cut short than this leaves callers in doubt.
const CUT: f64 = 0.01;

/// A larger share of lost samples than this leaves shares in doubt.
const LOST: f64 = 0.01;

/// The clock that is no event of the kernel.
const BY_SIGNAL: &str = "SIGPROF";

/// Sampling that costs more than this changes what it looks at.
const COST: f64 = 0.01;

/// The hottest function in a sentence: `55.0 % (52.8 - 57.2) of the time is in fold`.
pub fn verdict(tally: &Tally<'_>) -> String {
    let Some(hottest) = tally.functions.first() else { return "no sample was taken".into() };
    format!("{} of the time is in {}", banded(&tally.share(hottest.own)), hottest.name)
}

/// A share with its band: `55.0 % (52.8 - 57.2)`.
pub fn banded(share: &Interval) -> String {
    format!("{} ({})", words::percent(share.value), band(share))
}

/// The band of a share, in percent: `52.8 - 57.2`.
pub fn band(share: &Interval) -> String {
    words::bounds(&share.map(|share| 100.0 * share))
}

/// What was sampled where: `cpu-clock samples of 2 threads on Made-up CPU, 2026-11-21T16:00:00Z, perfbench 0.1.0`.
pub fn origin(profile: &Profile) -> String {
    let threads = plural(profile.threads.len(), "thread");
    let Profile { clock, cpu, started, version, .. } = profile;
    format!("{clock} samples of {threads} on {cpu}, {started}, perfbench {version}")
}

/// How the profile was taken, as names and sentences.
pub fn facts(profile: &Profile) -> Vec<(&'static str, String)> {
    let tally = tally(profile);
    let hz = words::number(profile.wanted_hz);
    let why = if profile.clock_why.is_empty() { String::new() } else { format!(": {}", profile.clock_why) };
    vec![
        (
            "samples",
            format!("{}, at {hz} wanted in a second of CPU time", words::number(tally.samples as f64)),
        ),
        ("clock", format!("{}{why}", profile.clock)),
        ("time", time(profile)),
        ("stacks", format!("{} whole, by {}", words::percent(whole(&tally)), profile.unwinding)),
        ("lost", lost(profile)),
        ("cost", cost(profile)),
    ]
}

fn time(profile: &Profile) -> String {
    let each = ns_per_op(profile).map_or(String::new(), |ns| format!(", {} each", words::time(ns)));
    let ops = plural(profile.ops as usize, "operation");
    format!("{} on a CPU, all threads together; {ops}{each}", words::time(profile.task_clock_ns))
}

fn whole(tally: &Tally<'_>) -> f64 {
    tally.whole as f64 / tally.samples.max(1) as f64
}

fn lost_share(profile: &Profile) -> f64 {
    let lost = profile.lost.unwrap_or(0) as f64;
    lost / (lost + profile.samples.len() as f64).max(1.0)
}

fn lost(profile: &Profile) -> String {
    match profile.lost {
        None => "not known: the kernel tells from Linux 6.0 on".into(),
        Some(0) if profile.clock == BY_SIGNAL => "no sample, as the signal's handler counted".into(),
        Some(0) => "no sample, as the kernel tells".into(),
        Some(lost) => format!("{}, {}", plural(lost as usize, "sample"), words::percent(lost_share(profile))),
    }
}

/// How much longer an operation takes while it is sampled, as a share; none where it was not measured.
fn cost_share(profile: &Profile) -> Option<f64> {
    Some(profile.sampled_ns_per_op? / profile.unsampled_ns_per_op? - 1.0)
}

fn cost(profile: &Profile) -> String {
    let Profile { sampled_ns_per_op: Some(sampled), unsampled_ns_per_op: Some(unsampled), .. } = profile
    else {
        return "not measured".into();
    };
    let direction = match sampled / unsampled - 1.0 {
        change if change > 0.0 => format!("{} slower while sampled", words::percent(change)),
        _ => "none to be seen".into(),
    };
    format!("{direction}: {} an operation against {}", words::time(*sampled), words::time(*unsampled))
}

/// Why the profile should be doubted, in sentences: what was noted when it was taken, and what its figures say.
pub fn doubts(profile: &Profile) -> Vec<String> {
    let cut = 1.0 - whole(&tally(profile));
    let lost = lost_share(profile);
    let said = [
        (
            cut > CUT,
            format!("{} of the stacks are cut short: their callers are unknown", words::percent(cut)),
        ),
        (
            lost > LOST,
            format!("{} of the samples were lost: shares may be off by as much", words::percent(lost)),
        ),
    ];
    let said = said.into_iter().filter_map(|(is_so, words)| is_so.then_some(words));
    let costly = cost_share(profile).filter(|cost| *cost > COST).map(|cost| {
        format!(
            "sampling made operations {} slower: what it shows is no longer what runs unseen",
            words::percent(cost)
        )
    });
    profile.notes.iter().cloned().chain(said).chain(costly).collect()
}

#[cfg(test)]
mod tests {
    use super::lost as lost_of;
    use super::*;
    use crate::profile::fixture;

    fn doubts_of(change: impl Fn(&mut Profile)) -> Vec<String> {
        let mut profile = fixture::profile();
        profile.samples.iter_mut().for_each(|sample| sample.whole = true);
        change(&mut profile);
        doubts(&profile)
    }

    #[test]
    fn a_good_profile_raises_no_doubt_and_each_fault_raises_its_own() {
        assert_eq!(doubts_of(|_| {}), [""; 0]);
        let one = |change: &dyn Fn(&mut Profile), words: &str| {
            let doubts = doubts_of(change);
            assert!(doubts.len() == 1 && doubts[0].contains(words), "{doubts:?}");
        };
        one(&|p| p.notes.push("the clock stood still".into()), "stood still");
        one(
            &|p| p.samples.iter_mut().take(60).for_each(|s| s.whole = false),
            "3.00 % of the stacks are cut short",
        );
        one(&|p| p.lost = Some(100), "were lost");
        one(&|p| p.sampled_ns_per_op = Some(21.0), "4.48 % slower");
    }

    #[test]
    fn the_hottest_function_is_the_verdict_with_its_band() {
        let profile = fixture::profile();
        let text = verdict(&tally(&profile));
        assert!(text.starts_with("55.0 % (52.8 - 57.2) of the time is in <perfbench::ring::Sum"), "{text}");
    }

    #[test]
    fn losses_that_nobody_counted_are_not_nought_and_those_of_a_signal_are_its_handlers() {
        let lost = |clock: &str, lost| lost_of(&Profile { clock: clock.into(), lost, ..fixture::profile() });
        assert!(lost("cycles", None).starts_with("not known"));
        assert!(lost("SIGPROF", Some(0)).contains("handler"));
        assert!(lost("cycles", Some(0)).contains("kernel"));
    }

    #[test]
    fn a_cost_that_was_not_measured_is_not_nought() {
        let profile = Profile { sampled_ns_per_op: None, ..fixture::profile() };
        assert!(facts(&profile).contains(&("cost", "not measured".into())));
    }
}
