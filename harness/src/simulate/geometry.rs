//! What caches and translation buffers a machine has: the named ones, one table line each, and the one that this runs on.
//! How they behave is `model`'s affair; where the figures come from stands in `docs/simulation.md`.

use super::sharing::LONGEST_LINE_BYTES;
use crate::machine::{self, Machine};
use std::fmt;

/// The caches and translation buffers of a machine: private ones for each thread, and a last level for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// What it is called: `host`, `zen5-desktop`.
    pub name: String,
    /// Bytes of a line, a power of two up to 128.
    pub line_bytes: u32,
    /// First-level data cache of each core.
    pub l1d: Level,
    /// Second-level cache of each core, where there is one.
    pub l2: Option<Level>,
    /// Last-level cache, shared by all.
    pub l3: Level,
    /// Translation buffers of each core; none where they are not known, and then translations are not counted.
    pub tlb: Option<Tlb>,
    /// What of it nobody stated, in words.
    pub assumed: Vec<String>,
}

/// One cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Size, bytes.
    pub size_bytes: u64,
    /// Lines in a set.
    pub ways: u32,
    /// How it stands to the caches above it.
    pub holds: Holds,
}

/// How a cache stands to the caches above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// All that they hold: what it evicts they lose as well.
    Everything,
    /// What they missed; what it evicts they may keep.
    Misses,
    /// What they evicted: a line that goes up again leaves it.
    Victims,
}

/// Translation buffers for data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlb {
    /// Bytes of a page.
    pub page_bytes: u64,
    /// The buffer that every access asks.
    pub l1: Buffer,
    /// The one behind it.
    pub l2: Buffer,
}

/// One translation buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffer {
    /// Pages that it knows at a time.
    pub entries: u32,
    /// Entries in a set; as many as there are entries where any page may stand anywhere.
    pub ways: u32,
}

impl Level {
    const fn new(size_kib: u64, ways: u32, holds: Holds) -> Self {
        Self { size_bytes: size_kib << 10, ways, holds }
    }

    fn holding(self, holds: Holds) -> Self {
        Self { holds, ..self }
    }

    /// How many sets it has with lines of this size.
    pub fn sets(&self, line_bytes: u32) -> u64 {
        self.size_bytes / (u64::from(self.ways) * u64::from(line_bytes))
    }
}

const SMALL_PAGE_BYTES: u64 = 4096;

const fn tlb(l1: (u32, u32), l2: (u32, u32)) -> Tlb {
    let [l1, l2] = [Buffer { entries: l1.0, ways: l1.1 }, Buffer { entries: l2.0, ways: l2.1 }];
    Tlb { page_bytes: SMALL_PAGE_BYTES, l1, l2 }
}

