//! The first five seconds: headline, machine line, grade, reservations and counts.

use super::{Cards, Document, Group, Outcome};
use crate::verdict::Verdict;
use crate::words::{percent, plural};
use perfbench_harness::Reason;
use perfbench_harness::machine::EnvironmentCheck;
use perfbench_harness::record::{Measured, Row, RunRecord};
use perfbench_harness::stats::median;

pub(super) fn cards(groups: &[Group], documents: &[Document]) -> Cards {
    let rows = || groups.iter().flat_map(|group| &group.rows);
    let targets = || documents.iter().flat_map(|document| &document.targets);
    let verdicts = |verdict| targets().filter(|judged| judged.verdict == verdict).count();
    let outcomes = |is: fn(&Outcome) -> bool| rows().filter(|row| is(&row.outcome)).count();
    Cards {
        met: verdicts(Verdict::Met),
        missed: verdicts(Verdict::Missed),
        unresolved: verdicts(Verdict::Unresolved),
        implausible: verdicts(Verdict::Implausible),
        not_measurable: verdicts(Verdict::NotMeasurable),
        rows_measured: outcomes(|outcome| matches!(outcome, Outcome::Measured(_))),
        rows_counted: outcomes(|outcome| matches!(outcome, Outcome::Counted(_))),
        rows_unavailable: outcomes(|outcome| matches!(outcome, Outcome::Unavailable(_))),
        rows_broke: outcomes(|outcome| matches!(outcome, Outcome::Broke { .. })),
        noise_floor: noise_floor(groups),
    }
}

fn noise_floor(groups: &[Group]) -> Option<f64> {
    let rows = groups.iter().flat_map(|group| &group.rows).filter_map(|row| row.figures());
    let widths: Vec<f64> = rows.map(|f| f.time_ns.relative_half_width()).filter(|w| w.is_finite()).collect();
    (!widths.is_empty()).then(|| median(&widths))
}

pub(super) fn headline(record: &RunRecord, cards: &Cards) -> String {
    let unreal = match (record.is_scripted(), record.header.machine.emulator.as_ref()) {
        (true, _) => "A script dictated the time: no figure is a measurement. ".to_owned(),
        (false, Some(emulator)) => format!("Emulated by {emulator}: counts, and no times. "),
        (false, None) => String::new(),
    };
    let broke = match cards.rows_broke {
        0 => String::new(),
        broke => format!("{} broke. ", plural(broke, "row")),
    };
    let verdict = match cards.judged() {
        0 if is_emulated(record) => format!("{} counted", plural(cards.rows_counted, "row")),
        0 => format!("No documented target was judged in {}", plural(cards.rows_measured, "result")),
        judged => format!("{} of {} met{}", cards.met, plural(judged, "judged target"), rest(cards)),
    };
    let absent = match cards.not_measurable {
        0 => String::new(),
        count => format!("; {count} more were not measured"),
    };
    format!("{unreal}{broke}{verdict}{absent}.")
}

/// Whether software played the machine.
pub(super) fn is_emulated(record: &RunRecord) -> bool {
    record.header.machine.emulator.is_some()
}

fn rest(cards: &Cards) -> String {
    let parts =
        [(cards.missed, "missed"), (cards.implausible, "implausible"), (cards.unresolved, "unresolved")];
    parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!(", {count} {word}")).collect()
}

pub(super) fn status(record: &RunRecord) -> String {
    record.end.as_ref().map_or_else(|| "killed".into(), |end| end.status.clone())
}

pub(super) fn grade(record: &RunRecord) -> char {
    let before = record.header.environment.grade;
    record.end.as_ref().map_or(before, |end| end.environment.grade.max(before))
}

pub(super) fn machine_line(record: &RunRecord) -> String {
    let machine = &record.header.machine;
    let place = match (&machine.emulator, &machine.hypervisor) {
        (Some(emulator), _) => format!("emulated by {emulator}"),
        (None, Some(hypervisor)) => format!("VM ({hypervisor})"),
        (None, None) => "no hypervisor".to_owned(),
    };
    let parts = [
        format!("{} ({})", machine.cpu, machine.microarchitecture),
        machine.architecture.clone(),
        place,
        plural(machine.cpus.len(), "CPU"),
        machine.kernel.clone(),
        machine.compiler.clone(),
        format!("clock {}", record.header.clock.name),
    ];
    parts.join(", ")
}

