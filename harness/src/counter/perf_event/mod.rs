//! Linux perf events as counter sources: what is counted, and under which name. Opening and reading them is `group`'s
//! affair, what an error number means `errno`'s, what a reply means `reply`'s.

pub mod classes;
mod errno;
mod group;
mod reply;
pub mod table;

use super::{Counter, Event, Group, Selection, Source};
use crate::unavailable::Unavailable;

/// A set of perf events that are counted together, all or none at any time.
#[derive(Debug)]
pub struct PerfEvents {
    group: Group,
    probes: &'static [Probe],
}

/// One perf event.
#[derive(Debug, Clone, Copy)]
struct Probe {
    event: Event,
    kind: Kind,
    /// `config` of the kernel's `perf_event_attr`.
    config: u64,
    user_only: UserOnly,
}

/// The `type` of the kernel's `perf_event_attr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    Hardware = 0,
    Software = 1,
    Cache = 3,
    /// No event: the time for which the group was enabled on a running thread. The kernel's own task clock stays at
    /// its last context switch as a member of some groups (measured on Linux 6.18), and these times do not.
    Time = u32::MAX,
}

/// What becomes of an event where the kernel lets this user count user mode only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UserOnly {
    /// It counts less, and says so in its name.
    Named(&'static str),
    /// It counts the same.
    Same,
    /// It happens inside the kernel: it would open and stay at zero for ever.
    Blind,
}

/// What the core does, by the kernel's generic names, which mean the same on all CPUs.
pub static CORE: PerfEvents = PerfEvents {
    group: Group::Core,
    probes: &[
        hardware("cycles", "cycles:u", 0, "core clock cycles, which follow the current frequency"),
        hardware("instructions", "instructions:u", 1, "instructions retired"),
        hardware("branches", "branches:u", 4, "branches retired"),
        hardware("branch_misses", "branch_misses:u", 5, "branches mispredicted"),
    ],
};

/// What the caches do. The kernel maps these per CPU model, so they say the level but not which raw event counts it.
pub static CACHE: PerfEvents = PerfEvents {
    group: Group::Cache,
    probes: &[
        cache("l1d_loads", "l1d_loads:u", 0x0_0000, "loads from the L1 data cache (generic event)"),
        cache(
            "l1d_load_misses",
            "l1d_load_misses:u",
            0x1_0000,
            "loads that miss the L1 data cache (generic event)",
        ),
        cache(
            "llc_loads",
            "llc_loads:u",
            0x0_0002,
            "loads that reach the last-level cache (generic; AMD has none)",
        ),
        cache(
            "llc_load_misses",
            "llc_load_misses:u",
            0x1_0002,
            "loads that miss the last-level cache (generic; AMD has none)",
        ),
    ],
};

/// What the kernel counts itself.
pub static SOFTWARE: PerfEvents = PerfEvents {
    group: Group::Software,
    probes: &[
        software("page_faults", UserOnly::Named("page_faults:u"), 2, "page faults, minor and major"),
        software("context_switches", UserOnly::Blind, 3, "times a thread left its CPU"),
        software("cpu_migrations", UserOnly::Blind, 4, "times a thread came to another CPU"),
        TASK_CLOCK,
    ],
};

const TASK_CLOCK: Probe = Probe {
    event: Event { name: "task_clock_ns", about: "time on a CPU, all threads together" },
    kind: Kind::Time,
    config: 0,
    user_only: UserOnly::Same,
};

const fn hardware(name: &'static str, user: &'static str, config: u64, about: &'static str) -> Probe {
    Probe { event: Event { name, about }, kind: Kind::Hardware, config, user_only: UserOnly::Named(user) }
}

const fn cache(name: &'static str, user: &'static str, config: u64, about: &'static str) -> Probe {
    Probe { event: Event { name, about }, kind: Kind::Cache, config, user_only: UserOnly::Named(user) }
}

const fn software(name: &'static str, user_only: UserOnly, config: u64, about: &'static str) -> Probe {
    Probe { event: Event { name, about }, kind: Kind::Software, config, user_only }
}

impl Source for PerfEvents {
    fn name(&self) -> &'static str {
        "perf_event"
    }

    fn group(&self) -> Group {
        self.group
    }

    fn events(&self) -> Vec<Event> {
        self.probes.iter().map(|probe| probe.event).collect()
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        group::open(self.probes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_user_mode_only_is_named_after_its_event() {
        for probe in [&CORE, &CACHE, &SOFTWARE].iter().flat_map(|source| source.probes) {
            if let UserOnly::Named(name) = probe.user_only {
                assert_eq!(name.strip_suffix(":u"), Some(probe.event.name));
            }
        }
    }
}
