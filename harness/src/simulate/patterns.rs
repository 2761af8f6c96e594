//! Walks through memory whose misses can be worked out on paper, written once for every tracer: what the model, valgrind and
//! the machine itself are held against each other with. Not workloads: nobody would want their times.

use super::{Access, AccessKind, Tracer};
use crate::case::opaque;
use crate::stats::random::Random;

/// A walk with what it must miss, cold, in a first level of 48 KiB in 12 ways and a last level of 32 MiB in 16, both of 64-byte
/// lines.
#[derive(Debug, Clone, Copy)]
pub struct Pattern {
    /// What it is called.
    pub name: &'static str,
    /// How it goes.
    pub walk: Walk,
    /// Read misses of the first level.
    pub d1_misses: u64,
    /// Read misses of the last level.
    pub ll_misses: u64,
}

/// A walk; every step reads a word.
#[derive(Debug, Clone, Copy)]
pub enum Walk {
    /// From the first byte to the last in steps of `stride_bytes`, again and again.
    Scan {
        /// How far it goes.
        bytes: usize,
        /// Length of a step.
        stride_bytes: usize,
        /// How often.
        laps: u64,
    },
    /// Around a random cycle over all lines, each step's address being what the step before it read.
    Chase {
        /// Lines in the cycle.
        lines: usize,
        /// How many steps.
        steps: u64,
    },
}

const LINE_BYTES: usize = 64;
const LINE_WORDS: usize = LINE_BYTES / 8;
const MIB: usize = 1 << 20;

const fn scan(
    name: &'static str,
    (bytes, stride_bytes, laps): (usize, usize, u64),
    [d1_misses, ll_misses]: [u64; 2],
) -> Pattern {
    Pattern { name, walk: Walk::Scan { bytes, stride_bytes, laps }, d1_misses, ll_misses }
}

const fn chase(
    name: &'static str,
    (lines, steps): (usize, u64),
    [d1_misses, ll_misses]: [u64; 2],
) -> Pattern {
    Pattern { name, walk: Walk::Chase { lines, steps }, d1_misses, ll_misses }
}

/// Scans with strides, within and beyond each level, and chases on both sides of the first level's edge at 768 lines.
#[rustfmt::skip]
pub const PATTERNS: [Pattern; 10] = [
    scan("scan_32k_fits",        (32 << 10, 64, 4),   [512, 512]),
    scan("scan_1m_by_line",      (MIB, 64, 4),        [4 * 16_384, 16_384]),
    scan("scan_1m_by_word",      (MIB, 8, 2),         [2 * 16_384, 16_384]),
    scan("scan_1m_by_two_lines", (MIB, 128, 4),       [4 * 8192, 8192]),
    scan("scan_64m_by_line",     (64 * MIB, 64, 2),   [2 * 1_048_576, 2 * 1_048_576]),
    chase("chase_512_fits",      (512, 100_000),      [512, 512]),
    chase("chase_768_just_fits", (768, 76_800),       [768, 768]),
    chase("chase_769_thrashes",  (769, 76_900),       [13 * 100 + 756, 769]),
    chase("chase_1536",          (1536, 153_600),     [153_600, 1536]),
    chase("chase_4096",          (4096, 100_000),     [100_000, 4096]),
];

impl Walk {
    /// Bytes of memory that it walks through.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Scan { bytes, .. } => *bytes,
            Self::Chase { lines, .. } => lines * LINE_BYTES,
        }
    }

    /// Makes memory of [`Walk::bytes`] ready: a chase writes its cycle.
    pub fn prepare(&self, memory: &mut [u64]) {
        if let Self::Chase { lines, .. } = self {
            let mut order: Vec<usize> = (0..*lines).collect();
            Random::new(1).shuffle(&mut order);
            for (at, line) in order.iter().enumerate() {
                memory[line * LINE_WORDS] = (order[(at + 1) % lines] * LINE_WORDS) as u64;
            }
        }
    }

    /// Walks, and tells of every step; a fold of what it read.
    pub fn run<T: Tracer>(&self, memory: &[u64], tracer: &mut T) -> u64 {
        match *self {
            Self::Scan { bytes, stride_bytes, laps } => {
                scanned(&memory[..bytes / 8], stride_bytes / 8, laps, tracer)
            }
            Self::Chase { steps, .. } => chased(memory, steps, tracer),
        }
    }
}

