//! Why something was not measured. A reason is data: it travels in the record to the page.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The closed list of reason codes; a code is what a machine reads, the detail beside it what a person reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No hardware performance counters are exposed.
    NoPmu,
    /// The CPU lacks an instruction set that the variant needs.
    IsaAbsent,
    /// Fewer CPUs in the affinity mask than the case needs.
    TooFewCores,
    /// One memory node only.
    NoNuma,
    /// No huge pages could be had.
    NoHugePages,
    /// The kernel refused it to this user.
    NoPrivilege,
    /// Others hold all there are of it just now.
    InUse,
    /// Needs a device (radio, energy meter, GPU) that is absent.
    NeedsDevice,
    /// The documented figure does not say enough to be measured.
    TargetAmbiguous,
    /// No measurement could contradict the documented figure.
    TargetUnfalsifiable,
    /// No workload answers this target yet.
    NoWorkloadYet,
    /// The workload that answers it was not part of this run.
    NotSelected,
    /// The operating system or architecture has no such facility.
    Unsupported,
    /// The variant has no case at this point.
    NotAtThisPoint,
    /// Only one of the two builds of a comparison has it.
    OneSideOnly,
    /// An input file is needed and absent or unreadable.
    NoInput,
    /// It broke while it was measured.
    Broke,
    /// The run ended before its turn came.
    Interrupted,
    /// The run measured with cold caches, of which the documented figure does not speak.
    ColdRun,
    /// The machine is emulated: what it counts is exact, and what it takes says nothing of any machine.
    Emulated,
}

impl Reason {
    /// The code as it stands in records and on pages.
    pub fn code(self) -> &'static str {
        match self {
            Reason::NoPmu => "no-pmu",
            Reason::IsaAbsent => "isa-absent",
            Reason::TooFewCores => "too-few-cores",
            Reason::NoNuma => "no-numa",
            Reason::NoHugePages => "no-huge-pages",
            Reason::NoPrivilege => "no-privilege",
            Reason::InUse => "in-use",
            Reason::NeedsDevice => "needs-device",
            Reason::TargetAmbiguous => "target-ambiguous",
            Reason::TargetUnfalsifiable => "target-unfalsifiable",
            Reason::NoWorkloadYet => "no-workload-yet",
            Reason::NotSelected => "not-selected",
            Reason::Unsupported => "unsupported",
            Reason::NotAtThisPoint => "not-at-this-point",
            Reason::OneSideOnly => "one-side-only",
            Reason::NoInput => "no-input",
            Reason::Broke => "broke",
            Reason::Interrupted => "interrupted",
            Reason::ColdRun => "cold-run",
            Reason::Emulated => "emulated",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A thing that could not be measured here, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unavailable {
    /// The reason code.
    pub reason: Reason,
    /// One sentence for a person: what is missing, and what would mend it.
    pub detail: String,
}

impl Unavailable {
    /// Joins a reason code with its sentence.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_the_same_on_the_wire_and_on_the_page() {
        let reasons = [
            Reason::NoPmu,
            Reason::IsaAbsent,
            Reason::TooFewCores,
            Reason::NotAtThisPoint,
            Reason::NoWorkloadYet,
            Reason::ColdRun,
        ];
        for reason in reasons {
            assert_eq!(serde_json::to_string(&reason).unwrap(), format!("\"{}\"", reason.code()));
        }
    }
}
