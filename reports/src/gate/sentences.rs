//! What every output of a gate says in the same words: directions with intervals, counts, the headline, the summary, and
//! what the self-test achieved.

use super::{CountChange, Gate, Row, Verdict};
use crate::words::{self, plural};
use perfbench_harness::duel::record::{Power, Share};
use perfbench_harness::stats::{Interval, proportion::clopper_pearson};

/// What to do where nothing is known of the gate's error rate here.
pub const NO_SELFTEST: &str = "run `perfbench selftest` to know what this gate reaches here";

/// Which way and how far, with the interval: `9.54 % slower [9.08 - 10.5]`; from candidate's time over the base's.
pub fn direction(ratio: &Interval) -> String {
    match ratio.low <= 1.0 && ratio.high >= 1.0 {
        true => span(ratio),
        false => words::direction(&ratio.map(f64::recip)),
    }
}

/// Both ends of an interval as directions: `0.50 % faster - 3.10 % slower`, `1.20 % - 3.10 % slower`.
pub fn span(ratio: &Interval) -> String {
    let (low, high) = (end(ratio.low), end(ratio.high));
    match (ratio.high.is_finite() && ratio.low > 0.0, low.1 == high.1) {
        (false, _) => "no bounds: too few launches".into(),
        (_, true) => format!("{} - {} {}", low.0, high.0, high.1),
        (_, false) => format!("{} {} - {} {}", low.0, low.1, high.0, high.1),
    }
}

fn end(ratio: f64) -> (String, &'static str) {
    if ratio < 1.0 { (share(ratio.recip() - 1.0), "faster") } else { (share(ratio - 1.0), "slower") }
}

/// A share in percent: three digits, but no finer than a hundredth of a percent.
fn share(share: f64) -> String {
    if share < 0.01 { format!("{:.2} %", 100.0 * share) } else { words::percent(share) }
}

/// A share that somebody set, without digits that say nothing: `2 %`, `0.5 %`.
pub fn set(share: f64) -> String {
    format!("{} %", (1e6 * share).round() / 1e4)
}

/// A p-value: `0.0031`, `below 0.0001`.
pub fn p_value(p: f64) -> String {
    if p < 1e-4 { "below 0.0001".into() } else { format!("{p:.4}") }
}

/// `allocations 3 before, 4 now`.
pub fn counts(changes: &[CountChange]) -> String {
    let told = |change: &CountChange| {
        format!(
            "{} {} before, {} now",
            change.name,
            words::number(change.base),
            words::number(change.candidate)
        )
    };
    changes.iter().map(told).collect::<Vec<_>>().join(", ")
}

/// The verdict of the suite as a sentence, the worst row first.
pub fn headline(gate: &Gate) -> String {
    let (broke, slower) = (gate.count(Verdict::Broke), gate.count(Verdict::Slower));
    let mut text = match (gate.compared(), broke + slower) {
        (0, _) => "nothing could be compared".into(),
        (_, 0) => quiet_headline(gate),
        _ => red_headline(gate, broke, slower),
    };
    if !gate.missed_targets.is_empty() {
        text += &format!("; {} missed", plural(gate.missed_targets.len(), "documented target"));
    }
    if gate.end.as_ref().is_some_and(|end| end.status != "complete") {
        text += "; it did not get to its end";
    }
    words::sentence(&text)
}

fn red_headline(gate: &Gate, broke: usize, slower: usize) -> String {
    let told = [(broke, "broke"), (slower, if slower == 1 { "is slower" } else { "are slower" })];
    let told =
        told.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let worst = &gate.rows[0];
    format!(
        "of {} {}: {}, {}",
        plural(gate.compared(), "row"),
        told.collect::<Vec<_>>().join(" and "),
        worst.key,
        worst.reason
    )
}

fn quiet_headline(gate: &Gate) -> String {
    let resolved = gate.count(Verdict::Unresolved) == 0;
    let is = if resolved { "is slower" } else { "is shown to be slower" };
    let mut text =
        format!("of {} none {is} by {} or more", plural(gate.compared(), "row"), set(gate.min_effect));
    for (verdict, word) in [(Verdict::Faster, "faster"), (Verdict::Unresolved, "unresolved")] {
        match gate.count(verdict) {
            0 => {}
            count => text += &format!(", {count} {word}"),
        }
    }
    text
}

