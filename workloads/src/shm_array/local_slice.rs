//! A slice that belongs to this process alone.

use super::Array;
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "a boxed slice of this process";

/// The slice.
pub struct LocalSlice(Box<[u64]>);

impl Array for LocalSlice {
    fn zeros(len: usize) -> Result<Self, Unavailable> {
        Ok(Self(vec![0; len].into()))
    }

    #[inline(always)]
    fn get(&self, index: usize) -> Option<u64> {
        self.0.get(index).copied()
    }

    fn set(&mut self, index: usize, value: u64) -> bool {
        self.0.get_mut(index).map(|element| *element = value).is_some()
    }

    #[inline(always)]
    fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, value| sum.wrapping_add(*value))
    }
}
