//! The verdict of each row from its contest, with the suite in view. Pure; counts first, then time.

use super::sentences::{counts, direction, p_value, set, span, visible};
use super::{CountChange, Gate, Row, SCHEMA, Seen, Time, Verdict};
use crate::words;
use perfbench_harness::Reason;
use perfbench_harness::duel::file::GateRecord;
use perfbench_harness::duel::record::{Compared, Contest, CountPair, Header, Outcome, PairLaunch, Trial};
use perfbench_harness::duel::rule::Decision;
use perfbench_harness::machine::Machine;
use perfbench_harness::stats::{Interval, median, multiple::holm};

/// Counts per operation are shares of whole numbers: two that differ by less than this share are the same number.
const ROUNDING: f64 = 1e-9;

/// What all rows of a suite are judged by.
struct Bar {
    alpha: f64,
    min_effect: f64,
    tolerated: f64,
    fail_above: f64,
    /// Rows that time could have called slower.
    family: usize,
}

/// Judges the rows of a gate together: a row is called slower in time only where a repetition on fresh launches says so
/// again, beyond what any of all the rows would say by chance.
pub fn judge(header: &Header, contests: &[Contest]) -> Gate {
    let timed = contests.iter().filter(|contest| timed(contest).is_some()).count();
    let rule = &header.rule;
    let (min_effect, tolerated, fail_above) = (rule.min_effect, rule.tolerated, rule.fail_above());
    let bar = Bar { alpha: header.alpha, min_effect, tolerated, fail_above, family: timed };
    let corrected = in_suite(contests);
    let mut rows: Vec<Row> = contests.iter().zip(corrected).map(|(c, p)| judge_row(c, p, &bar)).collect();
    rows.sort_by(|a, b| {
        a.verdict.cmp(&b.verdict).then(severity(b).total_cmp(&severity(a))).then(a.key.cmp(&b.key))
    });
    Gate {
        schema: SCHEMA,
        version: header.version.clone(),
        gate: header.gate.clone(),
        started: header.started.clone(),
        command: header.command.clone(),
        base: header.base.clone(),
        candidate: header.candidate.clone(),
        min_effect: header.rule.min_effect,
        tolerated: header.rule.tolerated,
        alpha: header.alpha,
        machine: machine_line(&header.machine, &header.clock.name),
        grade: header.environment.grade,
        achieved: header.achieved.clone(),
        rows,
        missed_targets: Vec::new(),
        end: None,
        reservations: one_link(header),
    }
}

/// Judges a gate that was read back, with how it ended.
pub fn judge_record(record: &GateRecord) -> Gate {
    let mut gate = judge(&record.header, &record.contests);
    gate.end = record.end.clone();
    gate.reservations.extend(record.warnings.iter().cloned());
    gate
}

/// The comparison in time, where it may call the row slower.
fn timed(contest: &Contest) -> Option<&Compared> {
    match &contest.outcome {
        Outcome::Compared(compared) if compared.code_changed != Some(false) => Some(compared),
        _ => None,
    }
}

/// The p-value of each repetition, corrected for all rows that time could have called slower; none where there was no
/// second verdict of slower. A row without one stands in the correction as one that showed nothing.
fn in_suite(contests: &[Contest]) -> Vec<Option<f64>> {
    let raw: Vec<Option<f64>> = contests.iter().map(|contest| repeated_p(timed(contest)?)).collect();
    let family = (0..contests.len()).filter(|i| timed(&contests[*i]).is_some());
    let (indices, values): (Vec<usize>, Vec<f64>) = family.map(|i| (i, raw[i].unwrap_or(1.0))).unzip();
    let mut corrected = vec![None; contests.len()];
    for (index, p) in indices.into_iter().zip(holm(&values)) {
        corrected[index] = raw[index].map(|_| p);
    }
    corrected
}

fn repeated_p(compared: &Compared) -> Option<f64> {
    let repeated = compared.confirmation.as_ref()?;
    let both = compared.first.decision == Decision::Slower && repeated.decision == Decision::Slower;
    (both && !repeated.p_slower.is_nan()).then_some(repeated.p_slower)
}