/// A machine of the table: name, first level, second level, last level (KiB, ways), how the lower two stand to those above
/// them, translation buffers (entries, ways).
type Named = (&'static str, [(u64, u32); 3], [Holds; 2], Tlb);

#[rustfmt::skip]
const NAMED: &[Named] = &[
    ("document-000",    [(32, 8),  (256, 4),   (8 << 10, 16)],   [Holds::Misses, Holds::Everything],  tlb((64, 4), (1536, 12))),
    ("zen5-desktop",    [(48, 12), (1024, 16), (32 << 10, 16)],  [Holds::Everything, Holds::Victims], tlb((96, 96), (4096, 16))),
    ("sapphire-rapids", [(48, 12), (2048, 16), (105 << 10, 15)], [Holds::Misses, Holds::Victims],     tlb((96, 6), (2048, 16))),
    ("neoverse-v2",     [(64, 4),  (2048, 8),  (36 << 10, 16)],  [Holds::Everything, Holds::Victims], tlb((48, 48), (2048, 8))),
];

/// How the lower two caches stand to those above them and, where known, the translation buffers, by micro-architecture: what
/// no file and no instruction tells.
type Core = (&'static str, [Holds; 2], Option<Tlb>);

#[rustfmt::skip]
const CORES: &[Core] = &[
    ("Intel Skylake-SP",      [Holds::Misses, Holds::Victims], Some(tlb((64, 4), (1536, 12)))),
    ("Intel Cascade Lake",    [Holds::Misses, Holds::Victims], Some(tlb((64, 4), (1536, 12)))),
    ("Intel Cooper Lake",     [Holds::Misses, Holds::Victims], Some(tlb((64, 4), (1536, 12)))),
    ("Intel Ice Lake-SP",     [Holds::Misses, Holds::Victims], Some(tlb((64, 4), (2048, 16)))),
    ("Intel Ice Lake-D",      [Holds::Misses, Holds::Victims], Some(tlb((64, 4), (2048, 16)))),
    ("Intel Sapphire Rapids", [Holds::Misses, Holds::Victims], Some(tlb((96, 6), (2048, 16)))),
    ("Intel Emerald Rapids",  [Holds::Misses, Holds::Victims], Some(tlb((96, 6), (2048, 16)))),
    ("AMD Zen 2",             [Holds::Everything, Holds::Victims], Some(tlb((64, 64), (2048, 16)))),
    ("AMD Zen 3",             [Holds::Everything, Holds::Victims], Some(tlb((64, 64), (2048, 16)))),
    ("AMD Zen 4",             [Holds::Everything, Holds::Victims], Some(tlb((72, 72), (3072, 24)))),
    ("AMD Zen 5",             [Holds::Everything, Holds::Victims], Some(tlb((96, 96), (4096, 16)))),
    ("Arm Neoverse N1",       [Holds::Everything, Holds::Victims], Some(tlb((48, 48), (1280, 5)))),
    ("Arm Neoverse V1",       [Holds::Everything, Holds::Victims], None),
    ("Arm Neoverse N2",       [Holds::Everything, Holds::Victims], None),
    ("Arm Neoverse V2",       [Holds::Everything, Holds::Victims], Some(tlb((48, 48), (2048, 8)))),
];

/// What is assumed of a level that a machine does not state, KiB and ways: sizes that are common.
const UNKNOWN: [(u64, u32); 3] = [(32, 8), (1024, 16), (32 << 10, 16)];
const USUAL_LINE_BYTES: u32 = 64;

impl Geometry {
    /// The name of the machine that this runs on.
    pub const HOST: &'static str = "host";

    /// Every name that there is.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once(Self::HOST).chain(NAMED.iter().map(|named| named.0))
    }

    /// The machine of that name; none where no machine is called so.
    pub fn named(name: &str) -> Option<Geometry> {
        if name == Self::HOST {
            return Some(Self::of(&machine::probe()));
        }
        let (name, [l1d, l2, l3], [below, last], tlb) = NAMED.iter().find(|named| named.0 == name)?;
        Some(Self {
            name: (*name).into(),
            line_bytes: 64,
            l1d: Level::new(l1d.0, l1d.1, Holds::Misses),
            l2: Some(Level::new(l2.0, l2.1, *below)),
            l3: Level::new(l3.0, l3.1, *last),
            tlb: Some(*tlb),
            assumed: Vec::new(),
        })
    }

    /// The caches of a probed machine, and how its micro-architecture is known to fill them. What of it nobody states is
    /// assumed, and said to be.
    pub fn of(machine: &Machine) -> Geometry {
        let core = CORES.iter().find(|core| core.0 == machine.microarchitecture);
        let [below, last] = core.map_or([Holds::Misses; 2], |core| core.1);
        let mut assumed = Vec::new();
        let line_bytes = line_bytes(machine, &mut assumed);
        let mut level = |number, holds| {
            stated(machine, number, line_bytes).unwrap_or_else(|| usual(number, &mut assumed)).holding(holds)
        };
        let (l1d, l2, l3) = (level(1, Holds::Misses), level(2, below), level(3, last));
        if core.is_none() {
            assumed.push("each level filled by misses assumed".into());
        }
        Self {
            name: Self::HOST.into(),
            line_bytes,
            l1d,
            l2: Some(l2),
            l3,
            tlb: core.and_then(|core| core.2),
            assumed,
        }
    }

    /// What its counts are said to come from: `host`, `host (L3 32 MiB/16 assumed)`.
    pub fn origin(&self) -> String {
        if self.assumed.is_empty() {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.assumed.join(", "))
        }
    }

    /// The machine that callgrind models: two levels, neither of which knows of the other, and no translation.
    pub fn callgrind(d1: Level, ll: Level, line_bytes: u32) -> Geometry {
        let alone = |level| Level { holds: Holds::Misses, ..level };
        let name = "callgrind".into();
        Self { name, line_bytes, l1d: alone(d1), l2: None, l3: alone(ll), tlb: None, assumed: Vec::new() }
    }

    /// The same machine with pages of another size.
    pub fn with_pages(self, page_bytes: u64) -> Geometry {
        Self { tlb: self.tlb.map(|tlb| Tlb { page_bytes, ..tlb }), ..self }
    }
}

