//! Two records paired row by row: ratios with intervals, and what cannot be compared with its reason. Pure; exit codes
//! are the command line's affair.

mod counts;

use counts::{count_changes, incomparable};
use perfbench_harness::record::{Header, Measured, Outcome, Row, RunRecord, log_speedups, speedup};
use perfbench_harness::stats::{Interval, equivalence, interval, multiple, power};
use serde::Serialize;
use std::fmt;

/// What a comparison may do and how small a change counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// A change whose whole interval lies within this share is "same".
    pub same_within: f64,
    /// Whether records of different CPUs may be compared.
    pub across_machines: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { same_within: 0.03, across_machines: false }
    }
}

/// Two runs side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The run compared with.
    pub base: Side,
    /// The run that is compared.
    pub candidate: Side,
    /// The share below which a change is "same".
    pub same_within: f64,
    /// Rows measured in both, in the candidate's order.
    pub rows: Vec<Compared>,
    /// Rows that cannot be compared: key and why.
    pub incomparable: Vec<(String, String)>,
    /// What a reader must know beside the figures.
    pub reservations: Vec<String>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Id of the run.
    pub run: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// CPU model.
    pub cpu: String,
}

/// One row in both runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// `workload/point/variant`.
    pub key: String,
    /// Time in the base, ns per operation.
    pub base_ns: Interval,
    /// Time in the candidate, ns per operation.
    pub candidate_ns: Interval,
    /// Times faster than the base: the median of the log ratios of launches of like number, with its interval.
    pub speedup: Interval,
    /// The direction.
    pub change: Change,
    /// Chance of launches so different if the row did not change, adjusted for all rows compared (Holm).
    pub p_adjusted: f64,
    /// The change that so many launches of this spread would see in four cases of five, as a share; none where one launch
    /// cannot tell.
    pub would_see: Option<f64>,
    /// Counts that are not what they were; exact, so each is a change.
    pub counts: Vec<CountChange>,
}

/// Which way a row went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Slower, and by more than what counts as same.
    Slower,
    /// Faster, and by more than what counts as same.
    Faster,
    /// The whole interval lies within what counts as same.
    Same,
    /// The interval allows more than one of these.
    Unresolved,
}

impl Change {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Change::Slower => "slower",
            Change::Faster => "faster",
            Change::Same => "same",
            Change::Unresolved => "unresolved",
        }
    }
}

/// A count per operation that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CountChange {
    /// Name of the count.
    pub name: String,
    /// In the base.
    pub base: f64,
    /// In the candidate.
    pub candidate: f64,
}

/// Why two records are not compared at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// A script dictated the time of one and not of the other.
    Scripted,
    /// One of them, or both, were made on an emulated machine.
    Emulated,
    /// One was measured with cold caches and the other with warm ones.
    Cold,
    /// They come from different CPUs: base, candidate.
    OtherMachine(String, String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Scripted => f.write_str(
                "one run was timed by a script and the other by a clock: their times have nothing in common",
            ),
            Refused::Emulated => f.write_str(
                "an emulated machine has counts and no times: only runs of real machines are compared",
            ),
            Refused::Cold => f.write_str(
                "one run was measured with cold caches and the other with warm ones: run both with --cold or both without",
            ),
            Refused::OtherMachine(base, candidate) => write!(
                f,
                "the runs come from different CPUs ({base}; {candidate}): ask for a comparison across machines if you mean it"
            ),
        }
    }
}

impl std::error::Error for Refused {}

/// Compares a candidate with a base.
///
/// # Errors
/// [`Refused`] where the comparison would mean nothing.
pub fn compare(base: &RunRecord, candidate: &RunRecord, policy: &Policy) -> Result<Comparison, Refused> {
    admit(base, candidate, policy)?;
    let mut comparison = Comparison {
        base: side(&base.header),
        candidate: side(&candidate.header),
        same_within: policy.same_within,
        rows: Vec::new(),
        incomparable: Vec::new(),
        reservations: reservations(base, candidate),
    };
    for row in &candidate.rows {
        let paired = pair(base, row).and_then(|(old, new)| same_work(base, candidate, old, new));
        match paired.and_then(|(old, new)| compare_row(row.key(), old, new, policy, candidate.rows.len())) {
            Ok(compared) => comparison.rows.push(compared),
            Err(why) => comparison.incomparable.push((row.key(), why)),
        }
    }
    let gone = base.rows.iter().filter(|row| candidate.row(&row.key()).is_none());
    comparison.incomparable.extend(gone.map(|row| (row.key(), "only in the base".to_owned())));
    correct_for_many(&mut comparison.rows);
    Ok(comparison)
}

/// The chance that a comparison of any number of unchanged rows calls one of them slower or faster.
const FALSE_ALARMS: f64 = 0.05;

