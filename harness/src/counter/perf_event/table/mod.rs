//! Which raw events count what on which CPU, one file a family of CPUs: const data. How they are opened and read is
//! `group`'s affair.

mod amd;
mod encode;
mod ice_lake_sp;
mod intel;
mod metric;
mod neoverse;
mod sapphire_rapids;
mod skylake_sp;
mod zen1;
mod zen2;
mod zen3;
mod zen4;
mod zen5;

pub use crate::machine::probe::Cpu;

use crate::counter::Group;
use std::ops::RangeInclusive;

/// One raw event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The group that asks for it.
    pub group: Group,
    /// Name of the count, with the level it speaks of, units last: `l2_misses`, `fills_from_other_ccx`.
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
    /// Units outside of the cores. The kernel lists them by this name, alone or followed by `_` and a number
    /// (`amd_df`, `uncore_imc_0`); all of them are added up, for the whole machine.
    Uncore(&'static str),
}

/// CPUs that count the same events by the same codes.
#[derive(Debug)]
pub struct Family {
    /// What its makers call it.
    pub name: &'static str,
    /// Its raw events: those of a group in the order in which they share passes, four at a time.
    pub events: &'static [Entry],
    keys: &'static [Key],
}

/// What of a CPU's identity says that it is of a family, as in the kernel's own list of event files.
#[derive(Debug)]
enum Key {
    /// Vendor, display family, display models.
    X86(&'static str, u32, RangeInclusive<u32>),
    /// Implementer and part number.
    Arm(u32, u32),
}

/// Every family whose raw events are known; the first that matches is the CPU's.
#[rustfmt::skip]
pub static FAMILIES: &[Family] = &[
    Family { name: "Intel Skylake-SP, Cascade Lake", events: skylake_sp::EVENTS, keys: &[Key::X86("GenuineIntel", 6, 0x55..=0x55)] },
    Family { name: "Intel Ice Lake-SP", events: ice_lake_sp::EVENTS, keys: &[Key::X86("GenuineIntel", 6, 0x6a..=0x6a), Key::X86("GenuineIntel", 6, 0x6c..=0x6c)] },
    Family { name: "Intel Sapphire Rapids, Emerald Rapids", events: sapphire_rapids::EVENTS, keys: &[Key::X86("GenuineIntel", 6, 0x8f..=0x8f), Key::X86("GenuineIntel", 6, 0xcf..=0xcf)] },
    Family { name: "AMD Zen", events: zen1::EVENTS, keys: &[Key::X86("AuthenticAMD", 23, 0x00..=0x2f)] },
    Family { name: "AMD Zen 2", events: zen2::EVENTS, keys: &[Key::X86("AuthenticAMD", 23, 0x30..=0xff)] },
    Family { name: "AMD Zen 3", events: zen3::EVENTS, keys: &[Key::X86("AuthenticAMD", 25, 0x00..=0x0f), Key::X86("AuthenticAMD", 25, 0x20..=0x2f), Key::X86("AuthenticAMD", 25, 0x40..=0x5f)] },
    Family { name: "AMD Zen 4", events: zen4::EVENTS, keys: &[Key::X86("AuthenticAMD", 25, 0x00..=0xff)] },
    Family { name: "AMD Zen 5", events: zen5::EVENTS, keys: &[Key::X86("AuthenticAMD", 26, 0x00..=0x2f), Key::X86("AuthenticAMD", 26, 0x40..=0x4f), Key::X86("AuthenticAMD", 26, 0x60..=0x7f)] },
    Family { name: "Arm Neoverse N1", events: neoverse::N1, keys: &[Key::Arm(0x41, 0xd0c)] },
    Family { name: "Arm Neoverse V1, N2, V2", events: neoverse::WITH_SVE, keys: &[Key::Arm(0x41, 0xd40), Key::Arm(0x41, 0xd49), Key::Arm(0x41, 0xd4f)] },
];

/// The CPU that this runs on; none where the kernel does not tell.
pub fn cpu() -> Option<Cpu> {
    crate::machine::probe::cpu_id()
}

/// The family of a CPU; none where its raw events are not known here.
pub fn family(cpu: &Cpu) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.keys.iter().any(|key| key.is_of(cpu)))
}

/// The raw events of a CPU; none where its tables are not known here, and then the kernel's generic names are used.
pub fn entries(cpu: &Cpu) -> &'static [Entry] {
    family(cpu).map_or(&[], |family| family.events)
}

impl Key {
    fn is_of(&self, cpu: &Cpu) -> bool {
        match (self, cpu) {
            (Key::X86(maker, of, models), Cpu::X86 { vendor, family, model, .. }) => {
                maker == vendor && of == family && models.contains(model)
            }
            (Key::Arm(maker, number), Cpu::Arm { implementer, part }) => {
                maker == implementer && number == part
            }
            _ => false,
        }
    }
}

/// Slices of events one after the other.
const fn join<const N: usize>(parts: &[&[Entry]]) -> [Entry; N] {
    let mut all = [parts[0][0]; N];
    let (mut part, mut filled) = (0, 0);
    while part < parts.len() {
        let mut event = 0;
        while event < parts[part].len() {
            all[filled] = parts[part][event];
            (event, filled) = (event + 1, filled + 1);
        }
        part += 1;
    }
    assert!(filled == N);
    all
}

/// How many events some slices hold together.
const fn count(parts: &[&[Entry]]) -> usize {
    let (mut part, mut total) = (0, 0);
    while part < parts.len() {
        total += parts[part].len();
        part += 1;
    }
    total
}

/// A static slice of the events of several const slices.
macro_rules! joined {
    ($($part:expr),* $(,)?) => {{
        const PARTS: &[&[super::Entry]] = &[$($part),*];
        const JOINED: [super::Entry; super::count(PARTS)] = super::join(PARTS);
        &JOINED
    }};
}
use joined;

#[cfg(test)]
mod document;
#[cfg(test)]
mod tests;