pub(super) fn reservations(record: &RunRecord) -> Vec<String> {
    let mut all = Vec::new();
    if record.is_scripted() {
        all.push("time was dictated by a script: no figure is a measurement".to_owned());
    }
    all.extend(record.header.machine.timeless().map(|why| why.detail));
    match status(record).as_str() {
        "complete" => {}
        // Without rows there is nothing that a missing end could have cost.
        "killed" if record.rows.is_empty() => {}
        status => all.push(format!("the run was {status}: what was measured before is kept")),
    }
    if record.header.cold {
        all.push(
            "every timed batch began with cold caches: no figure is comparable with a warm run's, or judged"
                .to_owned(),
        );
    }
    all.extend(no_hardware_counters(record));
    all.extend(disturbed(record));
    all.extend(interrupted_rounds(record));
    all.extend(failed_checks(record));
    all.extend(record.header.machine.disagreements.iter().cloned());
    all
}

fn no_hardware_counters(record: &RunRecord) -> Option<String> {
    let counters = || record.header.counters.iter();
    if counters().any(|counter| counter.name.contains("instructions") && counter.unavailable.is_none()) {
        return None;
    }
    let reasons = counters().filter_map(|counter| counter.unavailable.as_ref());
    let why = reasons.into_iter().find(|why| why.reason == Reason::NoPmu)?;
    Some(format!(
        "no hardware counters, so targets on cache misses and instructions cannot be checked: {}",
        why.detail
    ))
}

/// Rows whose rounds took longer than nearly all their single operations: what else ran on the CPU is in the rounds.
fn disturbed(record: &RunRecord) -> Option<String> {
    let slower_than_p99 =
        |m: &Measured| m.latency.as_ref().is_some_and(|l| m.time().value > l.p99_ns.max(FINEST_STAMP_NS));
    let rows = record.rows.iter().filter(|row| row.measured().is_some_and(slower_than_p99));
    let names: Vec<String> = rows.map(Row::key).collect();
    let sentence = || {
        format!(
            "rounds of {} took longer than 99 % of their single operations: other programs were on the CPU",
            names.join(", ")
        )
    };
    (!names.is_empty()).then(sentence)
}

/// Rows of which the kernel took so many rounds away that repeating them may not have helped.
fn interrupted_rounds(record: &RunRecord) -> Option<String> {
    let share = |m: &Measured| m.disturbed() as f64 / m.left_out().1.max(1) as f64;
    let worst = record.rows.iter().filter_map(|row| Some((share(row.measured()?), row.key())));
    let mut worst: Vec<(f64, String)> = worst.filter(|(share, _)| *share > MUCH_DISTURBED).collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (share, key) = worst.first()?;
    Some(format!(
        "other programs took the CPU away in more than {} of the rounds of {} (worst: {key}, {}): those rounds were made again",
        percent(MUCH_DISTURBED),
        plural(worst.len(), "row"),
        percent(*share)
    ))
}

/// Above this share of disturbed rounds a reader should know.
const MUCH_DISTURBED: f64 = 0.1;

/// Below this the clock's grain, and not the operation, makes a stamped percentile, ns.
const FINEST_STAMP_NS: f64 = 50.0;

/// Checks that failed before the run, and those that failed only after it.
fn failed_checks(record: &RunRecord) -> Vec<String> {
    let after = record.end.iter().flat_map(|end| &end.environment.checks);
    let all = record.header.environment.checks.iter().chain(after);
    let mut failed: Vec<&EnvironmentCheck> = Vec::new();
    for check in all.filter(|check| check.good == Some(false)) {
        if failed.iter().all(|known| known.name != check.name) {
            failed.push(check);
        }
    }
    failed.into_iter().map(check_sentence).collect()
}

fn check_sentence(check: &EnvironmentCheck) -> String {
    format!("{} is {}: {}", check.name, check.value, check.effect)
}
