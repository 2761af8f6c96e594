//! Two profiles compared by function: shares of the time on both sides, and which of them differ.

use super::facts::doubts;
use super::tally::{Tally, ns_per_op, tally};
use crate::words;
use perfbench_harness::record::Profile;
use perfbench_harness::stats::Interval;
use perfbench_harness::stats::proportion::{difference, wilson};
use std::collections::BTreeSet;

/// Functions with a smaller share on both sides are left out.
const SHARE: f64 = 0.01;

/// Chance that any interval of a table misses its truth.
const ALPHA: f64 = 0.05;

/// How one function stands to itself in the base.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// Demangled name.
    pub name: &'a str,
    /// Share of the base's own time.
    pub before: Interval,
    /// Share of this profile's own time.
    pub after: Interval,
    /// How much more of the time it has now; the intervals of all functions together hold with 95 %.
    pub more: Interval,
    /// Time on a CPU for one operation in the base, ns.
    pub before_ns: Option<f64>,
    /// The same now.
    pub after_ns: Option<f64>,
}

impl Change<'_> {
    /// The direction in words: `5.00 points more [4.10 - 6.04]`, or what would have been seen.
    pub fn direction(&self) -> String {
        let points = self.more.map(|share| 100.0 * share);
        match (points.low > 0.0, points.high < 0.0) {
            (true, _) => {
                format!("{} points more [{}]", words::significant(points.value), words::bounds(&points))
            }
            (_, true) => {
                let less = points.map(|points| -points);
                format!("{} points less [{}]", words::significant(less.value), words::bounds(&less))
            }
            _ => format!("~ (would see {} points)", words::significant((points.high - points.low) / 2.0)),
        }
    }
}

/// The functions with a share worth telling on either side, the largest change first.
pub fn changes<'a>(base: &'a Profile, now: &'a Profile) -> Vec<Change<'a>> {
    let (before, after) = (tally(base), tally(now));
    let names: BTreeSet<(&str, &str)> =
        [&before, &after].into_iter().flat_map(|tally| worth_telling(tally)).collect();
    let level = 1.0 - ALPHA / names.len().max(1) as f64;
    let mut changes: Vec<Change<'_>> = names
        .into_iter()
        .map(|(name, module)| {
            let share = |tally: &Tally<'_>| wilson(tally.own(name, module), tally.samples, level);
            let (before, after) = (share(&before), share(&after));
            let per_op = |profile, share: &Interval| ns_per_op(profile).map(|ns| ns * share.value);
            let (before_ns, after_ns) = (per_op(base, &before), per_op(now, &after));
            Change { name, before, after, more: difference(&before, &after), before_ns, after_ns }
        })
        .collect();
    changes.sort_by(|a, b| b.more.value.abs().total_cmp(&a.more.value.abs()));
    changes
}

fn worth_telling<'a>(tally: &Tally<'a>) -> Vec<(&'a str, &'a str)> {
    let least = SHARE * tally.samples as f64;
    let told = tally.functions.iter().filter(|function| function.own as f64 >= least);
    told.map(|function| (function.name, function.module)).collect()
}

/// What the two sides are, and that a difference of times is not judged here.
pub fn sides(base: &Profile, now: &Profile) -> String {
    let side = |profile: &Profile| {
        let each = ns_per_op(profile)
            .map_or(String::new(), |ns| format!(", {} of CPU time an operation", words::time(ns)));
        format!("{} of {}{each}", profile.row, profile.started)
    };
    format!(
        "{}, against {}. One launch each tells where the time goes; which side is faster is for perfbench compare or gate.",
        side(now),
        side(base)
    )
}

/// Why the two sides should be compared with care, in sentences: what they have unlike, and what the base leaves in doubt.
pub fn reservations(base: &Profile, now: &Profile) -> Vec<String> {
    let doubts = doubts(base).into_iter().map(|doubt| format!("of the base: {doubt}"));
    unlike(base, now).into_iter().chain(doubts).collect()
}

/// What makes shares differ though the row is the same.
fn unlike(base: &Profile, now: &Profile) -> Vec<String> {
    let pairs = [
        ("the clock", &base.clock, &now.clock),
        ("the CPU", &base.cpu, &now.cpu),
        ("the architecture", &base.architecture, &now.architecture),
    ];
    let told = |what: &str, base: &str, now: &str| {
        format!("{what} is {now}, and was {base} in the base: shares may differ for that alone")
    };
    let kernel = (base.with_kernel != now.with_kernel)
        .then(|| told("the kernel", sight(base.with_kernel), sight(now.with_kernel)));
    let unlike = pairs.into_iter().filter(|(_, base, now)| base != now);
    unlike.map(|(what, base, now)| told(what, base, now)).chain(kernel).collect()
}

fn sight(with_kernel: Option<bool>) -> &'static str {
    match with_kernel {
        Some(true) => "sampled too",
        Some(false) => "not sampled",
        None => "sampled or not, which is not stored,",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;

    #[test]
    fn a_function_that_came_and_one_that_shrank_are_found_and_the_others_are_not_told_apart() {
        let (base, now) = (fixture::base(), fixture::profile());
        let told: Vec<(&str, bool)> = changes(&base, &now)
            .iter()
            .map(|change| (change.name, change.direction().contains('~')))
            .collect();
        let (fold, copied) =
            (told.iter().find(|t| t.0.ends_with("fold")), told.iter().find(|t| t.0 == "memcpy"));
        assert!(!fold.unwrap().1 && !copied.unwrap().1, "{told:?}");
        assert!(told.iter().filter(|t| t.1).count() >= 3, "{told:?}");
    }

    #[test]
    fn sides_that_are_unlike_and_a_base_in_doubt_are_told_and_like_ones_are_not() {
        let mut like = fixture::profile();
        like.samples.iter_mut().for_each(|sample| sample.whole = true);
        assert_eq!(reservations(&like, &fixture::profile()), [""; 0]);
        let unlike = Profile {
            clock: "SIGPROF".into(),
            cpu: "Another CPU".into(),
            architecture: "aarch64".into(),
            with_kernel: Some(false),
            notes: vec!["it was short".into()],
            ..like
        };
        let told = reservations(&unlike, &fixture::profile());
        let words = ["SIGPROF", "Another CPU", "aarch64", "not sampled", "of the base: it was short"];
        assert!(told.iter().zip(words).all(|(told, words)| told.contains(words)), "{told:?}");
        assert_eq!(told.len(), words.len());
    }

    #[test]
    fn a_profile_does_not_differ_from_itself() {
        let profile = fixture::profile();
        let changes = changes(&profile, &profile);
        assert!(!changes.is_empty());
        assert!(changes.iter().all(|change| change.more.value == 0.0 && change.direction().starts_with('~')));
    }
}
