//! Which raw events count what on which CPU, one file a family of CPUs: const data. How they are opened and read is
//! `group`'s affair.

use crate::counter::Group;

/// How a CPU identifies itself: what the kernel's own event tables are keyed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cpu {
    /// Vendor string, display family, display model, stepping.
    X86 {
        /// `GenuineIntel`, `AuthenticAMD`.
        vendor: String,
        /// Display family.
        family: u32,
        /// Display model.
        model: u32,
        /// Stepping.
        stepping: u32,
    },
    /// Main ID register.
    Arm {
        /// Implementer code.
        implementer: u32,
        /// Part number.
        part: u32,
    },
}

/// One raw event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The group that asks for it.
    pub group: Group,
    /// Name of the count, with the level it speaks of, units last: `l2_misses`, `fills_from_other_cores`.
    pub name: &'static str,
    /// What the CPU's maker says that it counts, in our words, one line.
    pub about: &'static str,
    /// Where it is counted.
    pub unit: Unit,
    /// `config` of the kernel's `perf_event_attr`.
    pub config: u64,
    /// `config1`, for events that take more.
    pub config1: u64,
}

/// The unit that counts an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The core's own counters (`PERF_TYPE_RAW`).
    Core,
    /// A unit outside of the cores, by the beginning of its name in the kernel's list of event sources
    /// (`uncore_imc`, `amd_umc`): all units of the name are added up, for the whole machine.
    Uncore(&'static str),
}

/// The raw events of a CPU; none where its tables are not known here, and then the kernel's generic names are used.
pub fn entries(_cpu: &Cpu) -> &'static [Entry] {
    &[]
}
