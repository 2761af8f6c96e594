//! Two sides with different bodies: producer and consumer, sender and echo. Here the second is a pinned thread; in
//! `processes` it is a process.

use super::control::Task;
use super::fleet::Led;
use super::follower::Follower;
use super::stamps::record_ps;
use super::{Batch, Body, Case, Fact, Stamps, stamped_ops};
use crate::clock::Clock;
use crate::on_clock;

/// A case of a leading body, timed on this thread, and a following one on a thread of its own pinned to `cpus[1]`.
/// One operation of the leader is `units` units of work. Every batch is bracketed by the line-bounce probe.
pub fn pair(
    cpus: [usize; 2],
    units: f64,
    leader: impl Body + 'static,
    follower: impl Body + Send + 'static,
) -> Box<dyn Case> {
    Box::new(Pair::new(units, leader, vec![Follower::thread(cpus[1], follower)]))
}

/// A leader on this thread, one operation of which is `units` units of work, and those that follow it.
pub(super) struct Pair {
    units: f64,
    led: Led,
}

impl Pair {
    pub(super) fn new(units: f64, leader: impl Body + 'static, followers: Vec<Follower>) -> Self {
        Self { units, led: Led::new(leader, followers) }
    }
}

impl Case for Pair {
    fn batch(&mut self, ops: u64, clock: &Clock) -> Batch {
        self.led.plain(ops, clock)
    }

    fn stamped(&mut self, ops: u64, clock: &Clock, into: &mut Stamps) -> Batch {
        let units = self.units;
        self.led.led(ops, Task::Run, clock, |body, _| {
            on_clock!(clock, source => stamped_ops(source, body, ops, |start, stop| record_ps(&mut into.all, clock, start, stop, units)))
        })
    }

    fn units_per_op(&self) -> f64 {
        self.units
    }

    fn is_of_one_process(&self) -> bool {
        !self.led.followers.iter().any(Follower::is_process)
    }

    fn facts(&mut self) -> Vec<Fact> {
        self.led.body.facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Stamps;
    use crate::clock::{Clock, ClockChoice};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn counting_pair(sum: &Arc<AtomicU64>) -> Box<dyn Case> {
        let (a, b) = (sum.clone(), sum.clone());
        pair(
            [0, 1],
            1.0,
            move |i| a.fetch_add(i, Ordering::Relaxed),
            move |i| b.fetch_add(1000 + i, Ordering::Relaxed),
        )
    }

    #[test]
    fn both_sides_run_all_operations_in_every_batch() {
        let clock = Clock::open(ClockChoice::Best);
        let sum = Arc::new(AtomicU64::new(0));
        let mut case = counting_pair(&sum);
        for _ in 0..20 {
            let batch = case.batch(100, &clock);
            assert!(batch.elapsed_ns > 0.0 && batch.bounce.is_some());
        }
        assert_eq!(sum.load(Ordering::Relaxed), 20 * (4950 + 4950 + 100 * 1000));
    }

    #[test]
    fn a_stamped_batch_keeps_the_follower_in_step() {
        let clock = Clock::open(ClockChoice::Best);
        let sum = Arc::new(AtomicU64::new(0));
        let mut into = Stamps::default();
        counting_pair(&sum).stamped(50, &clock, &mut into);
        assert_eq!(into.all.len(), 50);
        assert_eq!(sum.load(Ordering::Relaxed), 1225 + 1225 + 50 * 1000);
    }
}
