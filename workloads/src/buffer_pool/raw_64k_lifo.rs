//! The same pool with a stack of idle messages: the one returned last, and still in the cache, comes next.

use super::pool::Order;
use super::raw_pool::{FreeList, RawPool};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "the same, idle ones on a stack, last in first out";

/// The pool.
pub type Raw64kLifo = RawPool<Stack>;

/// The first `len` entries are idle, the top last.
pub struct Stack {
    indices: Box<[u32]>,
    len: usize,
}

impl FreeList for Stack {
    const ORDER: Order = Order::Lifo;

    fn full(buffers: usize) -> Result<Self, Unavailable> {
        Ok(Self { indices: (0..buffers as u32).rev().collect(), len: buffers })
    }

    #[inline(always)]
    fn take(&mut self) -> Option<u32> {
        let top = self.len.checked_sub(1)?;
        self.len = top;
        Some(self.indices[top])
    }

    #[inline(always)]
    fn give(&mut self, index: u32) {
        self.indices[self.len] = index;
        self.len += 1;
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.indices)
    }
}
