//! Ten thousand dependent multiplications: work that knows neither memory nor branches.

use perfbench_harness::case::{Body, opaque};

/// What the table says of it.
pub const ABOUT: &str = "10,000 dependent multiply-and-xor steps";

/// Steps of one operation.
pub const STEPS: u64 = 10_000;

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// The chain; it keeps nothing between operations.
pub struct Compute;

impl Body for Compute {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        (0..STEPS).fold(i, |value, step| opaque(value.wrapping_mul(FACTOR) ^ step))
    }
}
