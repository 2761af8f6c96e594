//! Threads led by the measuring one: contenders with like bodies, and the machinery that pairs and processes share.

use super::control::{BOUNCE_ROUNDS, Control, wait_until};
use super::processes::Process;
use super::{Batch, Body, Bounce, Case, Fact, record_ps, run_ops, stamped_ops};
use crate::clock::{Clock, Source};
use crate::machine::probe::pin;
use crate::on_clock;
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A case of one body a CPU, started together: the first on this thread, the others pinned to `cpus[1..]`. The time is
/// from the start of the first to the end of the last, per operation of one thread.
pub fn fleet<B: Body + Send + 'static>(cpus: &[usize], mut bodies: Vec<B>) -> Box<dyn Case> {
    let others = bodies.split_off(1);
    let leader = bodies.pop().expect("a fleet has a first body");
    let followers =
        others.into_iter().zip(&cpus[1..]).map(|(body, cpu)| Follower::thread(*cpu, body)).collect();
    Box::new(Led::new(1.0, leader, followers))
}

/// A leader on this thread and its followers.
pub(super) struct Led<A> {
    units: f64,
    body: A,
    followers: Vec<Follower>,
}

/// A body on a thread or in a process of its own.
pub(super) struct Follower {
    kind: Kind,
    /// Number of the batch under way.
    batch: u32,
}

enum Kind {
    Thread(Arc<Control>, Option<JoinHandle<()>>),
    Process(Process),
}

impl Follower {
    pub(super) fn thread(cpu: usize, mut body: impl Body + Send + 'static) -> Self {
        let control = Arc::new(Control::new());
        let shared = control.clone();
        let thread = std::thread::spawn(move || {
            pin(cpu);
            shared.follow(&mut body, true);
        });
        Follower { kind: Kind::Thread(control, Some(thread)), batch: 0 }
    }

    pub(super) fn process(process: Process) -> Self {
        Follower { kind: Kind::Process(process), batch: 0 }
    }

    fn control(&self) -> &Control {
        match &self.kind {
            Kind::Thread(control, _) => control,
            Kind::Process(process) => process.control(),
        }
    }

    fn is_alive(&self) -> bool {
        match &self.kind {
            Kind::Thread(_, thread) => thread.as_ref().is_some_and(|t| !t.is_finished()),
            Kind::Process(process) => process.is_alive(),
        }
    }

    fn summon(&mut self, ops: u64) {
        self.batch = self.control().summon(ops);
        self.wait_until(Control::is_ready);
    }

    fn wait_until(&self, condition: impl Fn(&Control, u32) -> bool) {
        wait_until(|| condition(self.control(), self.batch), || self.is_alive());
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.control().dismiss();
        if let Kind::Thread(_, thread) = &mut self.kind {
            // A follower that panicked has printed its message; the leader's own wait reported it.
            let _ = thread.take().map(JoinHandle::join);
        }
    }
}

impl<A: Body> Led<A> {
    pub(super) fn new(units: f64, body: A, followers: Vec<Follower>) -> Self {
        Self { units, body, followers }
    }

    /// Brings every follower to the start, runs the leader's part between two readings, and waits for the followers.
    fn led(&mut self, ops: u64, clock: &Clock, lead: impl FnOnce(&mut A) -> u64) -> Batch {
        self.followers.iter_mut().for_each(|follower| follower.summon(ops));
        let before_ns = self.bounce_ns(clock);
        let (body, followers) = (&mut self.body, &self.followers);
        let (start, stop, checksum) = on_clock!(clock, source => {
            let start = source.start();
            followers.iter().for_each(|f| f.control().start(f.batch));
            let checksum = lead(body);
            followers.iter().for_each(|f| f.wait_until(Control::is_done));
            (start, source.stop(ops), checksum)
        });
        let checksum =
            self.followers.iter().fold(checksum, |sum, f| sum ^ f.control().checksum().rotate_left(32));
        let bounce = Some(Bounce { before_ns, after_ns: self.bounce_ns(clock) });
        Batch { elapsed_ns: clock.region_ns(start, stop), checksum, bounce }
    }

    /// One-way bounce with each follower; the slowest counts.
    fn bounce_ns(&self, clock: &Clock) -> f64 {
        let one_way = |follower: &Follower| {
            let ticks =
                on_clock!(clock, source => follower.control().bounce_ticks(source, || follower.is_alive()));
            clock.region_ns(0, ticks) / (2 * BOUNCE_ROUNDS) as f64
        };
        self.followers.iter().map(one_way).fold(0.0, f64::max)
    }
}

impl<A: Body> Case for Led<A> {
    fn batch(&mut self, ops: u64, clock: &Clock) -> Batch {
        self.led(ops, clock, |body| run_ops(body, 0, ops))
    }

    fn stamped(&mut self, ops: u64, clock: &Clock, into: &mut Histogram<u64>) -> Batch {
        let units = self.units;
        self.led(ops, clock, |body| {
            on_clock!(clock, source => stamped_ops(source, body, ops, |start, stop| record_ps(into, clock, start, stop, units)))
        })
    }

    fn units_per_op(&self) -> f64 {
        self.units
    }

    fn facts(&mut self) -> Vec<Fact> {
        self.body.facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockChoice;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn every_contender_runs_all_its_operations() {
        let clock = Clock::open(ClockChoice::Best);
        let count = Arc::new(AtomicU64::new(0));
        let body = |count: Arc<AtomicU64>| move |_| count.fetch_add(1, Ordering::Relaxed);
        let mut case = fleet(&[0, 1, 0], vec![body(count.clone()), body(count.clone()), body(count.clone())]);
        case.batch(500, &clock);
        case.batch(500, &clock);
        assert_eq!(count.load(Ordering::Relaxed), 3000);
    }
}
