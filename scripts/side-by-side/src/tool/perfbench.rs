//! perfbench's `gate` on a copy of its own executable; its record is read by perfbench's own types.

use super::{Places, output};
use crate::log::{Call, Judged};
use crate::work::Work;
use perfbench_harness::duel::record::{Compared, Contest, Line, Outcome};
use perfbench_harness::duel::rule::Decision;
use std::process::Command;

/// Environment variable that makes the gate's candidate spin after each batch.
const INJECT: &str = "PERFBENCH_INJECT";

pub(super) fn judge(work: &Work, spins: u64, places: &Places) -> Result<Judged, String> {
    let base = places.scratch.join("perfbench-base");
    if !base.exists() {
        std::fs::copy(&places.perfbench, &base).map_err(|error| format!("{}: {error}", base.display()))?;
    }
    let mut gate = Command::new(&places.perfbench);
    gate.args(["gate", work.row, "--format", "json", "--progress", "none", "--base"]).arg(base);
    gate.arg("--store").arg(places.scratch.join("store"));
    // Slower, unresolved, and an environment that it does not trust are verdicts too.
    read(&output(gate.env(INJECT, spins.to_string()), &[0, 10, 20, 21])?)
}

/// Reads the line of the only row.
fn read(text: &str) -> Result<Judged, String> {
    let contest = text.lines().find_map(|line| match serde_json::from_str(line) {
        Ok(Line::Contest(contest)) => Some(contest),
        _ => None,
    });
    let Contest { outcome, prepare_s, compare_s, .. } =
        *contest.ok_or_else(|| format!("perfbench said: {text}"))?;
    match outcome {
        Outcome::Compared(compared) => Ok(judged(&compared, prepare_s + compare_s)),
        other => Err(format!("perfbench compared nothing in time: {other:?}")),
    }
}

/// The first verdict, and whether the repetition says the same.
fn judged(compared: &Compared, comparing_s: f64) -> Judged {
    let first = &compared.first;
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    Judged {
        call: call(first.decision),
        change_percent: percent(first.ratio.value),
        interval_percent: Some([first.ratio.low, first.ratio.high].map(percent)),
        confirmed: compared.confirmation.as_ref().map(|trial| trial.decision == Decision::Slower),
        comparing_s: Some(comparing_s),
    }
}

fn call(decision: Decision) -> Call {
    match decision {
        Decision::Slower => Call::Slower,
        Decision::Faster => Call::Faster,
        Decision::Same => Call::Silent,
        Decision::Unresolved => Call::Unresolved,
    }
}
