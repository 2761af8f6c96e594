//! What is counted where no raw event is known: the kernel's generic events, each named after what it means on this
//! maker's CPUs, because one generic name is another cache level on each. The raw events stand in `table`.

use super::probe::{Kind, Probe, UserOnly};
use super::table::{self, Cpu};
use crate::counter::Group;

static CORE: &[Probe] = &[
    Probe::new(Kind::Hardware, 0, "cycles", "core clock cycles, which follow the current frequency"),
    Probe::new(Kind::Hardware, 1, "instructions", "instructions retired"),
    Probe::new(Kind::Hardware, 4, "branches", "branches retired"),
    Probe::new(Kind::Hardware, 5, "branch_misses", "branches mispredicted"),
];

static SOFTWARE: &[Probe] = &[
    Probe::new(Kind::Software, 2, "page_faults", "page faults, minor and major"),
    Probe::new(Kind::Software, 3, "context_switches", "times a thread left its CPU").seen(UserOnly::Blind),
    Probe::new(Kind::Software, 4, "cpu_migrations", "times a thread came to another CPU")
        .seen(UserOnly::Blind),
    Probe::new(Kind::Time, 0, "task_clock_ns", "time on a CPU, all threads together").seen(UserOnly::Same),
];

static INTEL: &[(Group, Probe)] = &[
    (Group::Cache, cache(0x0_0000, "loads", "load instructions retired").meaning("generic L1-dcache-loads")),
    (
        Group::Cache,
        cache(0x1_0000, "l1d_misses", "lines brought into the L1 data cache")
            .meaning("generic L1-dcache-load-misses"),
    ),
    (
        Group::Memory,
        hardware(2, "llc_requests", "requests of this core to the last-level cache")
            .meaning("generic cache-references, event 0x2e umask 0x4f"),
    ),
    (
        Group::Memory,
        hardware(3, "llc_misses", "requests of this core that miss the last-level cache")
            .meaning("generic cache-misses, event 0x2e umask 0x41"),
    ),
    (
        Group::Tlb,
        cache(0x1_0003, "dtlb_load_walks", "page walks that a load had to wait for")
            .meaning("generic dTLB-load-misses"),
    ),
];

static AMD: &[(Group, Probe)] = &[
    (
        Group::Cache,
        cache(0x0_0000, "l1d_accesses", "accesses to the L1 data cache")
            .meaning("generic L1-dcache-loads, event 0x40"),
    ),
    (
        Group::Cache,
        cache(0x1_0000, "l1d_requests_to_l2", "requests of the L1 data cache to L2")
            .meaning("generic L1-dcache-load-misses, event 0x60 umask 0xc8"),
    ),
    (
        Group::Cache,
        hardware(2, "l2_requests", "requests to L2 for data, code and prefetches")
            .meaning("generic cache-references, event 0x60 umask 0xff"),
    ),
    (
        Group::Cache,
        hardware(3, "l2_misses", "requests for data and code that miss L2")
            .meaning("generic cache-misses, event 0x64 umask 0x09"),
    ),
    (
        Group::Tlb,
        cache(0x0_0003, "l1_dtlb_misses", "translations that miss the first data TLB")
            .meaning("generic dTLB-loads, event 0x45 umask 0xff"),
    ),
    (
        Group::Tlb,
        cache(0x1_0003, "dtlb_walks", "translations that miss both data TLBs")
            .meaning("generic dTLB-load-misses, event 0x45 umask 0xf0"),
    ),
];

static ARM: &[(Group, Probe)] = &[
    (
        Group::Cache,
        hardware(2, "l1d_accesses", "accesses to the L1 data cache")
            .meaning("generic cache-references, event 0x4"),
    ),
    (
        Group::Cache,
        hardware(3, "l1d_misses", "lines brought into the L1 data cache")
            .meaning("generic cache-misses, event 0x3"),
    ),
    (
        Group::Memory,
        cache(0x0_0002, "llc_requests", "reads of the last-level cache")
            .meaning("generic LLC-loads, event 0x36"),
    ),
    (
        Group::Memory,
        cache(0x1_0002, "llc_misses", "reads that miss the last-level cache")
            .meaning("generic LLC-load-misses, event 0x37"),
    ),
    (
        Group::Tlb,
        cache(0x0_0003, "l1_dtlb_accesses", "translations that ask the first data TLB")
            .meaning("generic dTLB-loads, event 0x25"),
    ),
    (
        Group::Tlb,
        cache(0x1_0003, "l1_dtlb_misses", "translations that miss the first data TLB")
            .meaning("generic dTLB-load-misses, event 0x5"),
    ),
];

/// Of these the kernel states the level, and nobody which event of the CPU it is.
static ANY: &[(Group, Probe)] = &[
    (Group::Cache, cache(0x0_0000, "l1d_loads", "loads from the L1 data cache")),
    (Group::Cache, cache(0x1_0000, "l1d_load_misses", "loads that miss the L1 data cache")),
    (Group::Memory, cache(0x0_0002, "llc_loads", "loads that reach the last-level cache")),
    (Group::Memory, cache(0x1_0002, "llc_load_misses", "loads that miss the last-level cache")),
    (Group::Tlb, cache(0x1_0003, "dtlb_load_misses", "loads that miss the data TLB")),
];

