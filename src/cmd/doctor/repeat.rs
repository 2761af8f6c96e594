//! `doctor --repeat`: the limits measured in several processes, and how far the results of one limit lie apart.

use crate::error::{Failure, INTERNAL};
use perfbench_harness::record::{Limit, SPREAD_WANTED, spread};
use perfbench_harness::stats::interval::median;
use perfbench_reports::words::significant;
use serde::Deserialize;
use std::fmt::Display;
use std::process::Command;

/// The part of a diagnosis that is compared.
#[derive(Deserialize)]
struct Limits {
    limits: Vec<Limit>,
}

/// The limits as so many processes measure them, one after the other.
///
/// # Errors
/// Where a process cannot be started or fails.
pub fn measured(times: u8) -> Result<Vec<Vec<Limit>>, Failure> {
    (0..times).map(|_| in_a_process()).collect()
}

fn in_a_process() -> Result<Vec<Limit>, Failure> {
    let program = std::env::current_exe().map_err(failed)?;
    let output =
        Command::new(program).args(["doctor", "--quiet", "--format", "json"]).output().map_err(failed)?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map(|read: Limits| read.limits).map_err(failed)
}

fn failed(why: impl Display) -> Failure {
    Failure::new(INTERNAL, format!("a repeat of the limits failed: {why}"))
}

/// One line a limit: the median of the runs, the widest spread of repeats within one, and the spread between the runs.
/// A `!` stands before what lies further apart than wanted.
pub fn table(runs: &[Vec<Limit>]) -> String {
    let head = format!("  {:<18}{:>16}{:>14}{:>10}\n", "limit", "median", "within a run", "between");
    let lines = runs.first().into_iter().flatten().map(|limit| line(&limit.name, &limit.unit, runs));
    [head].into_iter().chain(lines).collect()
}

fn line(name: &str, unit: &str, runs: &[Vec<Limit>]) -> String {
    let same: Vec<&Limit> = runs.iter().flatten().filter(|limit| limit.name == name).collect();
    let values: Vec<f64> = same.iter().filter_map(|limit| Some(limit.value.as_ref().ok()?.value)).collect();
    if values.len() < runs.len() {
        return format!("  {name:<18}{:>16}\n", "not every run");
    }
    let value = median(&values);
    let within = same.iter().filter_map(|limit| limit.spread()).reduce(f64::max);
    let between = spread(&values, value);
    let wide = [within, between].into_iter().flatten().any(|share| share > SPREAD_WANTED);
    let figure = format!("{} {unit}", significant(value));
    format!(
        "{} {name:<18}{figure:>16}{:>14}{:>10}\n",
        if wide { '!' } else { ' ' },
        percent(within),
        percent(between)
    )
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".into(), |share| format!("{:.1} %", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfbench_harness::stats::interval::Interval;
    use perfbench_harness::{Reason, Unavailable};

    fn limit(name: &str, value: f64, repeats: &[f64]) -> Limit {
        let (about, unit) = ("a limit".into(), "ns".into());
        let (curve, repeats, pairs) = (vec![], repeats.to_vec(), vec![]);
        Limit {
            name: name.into(),
            about,
            unit,
            value: Ok(Interval::exact(value)),
            note: None,
            curve,
            repeats,
            pairs,
        }
    }

    #[test]
    fn a_limit_that_lies_too_far_apart_within_or_between_runs_is_marked() {
        let absent = |name| {
            let why = Err(Unavailable::new(Reason::TooFewCores, "one CPU"));
            Limit { value: why, ..limit(name, 0.0, &[]) }
        };
        let run = |drift: f64| {
            let steady = limit("steady", 100.0 + drift, &[99.5, 101.0]);
            let wide_within = limit("wide_within", 10.0, &[9.0, 11.0]);
            let wide_between = limit("wide_between", 50.0 + 4.0 * drift, &[50.0, 50.5]);
            vec![steady, wide_within, wide_between, limit("found_once", 48.0, &[]), absent("absent")]
        };
        insta::assert_snapshot!(table(&[run(0.0), run(0.5), run(1.0)]));
    }
}