/// Takes back directions that so many rows show by chance.
fn correct_for_many(rows: &mut [Compared]) {
    let adjusted = multiple::holm(&rows.iter().map(|row| row.p_adjusted).collect::<Vec<_>>());
    for (row, p) in rows.iter_mut().zip(adjusted) {
        row.p_adjusted = p;
        if p > FALSE_ALARMS && row.change != Change::Same {
            row.change = Change::Unresolved;
        }
    }
}

fn admit(base: &RunRecord, candidate: &RunRecord, policy: &Policy) -> Result<(), Refused> {
    if base.is_scripted() != candidate.is_scripted() {
        return Err(Refused::Scripted);
    }
    if [base, candidate].iter().any(|record| record.header.machine.emulator.is_some()) {
        return Err(Refused::Emulated);
    }
    if base.header.cold != candidate.header.cold {
        return Err(Refused::Cold);
    }
    let (old, new) = (&base.header.machine, &candidate.header.machine);
    let same = old.cpu == new.cpu && old.architecture == new.architecture;
    if same || policy.across_machines {
        Ok(())
    } else {
        Err(Refused::OtherMachine(old.cpu.clone(), new.cpu.clone()))
    }
}

fn side(header: &Header) -> Side {
    Side { run: header.run.clone(), started: header.started.clone(), cpu: header.machine.cpu.clone() }
}

fn pair<'a>(base: &'a RunRecord, row: &'a Row) -> Result<(&'a Measured, &'a Measured), String> {
    let old = base.row(&row.key()).ok_or("only in the candidate")?;
    Ok((measured(old, "base")?, measured(row, "candidate")?))
}

/// Where the runs were given other inputs or seeds, a row whose results differ did other work.
fn same_work<'a>(
    base: &RunRecord,
    candidate: &RunRecord,
    old: &'a Measured,
    new: &'a Measured,
) -> Result<(&'a Measured, &'a Measured), String> {
    let (a, b) = (&base.header, &candidate.header);
    if (&a.inputs, a.seed) != (&b.inputs, b.seed) && old.checksum != new.checksum {
        return Err("the runs were given different inputs or seeds, and this row worked on them".into());
    }
    Ok((old, new))
}

fn measured<'a>(row: &'a Row, side: &str) -> Result<&'a Measured, String> {
    match &row.outcome {
        Outcome::Measured(measured) => Ok(measured),
        Outcome::Counted(counted) => Err(format!("not timed in the {side}, {}", counted.untimed)),
        Outcome::Unavailable(why) => Err(format!("not measured in the {side}, {why}")),
        Outcome::Broke { message } => Err(format!("broke in the {side}: {message}")),
    }
}

fn compare_row(
    key: String,
    old: &Measured,
    new: &Measured,
    policy: &Policy,
    rows: usize,
) -> Result<Compared, String> {
    let speedup = speedup(new, old);
    if speedup.value.is_nan() {
        return Err("no launch in common with the two cores in the same place".into());
    }
    let logs = log_speedups(new, old);
    let shown = equivalence::same_within(&logs, policy.same_within.ln_1p(), 0.05);
    let change = change(&speedup, policy.same_within);
    let alpha = FALSE_ALARMS / 2.0 / rows as f64;
    let smallest = power::smallest_change(logs.len(), interval::mean_and_sd(&logs).1, alpha, 0.8);
    Ok(Compared {
        key,
        base_ns: old.time(),
        candidate_ns: new.time(),
        speedup,
        change: if change == Change::Same && shown.p > 0.05 { Change::Unresolved } else { change },
        p_adjusted: equivalence::differs(&logs),
        would_see: smallest.is_finite().then(|| smallest.exp_m1().max(policy.same_within)),
        counts: count_changes(&old.counts, &new.counts),
    })
}

/// The direction of a speed-up: equivalence first, so that a resolved but harmless change is "same".
pub fn change(speedup: &Interval, same_within: f64) -> Change {
    let (low, high) = (1.0 / (1.0 + same_within), 1.0 + same_within);
    if low <= speedup.low && speedup.high <= high {
        Change::Same
    } else if speedup.high < 1.0 && speedup.value < low {
        Change::Slower
    } else if speedup.low > 1.0 && speedup.value > high {
        Change::Faster
    } else {
        Change::Unresolved
    }
}

fn reservations(base: &RunRecord, candidate: &RunRecord) -> Vec<String> {
    let (old, new) = (&base.header, &candidate.header);
    let mut all = vec![
        "the runs were made one after the other: what drifted on the machine in between is not in the intervals"
            .to_owned(),
    ];
    let mut differs = |what: &str, a: &str, b: &str| {
        if a != b {
            all.push(format!("{what} differs: {a} in the base, {b} in the candidate"));
        }
    };
    differs("the CPU", &old.machine.cpu, &new.machine.cpu);
    differs("the clock", &old.clock.name, &new.clock.name);
    differs("the kernel", &old.machine.kernel, &new.machine.kernel);
    differs("the compiler", &old.machine.compiler, &new.machine.compiler);
    differs("the seed of the input", &old.seed.to_string(), &new.seed.to_string());
    all.extend(moved_limits(base, candidate));
    all.extend(incomparable(base, candidate));
    all
}