fn line_bytes(machine: &Machine, assumed: &mut Vec<String>) -> u32 {
    let stated = machine.cache(1).map(|cache| cache.line_bytes);
    stated.filter(|bytes| bytes.is_power_of_two() && *bytes <= LONGEST_LINE_BYTES).unwrap_or_else(|| {
        assumed.push(format!("lines of {USUAL_LINE_BYTES} bytes assumed"));
        USUAL_LINE_BYTES
    })
}

/// A level as the machine states it; none where it does not, or not so that it could be.
fn stated(machine: &Machine, number: u8, line_bytes: u32) -> Option<Level> {
    let cache = machine.cache(number)?;
    let ways = cache.ways.filter(|ways| *ways > 0)?;
    let level = Level { size_bytes: cache.size_bytes, ways, holds: Holds::Misses };
    (level.sets(line_bytes) > 0).then_some(level)
}

/// A level as it usually is.
fn usual(number: u8, assumed: &mut Vec<String>) -> Level {
    let (size_kib, ways) = UNKNOWN[usize::from(number) - 1];
    let level = Level::new(size_kib, ways, Holds::Misses);
    assumed.push(format!("L{number} {level} assumed"));
    level
}

/// `zen5-desktop: L1D 48 KiB/12, L2 1 MiB/16, L3 32 MiB/16`.
impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: L1D {}", self.name, self.l1d)?;
        self.l2.map_or(Ok(()), |l2| write!(f, ", L2 {l2}"))?;
        write!(f, ", L3 {}", self.l3)
    }
}

/// `48 KiB/12`.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size_bytes {
            bytes if bytes % (1 << 20) == 0 => write!(f, "{} MiB/{}", bytes >> 20, self.ways),
            bytes => write!(f, "{} KiB/{}", bytes >> 10, self.ways),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_caches_of_whole_sets() {
        for name in Geometry::names() {
            let geometry = Geometry::named(name).unwrap();
            assert_eq!(geometry.name, name);
            for level in [Some(geometry.l1d), geometry.l2, Some(geometry.l3)].into_iter().flatten() {
                let sets = level.sets(geometry.line_bytes);
                assert_eq!(
                    sets * u64::from(level.ways * geometry.line_bytes),
                    level.size_bytes,
                    "{geometry}"
                );
            }
            assert!(geometry.tlb.is_none_or(|tlb| tlb.l2.entries.is_multiple_of(tlb.l2.ways)));
        }
        assert_eq!(Geometry::named("pdp-11"), None);
    }

    #[test]
    fn a_geometry_says_its_name_and_its_sizes() {
        let named = |name| Geometry::named(name).unwrap().to_string();
        assert_eq!(named("document-000"), "document-000: L1D 32 KiB/8, L2 256 KiB/4, L3 8 MiB/16");
        assert_eq!(named("zen5-desktop"), "zen5-desktop: L1D 48 KiB/12, L2 1 MiB/16, L3 32 MiB/16");
    }

    #[test]
    fn a_probed_machine_keeps_its_caches_and_says_where_translations_are_unknown() {
        let mut machine = Machine::scripted();
        let unknown = Geometry::of(&machine);
        assert_eq!(unknown.to_string(), "host: L1D 32 KiB/8, L2 1 MiB/16, L3 32 MiB/16");
        assert_eq!(unknown.tlb, None);
        assert_eq!(unknown.origin(), "host (each level filled by misses assumed)");
        machine.microarchitecture = "AMD Zen 5".into();
        assert_eq!(Geometry::of(&machine).tlb.map(|tlb| tlb.l1.entries), Some(96));
        assert_eq!(Geometry::of(&machine).origin(), "host");
        assert_eq!(Geometry::of(&machine).with_pages(2 << 20).tlb.map(|tlb| tlb.page_bytes), Some(2 << 20));
    }

    #[test]
    fn what_a_machine_does_not_state_is_said_to_be_assumed() {
        let mut machine = Machine::scripted();
        machine.microarchitecture = "AMD Zen 5".into();
        machine.caches.retain(|cache| cache.level != 3);
        assert_eq!(Geometry::of(&machine).origin(), "host (L3 32 MiB/16 assumed)");
        machine.caches.iter_mut().for_each(|cache| (cache.ways, cache.line_bytes) = (Some(0), 0));
        assert_eq!(
            Geometry::of(&machine).origin(),
            "host (lines of 64 bytes assumed, L1 32 KiB/8 assumed, L2 1 MiB/16 assumed, L3 32 MiB/16 assumed)"
        );
    }
}
