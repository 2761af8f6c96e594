//! What holds for every family's table.

use super::*;
use crate::counter::derived::RATIOS;
use std::collections::{BTreeMap, BTreeSet};

fn x86(vendor: &str, family: u32, model: u32) -> Cpu {
    Cpu::X86 { vendor: vendor.into(), family, model, stepping: 1 }
}

fn name(cpu: &Cpu) -> Option<&'static str> {
    family(cpu).map(|family| family.name)
}

#[test]
fn every_key_of_the_kernels_list_finds_its_family() {
    let known = [
        ("GenuineIntel", 6, 0x55, "Intel Skylake-SP, Cascade Lake"),
        ("GenuineIntel", 6, 0x6a, "Intel Ice Lake-SP"),
        ("GenuineIntel", 6, 0x6c, "Intel Ice Lake-SP"),
        ("GenuineIntel", 6, 0x8f, "Intel Sapphire Rapids, Emerald Rapids"),
        ("GenuineIntel", 6, 0xcf, "Intel Sapphire Rapids, Emerald Rapids"),
        ("AuthenticAMD", 23, 0x01, "AMD Zen"),
        ("AuthenticAMD", 23, 0x18, "AMD Zen"),
        ("AuthenticAMD", 23, 0x31, "AMD Zen 2"),
        ("AuthenticAMD", 23, 0x71, "AMD Zen 2"),
        ("AuthenticAMD", 25, 0x01, "AMD Zen 3"),
        ("AuthenticAMD", 25, 0x21, "AMD Zen 3"),
        ("AuthenticAMD", 25, 0x50, "AMD Zen 3"),
        ("AuthenticAMD", 25, 0x11, "AMD Zen 4"),
        ("AuthenticAMD", 25, 0x61, "AMD Zen 4"),
        ("AuthenticAMD", 25, 0xa0, "AMD Zen 4"),
        ("AuthenticAMD", 26, 0x02, "AMD Zen 5"),
        ("AuthenticAMD", 26, 0x11, "AMD Zen 5"),
        ("AuthenticAMD", 26, 0x44, "AMD Zen 5"),
    ];
    for (vendor, number, model, expected) in known {
        assert_eq!(name(&x86(vendor, number, model)), Some(expected), "{vendor} {number} {model:#x}");
    }
    let arm = [0xd0c, 0xd40, 0xd49, 0xd4f].map(|part| name(&Cpu::Arm { implementer: 0x41, part }).unwrap());
    assert_eq!(arm[0], "Arm Neoverse N1");
    assert_eq!(arm[1..], ["Arm Neoverse V1, N2, V2"; 3]);
}

#[test]
fn an_unknown_cpu_has_no_raw_events() {
    let unknown = [
        x86("GenuineIntel", 6, 0x9e),
        x86("AuthenticAMD", 26, 0x50),
        x86("HygonGenuine", 24, 0x01),
        Cpu::Arm { implementer: 0x41, part: 0xd08 },
        Cpu::Arm { implementer: 0x00, part: 0xd0c },
    ];
    for cpu in unknown {
        assert_eq!(entries(&cpu), &[], "{cpu:?}");
    }
}

#[test]
fn no_two_events_of_a_family_share_a_name_or_a_code() {
    for family in FAMILIES {
        let names: BTreeSet<_> = family.events.iter().map(|event| event.name).collect();
        assert_eq!(names.len(), family.events.len(), "{}", family.name);
        let code = |event: &Entry| format!("{:?} {:#x} {:#x}", event.unit, event.config, event.config1);
        let codes: BTreeSet<_> = family.events.iter().map(code).collect();
        assert_eq!(codes.len(), family.events.len(), "{}", family.name);
    }
}

#[test]
fn a_name_means_the_same_on_every_cpu() {
    let mut meanings = BTreeMap::new();
    for event in FAMILIES.iter().flat_map(|family| family.events) {
        let meaning = (event.group, event.about);
        assert_eq!(*meanings.entry(event.name).or_insert(meaning), meaning, "{}", event.name);
        assert!(!event.about.ends_with('.') && !event.about.contains('|'), "{}", event.about);
    }
}

#[test]
fn no_name_speaks_of_a_cache_without_its_level() {
    for event in FAMILIES.iter().flat_map(|family| family.events) {
        let words: Vec<_> = event.name.split('_').collect();
        assert!(!words.contains(&"cache"), "{}", event.name);
        let miss = words.contains(&"misses") && event.group != Group::Core;
        let level = words.iter().any(|word| ["l1d", "l2", "llc", "l1"].contains(word));
        assert!(!miss || level, "{}", event.name);
    }
}

#[test]
fn what_is_divided_by_each_other_shares_a_pass_of_four() {
    for family in FAMILIES {
        for ratio in RATIOS.iter().filter(|ratio| !ratio.is_sum()) {
            let passes: BTreeSet<_> = ratio.counts().filter_map(|name| pass_of(family, name)).collect();
            assert!(passes.len() <= 1, "{}: {} is spread over passes", family.name, ratio.name);
        }
    }
}

/// Group and number of the pass in which a family counts this; none where it does not, and for what every pass counts.
fn pass_of(family: &Family, name: &str) -> Option<String> {
    let event = family.events.iter().find(|event| event.name == name)?;
    let beside: Vec<_> = family
        .events
        .iter()
        .filter(|other| (other.group, other.unit) == (event.group, event.unit))
        .filter(|other| !["cycles", "instructions"].contains(&other.name))
        .collect();
    let position = beside.iter().position(|other| other.name == name)?;
    Some(format!("{:?} {}", event.group, position / 4))
}

#[test]
fn every_family_counts_what_the_documents_ask_of_every_machine() {
    for family in FAMILIES {
        let has = |name| family.events.iter().any(|event| event.name == name);
        for name in [
            "cycles",
            "instructions",
            "branches",
            "branch_misses",
            "l1d_accesses",
            "l2_requests",
            "l2_misses",
        ] {
            assert!(has(name), "{} has no {name}", family.name);
        }
        assert!(has("dtlb_walks") || has("dtlb_load_walks"), "{}", family.name);
    }
}