/// Memory for a walk within `reserve`, at a multiple of 2 MiB, so that it begins with the first set of every level.
///
/// # Panics
/// Where `reserve` is not 2 MiB longer than the walk.
pub fn aligned(reserve: &mut [u64], bytes: usize) -> &mut [u64] {
    let start = reserve.as_ptr().addr();
    let skip = (start.next_multiple_of(2 * MIB) - start) / 8;
    &mut reserve[skip..skip + bytes / 8]
}

/// Memory that [`aligned`] finds room in for every pattern.
pub fn reserve() -> Vec<u64> {
    let most = PATTERNS.iter().map(|pattern| pattern.walk.bytes()).max().unwrap_or(0);
    vec![0; (most + 2 * MIB) / 8]
}

#[inline(always)]
fn load<T: Tracer>(word: &u64, tracer: &mut T) -> u64 {
    let address = std::ptr::from_ref(word).addr() as u64;
    tracer.access(Access { thread: 0, address, size_bytes: 8, kind: AccessKind::Read });
    *word
}

#[inline(never)]
fn scanned<T: Tracer>(memory: &[u64], stride: usize, laps: u64, tracer: &mut T) -> u64 {
    let mut sum = 0;
    for _ in 0..laps {
        let mut at = 0;
        while at < memory.len() {
            sum = opaque(sum ^ load(&memory[at], tracer));
            at += stride;
        }
    }
    sum
}

#[inline(never)]
fn chased<T: Tracer>(memory: &[u64], steps: u64, tracer: &mut T) -> u64 {
    let mut at = 0;
    for _ in 0..steps {
        at = opaque(load(&memory[at as usize], tracer));
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::geometry::{Holds, Level};
    use crate::simulate::{Counts, Geometry, Model, Untraced};

    fn counted(geometry: &Geometry, walk: &Walk, reserve: &mut [u64]) -> Counts {
        let memory = aligned(reserve, walk.bytes());
        walk.prepare(memory);
        let mut model = Model::new(geometry, 1);
        assert_eq!(walk.run(memory, &mut model), walk.run(memory, &mut Untraced));
        model.counts()
    }

    #[test]
    fn every_pattern_misses_what_it_does_on_paper() {
        let level = |size_bytes, ways| Level { size_bytes, ways, holds: Holds::Misses };
        let geometry = Geometry::callgrind(level(48 << 10, 12), level(32 << 20, 16), 64);
        let mut reserve = reserve();
        for pattern in PATTERNS {
            let counts = counted(&geometry, &pattern.walk, &mut reserve);
            let found = (counts.l1d_misses.reads, counts.l3_misses.reads);
            assert_eq!(found, (pattern.d1_misses, pattern.ll_misses), "{}", pattern.name);
        }
    }

    #[test]
    fn three_levels_agree_with_two_on_the_first_where_nothing_is_shared() {
        let mut reserve = reserve();
        for pattern in PATTERNS {
            let counts = counted(&Geometry::named("zen5-desktop").unwrap(), &pattern.walk, &mut reserve);
            assert_eq!(counts.l1d_misses.reads, pattern.d1_misses, "{}", pattern.name);
        }
    }

    /// The scan as one would write it that never heard of tracers.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[inline(never)]
    fn plain_scan(memory: &[u64], stride: usize, laps: u64) -> u64 {
        let mut sum = 0;
        for _ in 0..laps {
            let mut at = 0;
            while at < memory.len() {
                sum = opaque(sum ^ memory[at]);
                at += stride;
            }
        }
        sum
    }

    #[cfg(all(target_arch = "x86_64", not(miri)))]
    #[test]
    fn a_loop_that_nobody_traces_has_the_instructions_of_one_without_the_seam() {
        use crate::case::emitted::mnemonics;
        let untraced: fn(&[u64], usize, u64, &mut Untraced) -> u64 = scanned;
        let plain: fn(&[u64], usize, u64) -> u64 = plain_scan;
        let traced: fn(&[u64], usize, u64, &mut Model) -> u64 = scanned;
        assert_eq!(mnemonics(untraced as usize), mnemonics(plain as usize));
        assert!(mnemonics(traced as usize).len() > mnemonics(plain as usize).len());
    }
}
