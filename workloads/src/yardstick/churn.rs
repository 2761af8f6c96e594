//! Allocations of mixed sizes that are freed in another order: work whose speed depends on where a process's heap lies.

use perfbench_harness::case::Body;
use perfbench_harness::stats::random::Random;
use std::hint::black_box;

/// What the table says of it.
pub const ABOUT: &str = "1,000 allocations of 16 to 1,039 bytes, each freed, through the system allocator";

/// Allocations of one operation, each of which replaces and frees an older block.
pub const ALLOCATIONS: usize = 1_000;

/// Blocks alive at any time.
const ALIVE: usize = 64;

/// The live blocks, and sizes and places drawn in advance.
pub struct Churn {
    blocks: Vec<Vec<u8>>,
    steps: Vec<(u16, u16)>,
}

impl Churn {
    /// The sizes and places of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut step = || (random.below(ALIVE as u64) as u16, 16 + random.below(1024) as u16);
        Self { steps: (0..ALLOCATIONS).map(|_| step()).collect(), blocks: vec![Vec::new(); ALIVE] }
    }
}

impl Body for Churn {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        let mut sum = 0;
        for (place, size_bytes) in &self.steps {
            let mut block = Vec::with_capacity(usize::from(*size_bytes));
            block.push(*place as u8);
            sum += black_box(&block).capacity() as u64;
            self.blocks[usize::from(*place)] = block;
        }
        sum
    }
}
