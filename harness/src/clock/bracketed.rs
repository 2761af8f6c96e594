//! A clock for counting passes: each thread that runs its part of a region calls a bracket right before and right after,
//! so that a counter sees the operations and nothing of how threads are started and gathered. Its times say nothing.

use super::Source;
use super::monotonic::Monotonic;
use std::fmt;
use std::sync::Arc;

/// What is called around each thread's part of a region, on that thread.
pub trait Bracket: Send + Sync {
    /// Right before the first operation.
    fn enter(&self);

    /// Right after the last operation.
    fn leave(&self);
}

/// `CLOCK_MONOTONIC` with a bracket around each region.
#[derive(Clone)]
pub struct Bracketed {
    bracket: Arc<dyn Bracket>,
}

impl Bracketed {
    /// A clock that calls `bracket`.
    pub fn new(bracket: Arc<dyn Bracket>) -> Self {
        Self { bracket }
    }

    /// Whether two clocks call the same bracket.
    pub fn is_like(&self, other: &Bracketed) -> bool {
        Arc::ptr_eq(&self.bracket, &other.bracket)
    }
}

impl fmt::Debug for Bracketed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bracketed")
    }
}

impl Source for Bracketed {
    fn start(&self) -> u64 {
        Monotonic.start()
    }

    fn stop(&self, ops: u64) -> u64 {
        Monotonic.stop(ops)
    }

    #[inline(always)]
    fn enter(&self) {
        self.bracket.enter();
    }

    #[inline(always)]
    fn leave(&self) {
        self.bracket.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{fleet, pair, solo};
    use crate::clock::{Clock, ClockChoice};
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::thread::{ThreadId, current};

    /// Notes which thread entered and left how often.
    #[derive(Default)]
    struct Notes(Mutex<BTreeMap<String, [u32; 2]>>);

    impl Notes {
        fn count(&self, side: usize) {
            let id: ThreadId = current().id();
            self.0.lock().unwrap().entry(format!("{id:?}")).or_default()[side] += 1;
        }

        fn seen(&self) -> Vec<[u32; 2]> {
            self.0.lock().unwrap().values().copied().collect()
        }
    }

    impl Bracket for Notes {
        fn enter(&self) {
            self.count(0);
        }

        fn leave(&self) {
            self.count(1);
        }
    }

    fn add(i: u64) -> u64 {
        i + 1
    }

    #[test]
    fn each_thread_of_a_case_enters_and_leaves_once_a_batch() {
        let cases = [(solo(add), 1), (pair([0, 1], 1.0, add, add), 2), (fleet(&[0, 1, 0], vec![add; 3]), 3)];
        for (mut case, threads) in cases {
            let notes = Arc::new(Notes::default());
            let counting = Clock::around(notes.clone());
            case.batch(10, &counting);
            case.batch(10, &counting);
            assert_eq!(notes.seen(), vec![[2, 2]; threads]);
        }
    }

    #[test]
    fn a_case_that_was_timed_is_counted_and_timed_again() {
        let time = Clock::open(ClockChoice::Best);
        let notes = Arc::new(Notes::default());
        let mut case = pair([0, 1], 1.0, add, add);
        case.batch(10, &time);
        case.batch(10, &Clock::around(notes.clone()));
        assert!(case.batch(1000, &time).elapsed_ns > 0.0);
        assert_eq!(notes.seen(), [[1, 1]; 2]);
    }
}
