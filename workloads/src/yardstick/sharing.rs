//! Two threads that write neighbouring words: work that waits for the other core.

use perfbench_harness::case::Body;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the table says of it.
pub const ABOUT: &str = "500 atomic adds of each of two threads to words of one cache line";

/// Updates of one operation of one thread.
pub const UPDATES: u64 = 500;

/// Two counters in one line.
#[derive(Default)]
#[repr(align(64))]
pub struct Counters([AtomicU64; 2]);

/// One thread's half.
pub struct Owner {
    counters: Arc<Counters>,
    side: usize,
}

/// Both halves of fresh counters.
pub fn owners() -> [Owner; 2] {
    let counters = Arc::new(Counters::default());
    [0, 1].map(|side| Owner { counters: counters.clone(), side })
}

impl Body for Owner {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        // Relaxed: the counter publishes nothing.
        (0..UPDATES).fold(0, |_, _| self.counters.0[self.side].fetch_add(1, Ordering::Relaxed))
    }
}
