//! Threads led by the measuring one: contenders with like bodies, and the leading that pairs and processes share.

use super::control::Task;
use super::follower::Follower;
use super::stamps::{histogram, record_ps};
use super::{Batch, Body, Bounce, Case, Fact, Ops, Stamps, delay, stamped_ops};
use crate::clock::{Clock, Source};
use crate::on_clock;

/// A case of one body a CPU, started together: the first on this thread, the others pinned to `cpus[1..]`. The time is
/// from the start of the first to the end of the last, per operation of one thread. In the stamped pass every thread
/// stamps its own operations; the fact `fairness` is the slowest thread's own time over the quickest one's.
pub fn fleet<B: Body + Send + 'static>(cpus: &[usize], bodies: impl IntoIterator<Item = B>) -> Box<dyn Case> {
    let mut bodies = bodies.into_iter();
    let leader = bodies.next().expect("a fleet has a first body");
    let mut followers = Vec::new();
    for (body, cpu) in bodies.zip(&cpus[1..]) {
        followers.push(Follower::thread(*cpu, body));
    }
    Box::new(Fleet { led: Led::new(leader, followers) })
}

/// A leader on this thread and its followers.
pub(super) struct Led {
    pub(super) body: Box<dyn Ops>,
    pub(super) followers: Vec<Follower>,
    /// Own time of each thread over all batches, the leader first.
    took_ticks: Vec<u64>,
}

impl Led {
    pub(super) fn new(body: impl Body + 'static, followers: Vec<Follower>) -> Self {
        Self::of_boxed(Box::new(body), followers)
    }

    fn of_boxed(body: Box<dyn Ops>, followers: Vec<Follower>) -> Self {
        let took_ticks = vec![0; 1 + followers.len()];
        Self { body, followers, took_ticks }
    }

    /// Brings every follower to the start, runs the leader's part between two readings, and waits for the followers.
    /// `lead` is told the first reading, as they are.
    pub(super) fn led(
        &mut self,
        ops: u64,
        task: Task,
        clock: &Clock,
        lead: impl FnOnce(&mut dyn Ops, u64) -> u64,
    ) -> Batch {
        self.followers.iter_mut().for_each(|follower| follower.summon(ops, task, clock));
        let before_ns = self.bounce_ns(clock);
        let (body, followers) = (&mut *self.body, &self.followers);
        let (start, own, stop, checksum) = on_clock!(clock, source => {
            let start = source.start();
            followers.iter().for_each(|follower| follower.start(start));
            source.enter();
            let checksum = lead(body, start);
            source.leave();
            let own = source.stop(ops);
            followers.iter().for_each(Follower::wait_until_done);
            delay(clock.spins());
            (start, own, source.stop(0), checksum)
        });
        let bounce = Some(Bounce { before_ns, after_ns: self.bounce_ns(clock) });
        let checksum = self.take_reports(own - start, checksum);
        Batch { elapsed_ns: clock.region_ns(start, stop), latency_ns: None, checksum, bounce }
    }

    fn take_reports(&mut self, own_ticks: u64, checksum: u64) -> u64 {
        self.took_ticks[0] += own_ticks;
        let reports = self.followers.iter().map(Follower::report);
        reports.zip(&mut self.took_ticks[1..]).fold(checksum, |sum, (report, took_ticks)| {
            *took_ticks += report.took_ticks;
            sum ^ report.checksum.rotate_left(32)
        })
    }

    /// One-way bounce with each follower; the slowest counts.
    fn bounce_ns(&self, clock: &Clock) -> f64 {
        self.followers.iter().map(|follower| follower.bounce_ns(clock)).fold(0.0, f64::max)
    }

    /// A batch without a reading inside.
    pub(super) fn plain(&mut self, ops: u64, clock: &Clock) -> Batch {
        self.led(ops, Task::Run, clock, |body, _| body.run(0, ops))
    }
}

/// Contenders.
struct Fleet {
    led: Led,
}

impl Case for Fleet {
    fn batch(&mut self, ops: u64, clock: &Clock) -> Batch {
        self.led.plain(ops, clock)
    }

    fn stamped(&mut self, ops: u64, clock: &Clock, into: &mut Stamps) -> Batch {
        let mut own = histogram();
        for mut notes in self.led.followers.iter().filter_map(Follower::notes) {
            notes.stamps.reset();
        }
        let batch = self.led.led(ops, Task::Stamp, clock, |body, _| {
            on_clock!(clock, source => stamped_ops(source, body, ops, |start, stop| record_ps(&mut own, clock, start, stop, 1.0)))
        });
        into.add_part("thread 0", &own);
        for (index, notes) in self.led.followers.iter().filter_map(Follower::notes).enumerate() {
            into.add_part(&format!("thread {}", index + 1), &notes.stamps);
        }
        batch
    }

    fn facts(&mut self) -> Vec<Fact> {
        let mut facts = self.led.body.facts();
        facts.extend(fairness(&self.led.took_ticks).map(|value| Fact::new("fairness", "x", value)));
        facts
    }
}

/// The slowest thread's time over the quickest one's; none before all have run.
fn fairness(took_ticks: &[u64]) -> Option<f64> {
    let (slowest, quickest) = (*took_ticks.iter().max()?, *took_ticks.iter().min()?);
    (quickest > 0).then(|| slowest as f64 / quickest as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockChoice;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn counters(count: &Arc<AtomicU64>, threads: usize) -> Box<dyn Case> {
        let body = |count: Arc<AtomicU64>| move |_| count.fetch_add(1, Ordering::Relaxed);
        fleet(&[0, 1, 0][..threads], (0..threads).map(|_| body(count.clone())))
    }

    #[test]
    fn every_contender_runs_all_its_operations() {
        let clock = Clock::open(ClockChoice::Best);
        let count = Arc::new(AtomicU64::new(0));
        let mut case = counters(&count, 3);
        case.batch(500, &clock);
        case.batch(500, &clock);
        assert_eq!(count.load(Ordering::Relaxed), 3000);
    }

    #[test]
    fn every_contender_stamps_its_own_operations_each_pass_anew() {
        let clock = Clock::open(ClockChoice::Best);
        let count = Arc::new(AtomicU64::new(0));
        let (mut case, mut into) = (counters(&count, 3), Stamps::default());
        case.stamped(40, &clock, &mut into);
        case.stamped(60, &clock, &mut into);
        assert_eq!(count.load(Ordering::Relaxed), 300);
        assert_eq!(into.all.len(), 300);
        let parts: Vec<_> = into.parts.iter().map(|(name, part)| (name.as_str(), part.len())).collect();
        assert_eq!(parts, [("thread 0", 100), ("thread 1", 100), ("thread 2", 100)]);
    }

    #[test]
    fn fairness_is_the_slowest_threads_time_over_the_quickest_ones() {
        assert_eq!(fairness(&[30, 20, 25]), Some(1.5));
        assert_eq!(fairness(&[30, 0]), None);
    }

    #[test]
    fn threads_of_one_script_are_fair_once_they_have_run() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        let mut case = counters(&Arc::new(AtomicU64::new(0)), 3);
        assert!(case.facts().is_empty());
        case.batch(100, &clock);
        let facts = case.facts();
        assert_eq!(facts[0].name, "fairness");
        assert!((facts[0].value - 1.0).abs() < 0.03, "{facts:?}");
    }
}
