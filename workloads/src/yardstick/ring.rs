//! A ring between threads, used from one: a few dozen instructions that a compiler may lay out in many ways.

use crate::ring_spsc::cached_index::{CachedIndex, Consumer, Producer};
use crate::ring_spsc::waiting::OnePause;
use crate::ring_spsc::{CAPACITY, Pop, Push, Spsc};
use perfbench_harness::Unavailable;
use perfbench_harness::case::Body;

/// What the table says of it.
pub const ABOUT: &str = "4,000 times push and pop of the cached-index ring on one thread";

/// Items of one operation.
pub const ITEMS: u64 = 4_000;

/// Both sides of one ring.
pub struct Ring {
    to: Producer<u64>,
    from: Consumer<u64>,
}

impl Ring {
    /// An empty ring.
    ///
    /// # Errors
    /// What the machine refused.
    pub fn new() -> Result<Self, Unavailable> {
        let (to, from) = CachedIndex::ring(CAPACITY, 0)?;
        Ok(Self { to, from })
    }
}

impl Body for Ring {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let (to, from) = (&mut self.to, &mut self.from);
        (0..ITEMS).fold(0, |sum: u64, item| {
            to.push::<OnePause>(i ^ item);
            sum.wrapping_mul(3).wrapping_add(from.pop::<OnePause>())
        })
    }
}
