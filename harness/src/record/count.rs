//! A count per operation and where it comes from.

use crate::unavailable::Unavailable;
use serde::{Deserialize, Serialize};

/// A count per operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// Name, units last: `allocations`, `allocated_bytes`, `instructions`.
    pub name: String,
    /// Count per operation, or of the whole region where `whole` says so, or why it is unknown.
    pub per_op: Result<f64, Unavailable>,
    /// Where the number comes from.
    pub provenance: Provenance,
    /// With what exactly it was counted: a raw event's code, the way system calls were caught; empty where the name says
    /// all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// What each thread counted per operation, the leader first; empty where threads were not told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<f64>,
    /// Whether it is of the whole counted region, as lines that threads share are, or a share of it, and not one per
    /// operation.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
    /// Number of the pass that counted it, among the passes of hardware counters: metrics put together what one pass
    /// counted. 0 where everything is counted at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pass: u32,
    /// What of `method` takes something from the number: its pass shared the counters, or a process was not seen. Metrics
    /// that are made of the count say it too.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub caveat: String,
}

fn is_zero(pass: &u32) -> bool {
    *pass == 0
}

impl Count {
    /// A count without more to say of it.
    pub fn new(name: &str, per_op: Result<f64, Unavailable>, provenance: Provenance) -> Self {
        Self {
            name: name.into(),
            per_op,
            provenance,
            method: String::new(),
            threads: Vec::new(),
            whole: false,
            pass: 0,
            caveat: String::new(),
        }
    }

    /// The same with a further caveat, which its method tells; one without a value has nothing to take from.
    pub fn but(mut self, caveat: &str) -> Self {
        if self.per_op.is_ok() && !caveat.is_empty() {
            for words in [&mut self.method, &mut self.caveat] {
                let comma = if words.is_empty() { "" } else { ", " };
                *words = format!("{words}{comma}{caveat}");
            }
        }
        self
    }

    /// Whether it counts time by another name: cycles, slots of a pipeline, nanoseconds.
    pub(super) fn is_time(&self) -> bool {
        let name = self.name.trim_end_matches(":u");
        name.contains("cycle") || name.contains("slots") || name.ends_with("_ns")
    }

    /// The same without its value, and why.
    pub(super) fn without(self, why: &Unavailable) -> Self {
        Self::new(&self.name, Err(why.clone()), Provenance::Unavailable)
    }

    /// The same per unit of work (unless it is of the whole region), of which one operation is `units`.
    pub fn each(self, units: f64) -> Self {
        if self.whole {
            return self;
        }
        let threads = self.threads.into_iter().map(|count| count / units).collect();
        Self { per_op: self.per_op.map(|count| count / units), threads, ..self }
    }
}

/// Where a counted number comes from; numbers of different provenance are never compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// A raw hardware event of this CPU.
    HwRaw,
    /// The kernel's generic hardware event.
    HwGeneric,
    /// A multiplexed hardware event scaled up from this share of the time.
    HwScaled(f64),
    /// A model of the named geometry.
    Simulated(String),
    /// Counted by software: the kernel or our own hooks.
    Software,
    /// Dictated by a script, in tests.
    Scripted,
    /// Not counted.
    Unavailable,
}
