//! What can be measured, as const data and function pointers. The tables themselves live in the workloads crate.

use crate::case::Case;
use crate::isa::{Granted, Isa};
use crate::unavailable::{Reason, Unavailable};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A table of workloads: all that the harness is ever told about them.
pub type Registry = &'static [&'static Workload];

/// One structure under one contract, with its variants and the points at which they are compared.
#[derive(Debug)]
pub struct Workload {
    /// Registry name, the folder's name: `ring_spsc`.
    pub name: &'static str,
    /// The question it answers, one line.
    pub about: &'static str,
    /// The source document's number: `002`.
    pub source: &'static str,
    /// Where the variants are compared.
    pub points: &'static [Point],
    /// The ways to do it; the first is what the others are compared with.
    pub variants: &'static [Variant],
}

/// One setting at which all variants of a workload are measured side by side: a group of rows.
#[derive(Debug)]
pub struct Point {
    /// Name within the workload: `hop`.
    pub name: &'static str,
    /// What one operation is, one line.
    pub about: &'static str,
    /// What one operation is called in a result: `push+pop`, `hop`, `seal`.
    pub unit_of_work: &'static str,
    /// Size in the workload's own unit (bytes, free blocks, slots); 0 where it has none.
    pub size: u64,
    /// CPUs that a case occupies; fewer in the mask make the row unavailable.
    pub cpus: usize,
    /// Which limit of the machine the result is shown as a share of, or why none bounds it.
    pub bound: Result<Bound, &'static str>,
    /// Whether a stamped pass records the distribution of single operations.
    pub latency: bool,
    /// The smallest suite that holds it.
    pub suite: Suite,
}

/// How much of the table a run measures. A row belongs to the larger of its point's and its variant's suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// What answers each workload's question, in minutes.
    Default,
    /// Every size, retry policy and peer.
    Full,
}

/// The machine limit that bounds an operation: at best `times` x the limit named.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Name of the limit in the record: `l1_latency`, `line_bounce`, `syscall`.
    pub limit: &'static str,
    /// How many of it one operation cannot do without.
    pub times: f64,
    /// Why it bounds the operation, one clause.
    pub why: &'static str,
}

/// What a variant stands for in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The document's "before", or what everybody has.
    Baseline,
    /// The design as the document describes it.
    Documented,
    /// The best we can do.
    Optimised,
    /// Somebody else's crate or facility.
    Peer,
}

impl Role {
    /// The role in lower case, as it stands in records.
    pub fn name(self) -> &'static str {
        match self {
            Role::Baseline => "baseline",
            Role::Documented => "documented",
            Role::Optimised => "optimised",
            Role::Peer => "peer",
        }
    }
}

/// One way to do it.
#[derive(Debug)]
pub struct Variant {
    /// Registry name, the file's name: `cached_index`.
    pub name: &'static str,
    /// What it is, one line.
    pub about: &'static str,
    /// What it stands for.
    pub role: Role,
    /// The smallest suite that holds it.
    pub suite: Suite,
    /// The features its kernels use; the harness grants them or makes the row unavailable.
    pub needs: Isa,
    /// Makes the case for one point; set-up happens here, outside every clock.
    pub build: fn(&Setup<'_>) -> Result<Box<dyn Case>, Unavailable>,
    /// The structure's one check, run on this variant before it is timed.
    pub check: fn(&Setup<'_>) -> Result<(), Broken>,
}

/// What a variant is built from.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The point to build for (a check gets the workload's first).
    pub point: &'static Point,
    /// Proof of the features that the variant said it needs.
    pub granted: Granted,
    /// The CPUs that the case may pin to, `point.cpus` of them; the first is the measuring thread's.
    pub cpus: &'a [usize],
    /// Seed of all generated input: same seed, same input.
    pub seed: u64,
    /// Files the user named, by input name (`trace`).
    pub inputs: &'a BTreeMap<String, PathBuf>,
}

impl Setup<'_> {
    /// The file the user gave for an input.
    pub fn input(&self, name: &str) -> Option<&Path> {
        self.inputs.get(name).map(PathBuf::as_path)
    }

    /// The CPU pair of a two-sided case.
    ///
    /// # Errors
    /// [`Reason::TooFewCores`] where the mask holds one CPU only.
    pub fn cpu_pair(&self) -> Result<[usize; 2], Unavailable> {
        match self.cpus {
            [a, b, ..] => Ok([*a, *b]),
            _ => Err(Unavailable::new(Reason::TooFewCores, "needs two CPUs in the affinity mask")),
        }
    }
}

/// A check that failed: what was expected and what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Broken {
    fn from(message: String) -> Self {
        Broken(message)
    }
}

/// Returns [`Broken`] with a formatted message unless the condition holds: the `assert!` of checks.
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::Broken(format!($($message)+)));
        }
    };
}

/// The row key `workload/point/variant`.
pub fn key(workload: &str, point: &str, variant: &str) -> String {
    format!("{workload}/{point}/{variant}")
}
