//! Loads that wait for each other, over a working set that fits the second-level cache of current cores.

use perfbench_harness::case::Body;
use perfbench_harness::stats::random::Random;

/// What the table says of it.
pub const ABOUT: &str = "10,000 dependent loads over 512 KiB";

/// Loads of one operation.
pub const LOADS: u64 = 10_000;

/// Bytes of the working set.
pub const SIZE_BYTES: usize = 512 << 10;

/// A line of which one word tells where to go next.
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line {
    next: u32,
}

/// A random cycle through all lines of the working set, and where it stands.
pub struct Chase {
    lines: Vec<Line>,
    at: u32,
}

impl Chase {
    /// The cycle of a seed.
    pub fn new(seed: u64) -> Self {
        let count = SIZE_BYTES / size_of::<Line>();
        let mut order: Vec<u32> = (0..count as u32).collect();
        Random::new(seed).shuffle(&mut order);
        let mut lines = vec![Line { next: 0 }; count];
        for (place, line) in order.iter().enumerate() {
            lines[*line as usize].next = order[(place + 1) % count];
        }
        Self { lines, at: 0 }
    }

    /// Lines that are visited before the first comes again.
    pub fn cycle_length(&self) -> usize {
        let next = |at: &u32| Some(self.lines[*at as usize].next).filter(|next| *next != 0);
        std::iter::successors(Some(0), next).count()
    }
}

impl Body for Chase {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        for _ in 0..LOADS {
            self.at = self.lines[self.at as usize].next;
        }
        u64::from(self.at)
    }
}