/// `24: 1 slower, 2 faster, 19 same, 2 unresolved; suite-wide false-alarm chance 1 %`.
pub fn summary(gate: &Gate) -> String {
    let mut told = vec![
        format!("{} slower", gate.count(Verdict::Slower)),
        format!("{} faster", gate.count(Verdict::Faster)),
        format!("{} same", gate.count(Verdict::Same)),
        format!("{} unresolved", gate.count(Verdict::Unresolved)),
    ];
    let others = [Verdict::Unchanged, Verdict::Broke].map(|verdict| (verdict, gate.count(verdict)));
    told.extend(
        others.iter().filter(|(_, count)| *count > 0).map(|(v, count)| format!("{count} {}", v.word())),
    );
    let absent = match gate.count(Verdict::Unavailable) {
        0 => String::new(),
        count => format!("; {count} not compared"),
    };
    let alpha = set(gate.alpha);
    format!("{}: {}{absent}; suite-wide false-alarm chance {alpha}", gate.compared(), told.join(", "))
}

/// What a verdict of "same" is worth: a slowdown is excluded, a gain may not be.
pub fn same(gate: &Gate) -> String {
    format!("same: a slowdown of {} is excluded", set(gate.min_effect))
}

/// `slowdowns of 2 % or more are looked for, up to 0.5 % is tolerated`.
pub fn looked_for(gate: &Gate) -> String {
    let (effect, tolerated) = (set(gate.min_effect), set(gate.tolerated));
    format!("slowdowns of {effect} or more are looked for, up to {tolerated} is tolerated")
}

/// What the self-test found out about the verdicts here, a label and a sentence each.
pub fn achieved(gate: &Gate) -> Vec<(&'static str, String)> {
    let Some(achieved) = &gate.achieved else { return vec![("Self-test", NO_SELFTEST.into())] };
    let mut told = vec![(
        "Slower",
        format!(
            "on this machine identical code was called slower in {}, and again when repeated in {}",
            at_most(achieved.false_alarms, "comparison"),
            of(achieved.confirmed_false_alarms)
        ),
    )];
    if let Some(power) = nearest(&achieved.power, 100.0 * gate.min_effect) {
        told.push(("Same", format!("on this machine {}", found(power))));
    }
    told.push(("Intervals", format!("held the truth in {}", of(achieved.coverage))));
    told.push(("Self-test", provenance(gate)));
    told
}

fn provenance(gate: &Gate) -> String {
    let Some(achieved) = &gate.achieved else { return NO_SELFTEST.into() };
    let relinked = gate.base.links > 1 && gate.candidate.links > 1;
    let links = match (achieved.relinked, relinked) {
        (true, false) => ", of re-linked sides: with one link, layout makes more false alarms than that",
        (false, true) => ", of sides with one link: re-linked ones do better",
        _ => "",
    };
    format!("of {} on {}{links}", day(&achieved.measured), achieved.cpu)
}

/// The day of a time in RFC 3339.
pub fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

/// `+2 % was found in 58 of 60 (at least 89.9 %)`.
pub fn found(power: &Power) -> String {
    let least = bounds(power.found).low;
    format!(
        "+{} % was found in {} (at least {})",
        percent(power.percent),
        of(power.found),
        words::percent(least)
    )
}

/// `0 of 120 comparisons (at most 2.47 %)`.
pub fn at_most(share: Share, noun: &str) -> String {
    let noun = plural(share.of as usize, noun);
    format!("{} of {noun} (at most {})", share.hits, words::percent(bounds(share).high))
}

/// `58 of 60`.
pub fn of(share: Share) -> String {
    format!("{} of {}", share.hits, share.of)
}

/// A size in percent with two digits: `2`, `2.1`, `10`.
pub fn percent(percent: f64) -> String {
    let rounded = (10.0 * percent).round() / 10.0;
    format!("{rounded}")
}

/// One-sided 95 % bounds of a rate, exact whatever the truth is (Clopper and Pearson 1934).
pub fn bounds(share: Share) -> Interval {
    match share.of {
        0 => Interval { value: f64::NAN, low: 0.0, high: 1.0 },
        of => clopper_pearson(share.hits as usize, of as usize, 0.90),
    }
}

/// The size of slowdown nearest to the one that is looked for.
fn nearest(powers: &[Power], percent: f64) -> Option<&Power> {
    let distance = |power: &Power| (power.percent / percent).ln().abs();
    powers.iter().filter(|power| power.found.of > 0).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// Time of both sides, `-` where there is none.
pub fn times(row: &Row) -> [String; 2] {
    let told = |ns: f64| if ns.is_finite() { words::time(ns) } else { "-".into() };
    row.time.as_ref().map_or(["-".into(), "-".into()], |time| [told(time.base_ns), told(time.candidate_ns)])
}

/// How a command is typed in a shell.
pub fn typed(command: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c))
    };
    let quoted = |word: &String| match plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    command.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Text of a program's own making on one line, its control characters made visible.
pub fn visible(text: &str) -> String {
    text.replace('\n', " ").chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
