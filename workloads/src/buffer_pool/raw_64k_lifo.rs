//! The same pool with a stack of idle messages: the one returned last, and still in the cache, comes next.

use super::message::Mark;
use super::pool::Order;
use super::raw_pool::{FreeList, RawPool};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "the same, idle ones on a stack, last in first out";

/// The pool.
pub type Raw64kLifo = RawPool<Stack>;

/// The message returned last in a field of its own, so that a message that comes and goes moves no height; below it the
/// first `len` entries, the top last.
pub struct Stack {
    hottest: Mark,
    entries: Box<[Mark]>,
    len: usize,
}

/// No message: no pool has that many.
const NONE: Mark = Mark::new(u32::MAX, u32::MAX);

impl FreeList for Stack {
    const ORDER: Order = Order::Lifo;

    fn full(buffers: usize) -> Result<Self, Unavailable> {
        let entries = (0..buffers as u32).rev().map(|index| Mark::new(index, 0)).collect();
        Ok(Self { hottest: NONE, entries, len: buffers })
    }

    #[inline(always)]
    fn take(&mut self) -> Option<Mark> {
        let hottest = self.hottest;
        if hottest != NONE {
            self.hottest = NONE;
            return Some(hottest);
        }
        let top = self.len.checked_sub(1)?;
        self.len = top;
        Some(self.entries[top])
    }

    #[inline(always)]
    fn give(&mut self, idle: Mark) {
        if self.hottest != NONE {
            self.entries[self.len] = self.hottest;
            self.len += 1;
        }
        self.hottest = idle;
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.entries)
    }
}
