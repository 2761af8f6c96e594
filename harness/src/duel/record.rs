//! What a gate and a self-test leave on disk: versioned NDJSON like a run's record, a line a comparison. Raw blocks are
//! kept with their launch; every verdict can be derived from them again.

use super::rule::{Decision, Look, Rule};
use crate::clock::ClockFacts;
use crate::machine::{Environment, Machine};
use crate::record::Provenance;
use crate::stats::Interval;
use crate::unavailable::Unavailable;
use serde::{Deserialize, Serialize};

/// Version of the gate record that this build writes.
pub const SCHEMA: &str = "perfbench.gate/1";

/// One line of a gate's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// First line.
    Gate(Box<Header>),
    /// One row of both sides.
    Contest(Box<Contest>),
    /// Last line; absent where the gate was killed.
    End(End),
}

/// Everything known before the first comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `perfbench.gate/1`.
    pub schema: String,
    /// Version of perfbench that wrote it.
    pub version: String,
    /// Id of the gate.
    pub gate: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// The command line.
    pub command: Vec<String>,
    /// What is compared with.
    pub base: SideFacts,
    /// What is compared.
    pub candidate: SideFacts,
    /// How time is decided on.
    pub rule: Rule,
    /// Chance of any false alarm in the whole suite that is allowed for.
    pub alpha: f64,
    /// Seed of orders and resampling.
    pub seed: u64,
    /// The clock.
    pub clock: ClockFacts,
    /// The machine.
    pub machine: Machine,
    /// State of its knobs.
    pub environment: Environment,
    /// What `selftest` found this gate to reach on this machine; none where it was not run.
    pub achieved: Option<Achieved>,
}

/// One of the two builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideFacts {
    /// What the user would call it: `main (1a2b3c4)`, `working tree`, a file name.
    pub name: String,
    /// Executables linked from the same objects in different section orders; launches take them in turn.
    pub links: usize,
    /// Why there is one link only, where there is.
    pub note: Option<String>,
}

/// One row of both sides and what came of comparing it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contest {
    /// Workload name.
    pub workload: String,
    /// Point name.
    pub point: String,
    /// Variant name.
    pub variant: String,
    /// What one operation is called.
    pub unit_of_work: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Wall time of preparing both sides (their checks and counts), seconds.
    pub prepare_s: f64,
    /// Wall time of comparing them, confirmation left out, seconds.
    pub compare_s: f64,
}

/// What came of one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Both sides were counted and timed.
    Compared(Compared),
    /// The machine code of both sides is the same: timing could only tell noise. Counts were compared.
    Unchanged {
        /// Fingerprint of the normalised machine code, hexadecimal.
        code: String,
        /// Exact counts of both sides.
        counts: Vec<CountPair>,
    },
    /// It cannot be had here, or stands on one side only.
    Unavailable(Unavailable),
    /// A failed check, a panic, a signal.
    Broke {
        /// Which side: `base` or `candidate`.
        side: String,
        /// What happened.
        message: String,
    },
}

/// Both sides of one row, counted and timed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Whether the measured machine code differs; none where it could not be told.
    pub code_changed: Option<bool>,
    /// Operations in one sample.
    pub ops_per_sample: u64,
    /// Exact counts of both sides.
    pub counts: Vec<CountPair>,
    /// The comparison in time.
    pub first: Trial,
    /// The repetition on fresh launches, where the first said slower.
    pub confirmation: Option<Trial>,
}

/// An exact count per operation on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountPair {
    /// Name, units last: `allocations`, `allocated_bytes`.
    pub name: String,
    /// In the base.
    pub base: f64,
    /// In the candidate.
    pub candidate: f64,
    /// Where both come from.
    pub provenance: Provenance,
}

/// One sequential comparison in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Pairs of fresh processes, in order.
    pub launches: Vec<PairLaunch>,
    /// What was seen at each look.
    pub looks: Vec<Look>,
    /// What the last look decided.
    pub decision: Decision,
    /// Candidate's time over the base's: the estimate with its 95 % interval over launches.
    pub ratio: Interval,
    /// One-sided p-value, over launches, of the candidate not being slower than the rule tolerates.
    pub p_slower: f64,
    /// Wall time, seconds.
    pub elapsed_s: f64,
}

/// A base process and a candidate process that alternated on the same CPUs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairLaunch {
    /// Which link of the base ran.
    pub link: u32,
    /// Which link of the candidate ran.
    #[serde(default)]
    pub candidate_link: u32,
    /// One value a block: the base's time, ns per operation.
    pub base_ns: Vec<f64>,
    /// One value a block: the candidate's time, ns per operation.
    pub candidate_ns: Vec<f64>,
    /// Blocks left out because the two cores changed places within them.
    #[serde(default)]
    pub dropped: u32,
}

/// How the gate ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// End, RFC 3339 in UTC.
    pub finished: String,
    /// `complete` or `interrupted`.
    pub status: String,
    /// Wall time, seconds, builds included.
    pub elapsed_s: f64,
    /// Of which building and linking, seconds.
    pub build_s: f64,
}

/// What the gate reaches on a machine, found by `selftest` there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Achieved {
    /// When it was measured, RFC 3339 in UTC.
    pub measured: String,
    /// CPU model it was measured on.
    pub cpu: String,
    /// Whether the sides were other links of the same code.
    pub relinked: bool,
    /// Identical code called slower, of all such comparisons.
    pub false_alarms: Share,
    /// Identical code called slower twice, the second time by the confirmation.
    pub confirmed_false_alarms: Share,
    /// Power by size of the injected slowdown.
    pub power: Vec<Power>,
    /// Intervals that held the truth.
    pub coverage: Share,
    /// Mean time of a comparison of identical code, seconds.
    pub unchanged_s: f64,
}

/// How often something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Times it did.
    pub hits: u64,
    /// Of so many.
    pub of: u64,
}

/// How often an injected slowdown was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// Size of the slowdown, percent, as found by a long paired trace.
    pub percent: f64,
    /// Called slower at the first verdict.
    pub found: Share,
    /// Mean time to the verdict, seconds.
    pub mean_s: f64,
}

impl Contest {
    /// `workload/point/variant`.
    pub fn key(&self) -> String {
        crate::workload::key(&self.workload, &self.point, &self.variant)
    }
}

impl Share {
    /// Hits over tries; NaN where nothing was tried.
    pub fn rate(self) -> f64 {
        self.hits as f64 / self.of as f64
    }
}