fn judge_row(contest: &Contest, p: Option<f64>, bar: &Bar) -> Row {
    let row = Row {
        key: contest.key(),
        unit_of_work: contest.unit_of_work.clone(),
        verdict: Verdict::Unavailable,
        reason: String::new(),
        notes: Vec::new(),
        time: None,
        counts: Vec::new(),
        seconds: contest.prepare_s + contest.compare_s,
    };
    match &contest.outcome {
        Outcome::Compared(compared) => judge_compared(row, compared, p, bar),
        Outcome::Unchanged { counts, .. } => {
            let reason = "the machine code is the same on both sides: not timed";
            judge_counts(row, counts, Verdict::Unchanged, reason.into())
        }
        Outcome::Unavailable(why) if why.reason == Reason::Interrupted => {
            Row { verdict: Verdict::Unresolved, reason: visible(&why.to_string()), ..row }
        }
        Outcome::Unavailable(why) => Row { reason: visible(&why.to_string()), ..row },
        Outcome::Broke { side, message } => Row {
            verdict: Verdict::Broke,
            reason: format!("broke in the {side}: {}", visible(message)),
            ..row
        },
    }
}

fn judge_compared(row: Row, compared: &Compared, p: Option<f64>, bar: &Bar) -> Row {
    let time = time(compared, p, bar);
    let (verdict, reason) = match compared.code_changed {
        Some(false) => (Verdict::Unchanged, unchanged(&time)),
        _ => judge_time(&time, bar),
    };
    let mut row = judge_counts(row, &compared.counts, verdict, reason);
    row.seconds += compared.confirmation.as_ref().map_or(0.0, |trial| trial.elapsed_s);
    row.notes.extend(dropped(compared));
    row.time = Some(time);
    row
}

/// Counts come first: one that grew makes the row slower, whatever time says of it.
fn judge_counts(row: Row, pairs: &[CountPair], verdict: Verdict, reason: String) -> Row {
    let changes: Vec<CountChange> = pairs.iter().filter_map(changed).collect();
    let (grown, shrunk): (Vec<_>, Vec<_>) = changes.iter().cloned().partition(CountChange::grew);
    let notes = if shrunk.is_empty() { vec![] } else { vec![counts(&shrunk)] };
    let (verdict, reason) = match (grown.is_empty(), verdict) {
        (true, _) => (verdict, reason),
        (false, Verdict::Slower) => (verdict, format!("{reason}; {} a {}", counts(&grown), row.unit_of_work)),
        (false, _) => {
            (Verdict::Slower, format!("{} a {}; in time: {reason}", counts(&grown), row.unit_of_work))
        }
    };
    Row { verdict, reason, notes, counts: changes, ..row }
}

fn changed(pair: &CountPair) -> Option<CountChange> {
    let scale = pair.base.abs().max(pair.candidate.abs());
    ((pair.candidate - pair.base).abs() > ROUNDING * scale).then(|| CountChange {
        name: pair.name.clone(),
        base: pair.base,
        candidate: pair.candidate,
    })
}

fn time(compared: &Compared, p_in_suite: Option<f64>, bar: &Bar) -> Time {
    let shown = compared.confirmation.as_ref().unwrap_or(&compared.first);
    Time {
        base_ns: launch_median(&shown.launches, |launch| &launch.base_ns),
        candidate_ns: launch_median(&shown.launches, |launch| &launch.candidate_ns),
        ratio: shown.ratio,
        would_see: bar.would_see(&shown.ratio),
        first: seen(&compared.first),
        repeated: compared.confirmation.as_ref().map(seen),
        p_in_suite,
    }
}

fn seen(trial: &Trial) -> Seen {
    Seen {
        decision: trial.decision,
        ratio: trial.ratio,
        launches: trial.launches.len(),
        p_slower: trial.p_slower,
    }
}

fn launch_median(launches: &[PairLaunch], side: fn(&PairLaunch) -> &Vec<f64>) -> f64 {
    let medians: Vec<f64> =
        launches.iter().map(side).filter(|ns| !ns.is_empty()).map(|ns| median(ns)).collect();
    median(&medians)
}

fn judge_time(time: &Time, bar: &Bar) -> (Verdict, String) {
    let judged = match time.first.decision {
        Decision::Slower => judge_slower(time, bar),
        Decision::Faster => Ok((Verdict::Faster, direction(&time.ratio))),
        Decision::Same => Ok((Verdict::Same, same(time, bar))),
        Decision::Unresolved => Err(undecided(time, bar)),
    };
    judged.unwrap_or_else(|why| (Verdict::Unresolved, why))
}

