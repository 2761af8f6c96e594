//! perfbench's `gate` on a copy of its own executable or on another base; the record that it leaves is read by perfbench's own reader.

use super::{Places, output};
use crate::log::{Call, Judged};
use crate::work::Work;
use perfbench_harness::duel::file;
use perfbench_harness::duel::record::{Compared, Contest, Outcome};
use perfbench_harness::duel::rule::Decision;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Environment variable that makes the gate's candidate spin after each batch, as long as for so many steps an operation.
const INJECT: &str = "PERFBENCH_INJECT";

pub(super) fn judge(work: &Work, spins: u64, places: &Places) -> Result<Judged, String> {
    let base = match &places.perfbench_base {
        Some(base) => base.into(),
        None => places.copy(&places.perfbench, "perfbench-base")?,
    };
    let gates = places.store.join("gates");
    if gates.exists() {
        std::fs::remove_dir_all(&gates).map_err(|error| format!("{}: {error}", gates.display()))?;
    }
    let mut gate = Command::new(&places.perfbench);
    gate.args(["gate", work.row, "--exact", "--progress", "none", "--base"]).arg(base);
    gate.arg("--store").arg(&places.store).env(INJECT, spins.to_string());
    // Another seed for every verdict: other paddings, places, orders and links.
    gate.args(["--seed", &fresh_seed().to_string()]);
    // Slower, unresolved, and an environment that it does not trust are verdicts too.
    output(&mut gate, &[0, 10, 20, 21])?;
    read(&only_file(&gates)?)
}

/// A number that no other verdict had; the gate's record holds it.
fn fresh_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(1, |since| since.as_nanos() as u64 & 0xffff_ffff)
}

/// The one record of a store that held none before.
fn only_file(folder: &Path) -> Result<PathBuf, String> {
    let mut entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    match (entries.next(), entries.next()) {
        (Some(Ok(entry)), None) => Ok(entry.path()),
        other => Err(format!("{} holds not one record: {other:?}", folder.display())),
    }
}

/// Reads the only row.
fn read(record: &Path) -> Result<Judged, String> {
    let gate = file::read(record).map_err(|error| error.to_string())?;
    match gate.contests.as_slice() {
        [Contest { outcome: Outcome::Compared(compared), prepare_s, compare_s, .. }] => {
            Ok(judged(compared, prepare_s + compare_s))
        }
        other => Err(format!("perfbench did not compare one row in time: {other:?}")),
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
