//! One event that a source wants: under which name, from which of the kernel's tables, and what its number may claim.
//! Which events those are is said in `generic` and `table`.

use super::kernel::{Scope, Spec, Target};
use super::table::{Cpu, Entry, Unit};
use crate::counter::Event;
use crate::record::Provenance;
use std::borrow::Cow;

/// One perf event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Its name and what it is.
    pub event: Event,
    /// The table that its code is from.
    pub kind: Kind,
    /// `config` of the kernel's `perf_event_attr`.
    pub config: u64,
    /// `config1`.
    pub config1: u64,
    /// What user mode alone is worth.
    pub user_only: UserOnly,
    /// What the kernel's generic name stands for on this CPU; empty where the name says all.
    pub note: &'static str,
}

/// The kernel's table that an event's code is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Generic events of the core.
    Hardware,
    /// What the kernel counts itself.
    Software,
    /// Generic events of the caches.
    Cache,
    /// The core's own events.
    Raw,
    /// A unit outside of the cores, by the beginning of its name.
    Uncore(&'static str),
    /// No event: the time for which the group was enabled on a running thread. The kernel's own task clock stays at
    /// its last context switch as a member of some groups (measured on Linux 6.18), and these times do not.
    Time,
    /// No event: nothing is known that counts this on the CPU.
    Unknown,
}

/// What becomes of an event where the kernel lets this user count user mode only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserOnly {
    /// It counts less, and says so in its name.
    Less,
    /// It counts the same.
    Same,
    /// It happens inside the kernel: it would open and stay at zero for ever.
    Blind,
}

impl Probe {
    /// An event by a generic name of the kernel.
    pub const fn new(kind: Kind, config: u64, name: &'static str, about: &'static str) -> Self {
        let (event, user_only) = (Event { name, about }, UserOnly::Less);
        Self { event, kind, config, config1: 0, user_only, note: "" }
    }

    /// The same, with what user mode alone is worth.
    pub const fn seen(self, user_only: UserOnly) -> Self {
        Self { user_only, ..self }
    }

    /// The same, with what the generic name stands for.
    pub const fn meaning(self, note: &'static str) -> Self {
        Self { note, ..self }
    }

    /// Raw event codes of the CPU.
    pub fn raw(entry: &Entry) -> Self {
        let kind = match entry.unit {
            Unit::Core => Kind::Raw,
            Unit::Uncore(name) => Kind::Uncore(name),
        };
        let probe = Self::new(kind, entry.config, entry.name, entry.about);
        Self { config1: entry.config1, ..probe }
    }

    /// Whether it is counted for the whole machine rather than for threads.
    pub fn is_wide(&self) -> bool {
        matches!(self.kind, Kind::Uncore(_))
    }

    /// Whether a reply has a value for it.
    pub fn is_opened(&self) -> bool {
        !matches!(self.kind, Kind::Time | Kind::Unknown)
    }

    /// How the kernel is asked for it, for one of its tables.
    pub fn spec(&self, target: Target, scope: Scope) -> Spec {
        Spec { kind: self.type_code(), config: self.config, config1: self.config1, target, scope }
    }

    fn type_code(&self) -> u32 {
        match self.kind {
            Kind::Hardware => 0,
            Kind::Software | Kind::Time | Kind::Unknown => 1,
            Kind::Cache => 3,
            Kind::Raw | Kind::Uncore(_) => 4,
        }
    }

    /// The name of its count: another one where user mode alone is less.
    pub fn name(&self, scope: Scope) -> Cow<'static, str> {
        match (scope, self.user_only) {
            (Scope::User, UserOnly::Less) if self.kind != Kind::Unknown => {
                format!("{}:u", self.event.name).into()
            }
            _ => self.event.name.into(),
        }
    }

    /// What its number may claim where it was counted all the time.
    pub fn provenance(&self) -> Provenance {
        match self.kind {
            Kind::Software | Kind::Time | Kind::Unknown => Provenance::Software,
            Kind::Hardware | Kind::Cache => Provenance::HwGeneric,
            Kind::Raw | Kind::Uncore(_) => Provenance::HwRaw,
        }
    }

    /// The code that counts it, in the terms of the CPU's maker.
    pub fn method(&self, cpu: Option<&Cpu>) -> String {
        match self.kind {
            Kind::Raw => code(cpu, self.config, self.config1),
            Kind::Uncore(unit) => format!("{unit}*, {}", code(None, self.config, self.config1)),
            _ => self.note.into(),
        }
    }
}

/// The bits of `config` that hold the event and its unit mask on all x86 CPUs; AMD has four more bits of event.
const AMD_HIGH: u64 = 0xf_0000_0000;

fn code(cpu: Option<&Cpu>, config: u64, config1: u64) -> String {
    let (event, umask) = match cpu {
        Some(Cpu::Arm { .. }) => return format!("event 0x{config:x}"),
        Some(Cpu::X86 { vendor, .. }) if vendor == "AuthenticAMD" => {
            (config & 0xff | (config & AMD_HIGH) >> 24, config >> 8 & 0xff)
        }
        _ => (config & 0xff, config >> 8 & 0xff),
    };
    let rest = config & !0xffff & !(if event > 0xff { AMD_HIGH } else { 0 });
    let more = |name, bits: u64| if bits == 0 { String::new() } else { format!(" {name} 0x{bits:x}") };
    format!("event 0x{event:02x} umask 0x{umask:02x}{}{}", more("modifiers", rest), more("config1", config1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::Group;

    fn x86(vendor: &str) -> Cpu {
        Cpu::X86 { vendor: vendor.into(), family: 26, model: 2, stepping: 1 }
    }

    fn entry(config: u64) -> Entry {
        Entry { group: Group::Cache, name: "l2_misses", about: "", unit: Unit::Core, config, config1: 0 }
    }

    #[test]
    fn a_raw_event_is_told_by_the_makers_own_numbers() {
        let amd = |config| Probe::raw(&entry(config)).method(Some(&x86("AuthenticAMD")));
        assert_eq!(amd(0x0964), "event 0x64 umask 0x09");
        assert_eq!(amd(0x1_0000_1ea0), "event 0x1a0 umask 0x1e");
        let intel = |config| Probe::raw(&entry(config)).method(Some(&x86("GenuineIntel")));
        assert_eq!(intel(0x0100_08d1), "event 0xd1 umask 0x08 modifiers 0x1000000");
        let arm = Cpu::Arm { implementer: 0x41, part: 0xd0c };
        assert_eq!(Probe::raw(&entry(0x8006)).method(Some(&arm)), "event 0x8006");
    }

    #[test]
    fn a_count_of_user_mode_only_is_named_after_its_event() {
        let probe = Probe::raw(&entry(0x0964));
        assert_eq!([probe.name(Scope::UserAndKernel), probe.name(Scope::User)], ["l2_misses", "l2_misses:u"]);
        assert_eq!(probe.seen(UserOnly::Same).name(Scope::User), "l2_misses");
    }

    #[test]
    fn a_raw_event_claims_more_than_a_generic_one() {
        assert_eq!(Probe::raw(&entry(1)).provenance(), Provenance::HwRaw);
        assert_eq!(Probe::new(Kind::Cache, 0, "l1d_loads", "").provenance(), Provenance::HwGeneric);
    }
}