/// Why the first comparison could not decide: launches too far apart, or a change between what is tolerated and what is
/// looked for.
fn undecided(time: &Time, bar: &Bar) -> String {
    let seen = span(&time.ratio);
    if time.would_see > bar.min_effect {
        let would_see = words::percent(time.would_see);
        return format!("the launches differ too much to say: {seen}; would have seen {would_see}");
    }
    format!("{seen}: neither a slowdown of {} nor its absence is shown", set(bar.min_effect))
}

impl Bar {
    /// The smallest slowdown that an interval as wide as this one could have been called.
    fn would_see(&self, ratio: &Interval) -> f64 {
        let half_width = ratio.value / ratio.low;
        self.fail_above.max((1.0 + self.tolerated) * half_width - 1.0)
    }
}

/// Slower where the repetition says so again; else why it is unresolved.
fn judge_slower(time: &Time, bar: &Bar) -> Result<(Verdict, String), String> {
    let first = direction(&time.first.ratio);
    let Some(repeated) = &time.repeated else {
        return Err(format!("slower at first, {first}, and not repeated"));
    };
    let Some(p) = time.p_in_suite else {
        let again = span(&repeated.ratio);
        return Err(format!("slower at first, not when repeated: {first}, then {again}"));
    };
    let again = direction(&repeated.ratio);
    let odds = format!("p {} over {}", p_value(p), words::plural(bar.family, "row"));
    match p <= bar.alpha {
        true => Ok((Verdict::Slower, format!("{again} when repeated, {odds}; at first {first}"))),
        false => Err(format!("slower twice, but not beyond chance in this many rows: {again}, {odds}")),
    }
}

/// "Same" excludes a slowdown; that a gain is excluded too is said only where the interval shows it.
fn same(time: &Time, bar: &Bar) -> String {
    let effect = set(bar.min_effect);
    let within = time.ratio.low >= 1.0 / (1.0 + bar.min_effect) && time.ratio.high <= 1.0 + bar.min_effect;
    match within {
        true => format!("same within {effect}: {}", span(&time.ratio)),
        false => format!("a slowdown of {effect} is excluded: {}", span(&time.ratio)),
    }
}

fn unchanged(time: &Time) -> String {
    format!("the machine code is the same on both sides; {} is the machine's doing", span(&time.ratio))
}

fn dropped(compared: &Compared) -> Option<String> {
    let launches =
        || compared.first.launches.iter().chain(compared.confirmation.iter().flat_map(|t| &t.launches));
    let left_out: usize = launches().map(|launch| launch.dropped as usize).sum();
    let kept: usize = launches().map(|launch| launch.base_ns.len()).sum();
    (left_out > 0).then(|| {
        format!(
            "{left_out} of {} left out: the cores changed places",
            words::plural(left_out + kept, "block")
        )
    })
}

/// How bad a row is among those of its verdict: the larger of its ratio in time and of any count's growth.
fn severity(row: &Row) -> f64 {
    let time = row.time.as_ref().map_or(0.0, |time| match row.verdict {
        Verdict::Faster => time.ratio.value.recip(),
        _ => time.ratio.value,
    });
    // A verdict that time gave at first and took back stands before those that it never gave.
    let alarmed = row.time.as_ref().is_some_and(|time| time.first.decision == Decision::Slower);
    let lead = if row.verdict == Verdict::Unresolved && alarmed { 1e3 } else { 0.0 };
    let grown = row.counts.iter().filter(|count| count.grew()).map(|count| count.candidate / count.base);
    lead + grown.fold(time, f64::max)
}

fn machine_line(machine: &Machine, clock: &str) -> String {
    let hypervisor = machine.hypervisor.as_ref().map_or(String::new(), |name| format!(", VM ({name})"));
    let cpus = words::plural(machine.cpus_online, "CPU");
    format!("{}, {}{hypervisor}, {cpus}, clock {clock}", machine.cpu, machine.architecture)
}

/// Why a side has one link only, and what that costs.
fn one_link(header: &Header) -> Vec<String> {
    let told = [&header.base, &header.candidate].into_iter().filter_map(|side| {
        let note = side.note.as_ref()?;
        Some(format!("{} has one link: {note}", side.name))
    });
    let mut told: Vec<String> = told.collect();
    if !told.is_empty() {
        let tolerated = set(header.rule.tolerated);
        told.push(format!(
            "linking the same code again moves time by up to {tolerated}: so much is not held against the candidate"
        ));
    }
    told
}

#[cfg(test)]
mod tests;