const fn hardware(config: u64, name: &'static str, about: &'static str) -> Probe {
    Probe::new(Kind::Hardware, config, name, about)
}

const fn cache(config: u64, name: &'static str, about: &'static str) -> Probe {
    Probe::new(Kind::Cache, config, name, about)
}

/// What a group counts on a CPU: its raw events, and generic ones for what no raw event is known for. Never empty: a
/// group for which nothing is known has one event that says so.
pub fn probes(group: Group, cpu: Option<&Cpu>) -> Vec<Probe> {
    let entries = cpu.map_or(&[][..], table::entries);
    let raw: Vec<_> = entries.iter().filter(|entry| entry.group == group).map(Probe::raw).collect();
    match group {
        Group::Software => SOFTWARE.to_vec(),
        Group::Core => core(raw),
        _ if !raw.is_empty() => raw,
        _ => fallback(group, cpu),
    }
}

/// The kernel names the core's events alike on all CPUs: a raw event takes the place of its namesake, further ones follow.
fn core(raw: Vec<Probe>) -> Vec<Probe> {
    let like = |probe: &Probe| raw.iter().find(|raw| raw.event.name == probe.event.name).copied();
    let named = |name| CORE.iter().any(|probe| probe.event.name == name);
    let further = raw.iter().filter(|probe| !named(probe.event.name)).copied();
    CORE.iter().map(|probe| like(probe).unwrap_or(*probe)).chain(further).collect()
}

/// What stands in every group of hardware events, so that all passes have it in common: cycles and instructions.
pub fn anchor(cpu: Option<&Cpu>) -> [Probe; 2] {
    let core = probes(Group::Core, cpu);
    [core[0], core[1]]
}

fn fallback(group: Group, cpu: Option<&Cpu>) -> Vec<Probe> {
    let known = match cpu {
        Some(Cpu::X86 { vendor, .. }) if vendor == "GenuineIntel" => INTEL,
        Some(Cpu::X86 { vendor, .. }) if vendor == "AuthenticAMD" => AMD,
        Some(Cpu::Arm { .. }) => ARM,
        _ => ANY,
    };
    let probes: Vec<_> = known.iter().filter(|(of, _)| *of == group).map(|(_, probe)| *probe).collect();
    if probes.is_empty() { vec![unknown(group)] } else { probes }
}

fn unknown(group: Group) -> Probe {
    let word = Group::MEASURED.iter().find(|(of, _)| *of == group).map_or("events", |(_, word)| word);
    Probe::new(Kind::Unknown, 0, word, "events of this kind, on a CPU whose tables are not known here")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn cpus() -> Vec<Option<Cpu>> {
        let x86 = |vendor: &str, model| Cpu::X86 { vendor: vendor.into(), family: 6, model, stepping: 4 };
        let arm = Cpu::Arm { implementer: 0, part: 0 };
        vec![None, Some(x86("GenuineIntel", 1)), Some(x86("AuthenticAMD", 1)), Some(arm)]
    }

    #[test]
    fn every_group_has_events_or_says_that_none_are_known() {
        for cpu in cpus() {
            for (group, _) in Group::MEASURED {
                let probes = probes(*group, cpu.as_ref());
                assert!(!probes.is_empty(), "{group:?} {cpu:?}");
            }
        }
    }

    #[test]
    fn no_two_events_of_a_cpu_share_a_name() {
        for cpu in cpus() {
            let groups = Group::MEASURED.iter().filter(|(group, _)| *group != Group::Os);
            let names: Vec<_> =
                groups.flat_map(|(group, _)| probes(*group, cpu.as_ref())).map(|p| p.event.name).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        }
    }

    #[test]
    fn one_generic_name_is_another_level_on_each_maker() {
        let misses = |cpu: &Option<Cpu>| {
            let groups = [Group::Cache, Group::Memory];
            let all: Vec<_> = groups.iter().flat_map(|group| fallback(*group, cpu.as_ref())).collect();
            let found = all.iter().find(|p| p.kind == Kind::Hardware && p.config == 3);
            found.map(|p| p.event.name)
        };
        let names: Vec<_> = cpus().iter().map(misses).collect();
        assert_eq!(names, [None, Some("llc_misses"), Some("l2_misses"), Some("l1d_misses")]);
    }

    #[test]
    fn a_raw_event_takes_the_place_of_its_generic_namesake() {
        let raw = |name| Probe::new(Kind::Raw, 0xc2, name, "");
        let probes = core(vec![raw("instructions"), raw("branches"), raw("machine_clears")]);
        let names: Vec<_> = probes.iter().map(|p| (p.event.name, p.kind == Kind::Raw)).collect();
        let expected = [
            ("cycles", false),
            ("instructions", true),
            ("branches", true),
            ("branch_misses", false),
            ("machine_clears", true),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_anchor_is_cycles_and_instructions_by_the_cpus_own_numbers_where_they_are_known() {
        for cpu in cpus() {
            assert_eq!(anchor(cpu.as_ref()).map(|probe| probe.event.name), ["cycles", "instructions"]);
        }
        let zen_5 = Cpu::X86 { vendor: "AuthenticAMD".into(), family: 26, model: 2, stepping: 1 };
        assert_eq!(anchor(Some(&zen_5)).map(|probe| probe.kind), [Kind::Raw; 2]);
    }
}
