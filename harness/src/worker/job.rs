//! What goes to a fresh process and what comes back: orders and replies, one JSON line each.

use super::Stamped;
use crate::case::{Bounce, Fact};
use crate::clock::{ClockChoice, ClockFacts};
use crate::counter::Selection;
use crate::profile;
use crate::record::{Count, Profile};
use crate::unavailable::Unavailable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One order to one process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Workload name.
    pub workload: String,
    /// Point name.
    pub point: String,
    /// Variants to take, in table order.
    pub variants: Vec<String>,
    /// What to do with them.
    pub task: Task,
    /// CPUs to pin to; the first is the measuring thread's.
    pub cpus: Vec<usize>,
    /// Seed of generated input and of the order of rounds.
    pub seed: u64,
    /// Files by input name.
    pub inputs: BTreeMap<String, PathBuf>,
    /// What is counted beside time.
    pub counters: Selection,
    /// The clock that was asked for.
    pub clock: ClockChoice,
    /// Its calibration, made once by the parent.
    pub calibration: ClockFacts,
    /// Bytes to walk through before each timed batch, so that it starts with cold caches; none measures warm.
    pub evict_bytes: Option<usize>,
    /// Operations to count over; none takes as many as a few milliseconds hold.
    #[serde(default)]
    pub counted_ops: Option<u64>,
    /// Program and arguments under which the process runs (`valgrind --tool=callgrind ...`); empty runs it by itself.
    #[serde(default)]
    pub under: Vec<String>,
}

/// What to do with the variants of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// Run the structure's check, time nothing.
    Check,
    /// Run the check, find what an operation costs, count, and read the facts.
    Prepare,
    /// Count with the sources that need a process of their own, time nothing.
    Count,
    /// Sample what the variants do.
    Profile(profile::Request),
    /// Interleaved rounds.
    Measure {
        /// Number of the launch.
        launch: u32,
        /// How long the batches of each variant are, in the job's order.
        batches: Vec<Batches>,
        /// Time for each variant, seconds.
        slice_s: f64,
    },
    /// One side of a contest: slots of the only variant, on command.
    Duel {
        /// Dependent multiplications added to every batch, so that a known slowdown can be looked for; 0 in earnest.
        spins: u64,
    },
}

/// The batches of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batches {
    /// Operations that are timed: a whole multiple of what all variants of the group share.
    pub ops: u64,
    /// Operations run untimed right before, so that caches and predictors hold this variant's state and not that of the
    /// one before it; none in a cold run.
    pub warm_ops: u64,
}

/// What the process tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// This variant's check or preparation is under way: should the process die, it is the one that broke. Not told
    /// between timed rounds, where it would disturb.
    Begin {
        /// Its name.
        variant: String,
    },
    /// What came of a variant.
    Outcome {
        /// Its name.
        variant: String,
        /// What came of it.
        result: Done,
    },
}

/// What came of one variant of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// The check passed.
    Checked,
    /// The check passed and the variant is ready to be timed.
    Prepared(Prepared),
    /// What the sources of a process of its own counted.
    Counted(Vec<Count>),
    /// Samples of what it does.
    Profiled(Box<Profile>),
    /// Its rounds.
    Rounds(Rounds),
    /// It cannot be had here.
    Unavailable(Unavailable),
    /// A failed check or a panic.
    Broke(String),
}

/// What is known of a variant before its rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prepared {
    /// Rough cost of an operation.
    pub ns_per_op: f64,
    /// After how many operations its work repeats itself.
    pub cycle_ops: u64,
    /// Counts per operation.
    pub counts: Vec<Count>,
    /// What the case reported beside time.
    pub facts: Vec<Fact>,
    /// Fold of the first [`super::FIRST_OPS`] operations' results, hexadecimal.
    pub checksum: String,
    /// Where the variant's `build` function lies in its executable, from the start of the image.
    #[serde(default)]
    pub build_offset: u64,
    /// Fingerprint of the point, whose figures reach the code at run time.
    #[serde(default)]
    pub point: u64,
}

/// The rounds of one variant in one launch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rounds {
    /// One value a round, disturbed ones and their repetitions included.
    pub ns_per_op: Vec<f64>,
    /// What the kernel saw, one mark a round: [`crate::record::QUIET`] and its like.
    pub marks: String,
    /// Batches that it took to get warm.
    pub warm_up_batches: u32,
    /// What others took from the machine while the rounds of all variants ran.
    pub stolen_ms: Option<f64>,
    /// Likewise, time in which some task waited for a CPU.
    pub waited_ms: Option<f64>,
    /// Line bounce around each round, where two cores took part.
    pub bounces: Vec<Bounce>,
    /// Its single operations.
    pub stamped: Stamped,
}