/// Machine limits whose intervals do not touch: the machine itself was not what it was.
fn moved_limits(base: &RunRecord, candidate: &RunRecord) -> Vec<String> {
    let moved = |limit: &perfbench_harness::record::Limit| {
        let (old, new) = (base.limit(&limit.name)?, limit.value.clone().ok()?);
        (old.high < new.low || new.high < old.low).then(|| {
            let value = |interval: &Interval| crate::words::measured(interval, &limit.unit);
            format!("the machine's {} went from {} to {}", limit.name, value(&old), value(&new))
        })
    };
    candidate.limits.iter().filter_map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn interval(low: f64, high: f64) -> Interval {
        Interval { value: (low * high).sqrt(), low, high }
    }

    #[test]
    fn a_change_is_same_within_the_margin_a_direction_beyond_it_and_else_unresolved() {
        let expected = [
            (interval(0.99, 1.01), Change::Same),
            (interval(1.005, 1.02), Change::Same),
            (interval(0.85, 0.91), Change::Slower),
            (interval(1.01, 1.10), Change::Faster),
            (interval(0.90, 1.02), Change::Unresolved),
            (interval(0.0, f64::INFINITY), Change::Unresolved),
        ];
        for (speedup, change_expected) in expected {
            assert_eq!(change(&speedup, 0.03), change_expected, "{speedup:?}");
        }
    }

    #[test]
    fn a_record_compared_with_itself_is_the_same_in_every_row() {
        let record = fixture::record();
        let comparison = compare(&record, &record, &Policy::default()).unwrap();
        assert!(comparison.rows.iter().all(|row| row.change == Change::Same && row.counts.is_empty()));
        assert_eq!(comparison.rows.len() + comparison.incomparable.len(), record.rows.len());
    }

    #[test]
    fn the_slowed_row_is_slower_and_the_others_are_not() {
        let comparison = compare(&fixture::record(), &fixture::later(), &Policy::default()).unwrap();
        let slower: Vec<&str> =
            comparison.rows.iter().filter(|r| r.change == Change::Slower).map(|r| r.key.as_str()).collect();
        assert_eq!(slower, ["ring_spsc/hop/sequenced"]);
        assert!(comparison.rows.iter().all(|row| row.change != Change::Faster));
    }

    #[test]
    fn a_difference_that_one_row_in_many_shows_by_chance_is_unresolved() {
        let mut rows = compare(&fixture::record(), &fixture::later(), &Policy::default()).unwrap().rows;
        let slower = rows.iter().position(|row| row.change == Change::Slower).unwrap();
        assert!(rows[slower].p_adjusted < 0.001 && rows[slower].would_see.unwrap() < 0.05);
        rows[slower].p_adjusted = 0.02;
        correct_for_many(&mut rows);
        assert_eq!(rows[slower].change, Change::Unresolved);
        assert!(rows[slower].p_adjusted > 0.05);
    }

    #[test]
    fn a_row_that_only_one_side_has_is_named_with_its_side() {
        let (record, later) = (fixture::record(), fixture::later());
        let gone = compare(&record, &later, &Policy::default()).unwrap();
        assert!(gone.incomparable.contains(&("aead/seal_4k/portable".into(), "only in the base".into())));
        let new = compare(&later, &record, &Policy::default()).unwrap();
        assert!(new.incomparable.contains(&("aead/seal_4k/portable".into(), "only in the candidate".into())));
    }

    #[test]
    fn cold_and_warm_runs_are_never_compared() {
        let record = fixture::record();
        let mut cold = record.clone();
        cold.header.cold = true;
        assert_eq!(compare(&record, &cold, &Policy::default()).unwrap_err(), Refused::Cold);
        assert!(compare(&cold, &cold, &Policy::default()).is_ok());
    }

    #[test]
    fn a_script_is_never_compared_with_a_clock_nor_one_cpu_with_another_unless_asked() {
        let record = fixture::record();
        let mut scripted = record.clone();
        scripted.header.clock.name = "scripted".into();
        assert_eq!(compare(&record, &scripted, &Policy::default()), Err(Refused::Scripted));
        let mut other = record.clone();
        other.header.machine.cpu = "Another CPU".into();
        assert!(matches!(compare(&record, &other, &Policy::default()), Err(Refused::OtherMachine(..))));
        let asked = Policy { across_machines: true, ..Policy::default() };
        assert!(compare(&record, &other, &asked).unwrap().reservations[1].contains("Another CPU"));
    }
}
