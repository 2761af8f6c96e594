//! A gate's contests judged and shown: a verdict a row, the suite's exit code, and the outputs for people and CI. Reads
//! the gate's record only; measures nothing.

#[cfg(test)]
pub(crate) mod fixture;
pub mod json;
mod judge;
pub mod junit;
pub mod markdown;
pub mod policy;
pub mod selftest;
mod sentences;
pub mod text;

pub use json::render as json;
pub use judge::{judge, judge_record};
pub use junit::render as junit;
pub use markdown::render as markdown;
pub use policy::{FailOn, Policy, exit_code};
pub use selftest::{SelfTest, SelfTestRow, selftest_json, selftest_markdown, selftest_text};
pub use text::render as text;

use perfbench_harness::duel::record::{Achieved, End, SideFacts};
use perfbench_harness::duel::rule::Decision;
use perfbench_harness::stats::Interval;
use serde::Serialize;

/// Version of the judgement as JSON.
pub const SCHEMA: &str = "perfbench.judgement/1";

/// A gate as it was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gate {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// Version of perfbench that measured.
    pub version: String,
    /// Id of the gate.
    pub gate: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// The command line.
    pub command: Vec<String>,
    /// What was compared with.
    pub base: SideFacts,
    /// What was compared.
    pub candidate: SideFacts,
    /// The slowdown that is looked for, as a share.
    pub min_effect: f64,
    /// What is not held against the candidate, as a share.
    pub tolerated: f64,
    /// Chance of any false alarm in the whole suite that is allowed for.
    pub alpha: f64,
    /// CPU, architecture, hypervisor and clock, in one line.
    pub machine: String,
    /// Grade of the environment, A to D.
    pub grade: char,
    /// What `selftest` found the gate to reach on this machine; none where it was not run.
    pub achieved: Option<Achieved>,
    /// The rows, worst first.
    pub rows: Vec<Row>,
    /// Documented targets that the candidate misses, by id, where they were judged.
    pub missed_targets: Vec<String>,
    /// How it ended; none where that is not known.
    pub end: Option<End>,
    /// What a reader must know beside the verdicts.
    pub reservations: Vec<String>,
}

/// One row of both sides, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `workload/point/variant`.
    pub key: String,
    /// What one operation is called.
    pub unit_of_work: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// What must be known beside the verdict: counts that shrank, blocks that were left out.
    pub notes: Vec<String>,
    /// The comparison in time; none where there was none.
    pub time: Option<Time>,
    /// Exact counts that differ.
    pub counts: Vec<CountChange>,
    /// Wall time that the row took, its repetition included, seconds.
    pub seconds: f64,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A failed check, a panic, a signal.
    Broke,
    /// Confirmed by a repetition, or shown by an exact count.
    Slower,
    /// Neither a slowdown nor its absence is shown.
    Unresolved,
    /// Faster by more than the rule tolerates.
    Faster,
    /// A slowdown of the size that is looked for is excluded.
    Same,
    /// The machine code is the same: whatever time says is the machine's.
    Unchanged,
    /// It cannot be had here, or stands on one side only.
    Unavailable,
}

/// The comparison of a row in time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Time {
    /// Median of the base's launches, ns per operation.
    pub base_ns: f64,
    /// Median of the candidate's launches, ns per operation.
    pub candidate_ns: f64,
    /// Candidate's time over the base's with its 95 % interval: of the repetition where there is one, because the first
    /// was picked for being large.
    pub ratio: Interval,
    /// The smallest relative change that this interval could have told from none.
    pub would_see: f64,
    /// The first comparison.
    pub first: Seen,
    /// The repetition on fresh launches.
    pub repeated: Option<Seen>,
    /// The repetition's p-value corrected for all rows of the suite (Holm 1979).
    pub p_in_suite: Option<f64>,
}

/// What one sequential comparison came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// What its last look decided.
    pub decision: Decision,
    /// Candidate's time over the base's.
    pub ratio: Interval,
    /// Pairs of fresh processes.
    pub launches: usize,
    /// One-sided p-value of the candidate not being slower than is tolerated.
    pub p_slower: f64,
}

/// An exact count per operation that changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CountChange {
    /// Name, units last.
    pub name: String,
    /// In the base.
    pub base: f64,
    /// In the candidate.
    pub candidate: f64,
}

impl Verdict {
    /// Every verdict, worst first.
    pub const ALL: [Verdict; 7] = [
        Verdict::Broke,
        Verdict::Slower,
        Verdict::Unresolved,
        Verdict::Faster,
        Verdict::Same,
        Verdict::Unchanged,
        Verdict::Unavailable,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Broke => "broke",
            Verdict::Slower => "slower",
            Verdict::Unresolved => "unresolved",
            Verdict::Faster => "faster",
            Verdict::Same => "same",
            Verdict::Unchanged => "unchanged code",
            Verdict::Unavailable => "not compared",
        }
    }
}

impl Gate {
    /// The rows of a verdict, worst first.
    pub fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.verdict == verdict)
    }

    /// How many rows have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.of(verdict).count()
    }

    /// Rows of which both sides were there.
    pub fn compared(&self) -> usize {
        self.rows.len() - self.count(Verdict::Unavailable)
    }
}

impl CountChange {
    /// Whether the candidate needs more.
    pub fn grew(&self) -> bool {
        self.candidate > self.base
    }
}
