//! Operations that arrive by plan, whether or not the one before has ended: latency counts from the planned beginning, so
//! a stall is felt by all that arrive meanwhile. A loop that waits for each operation before it begins the next one feels
//! a stall once, however long it is (coordinated omission; G. Tene, "How NOT to Measure Latency").

use super::control::Task;
use super::fleet::Led;
use super::follower::Follower;
use super::stamps::record_ps;
use super::{Arrivals, Batch, Body, Case, Fact, Ops, Rate, Stamps, fold};
use crate::clock::{Clock, Source};
use crate::on_clock;
use crate::stats;

/// A case on the measuring thread alone whose operations arrive by plan. A batch's figure is the median latency; the
/// stamped pass keeps every latency, and as the part `service` the time from each operation's actual beginning. Facts:
/// `arrivals_per_s`, and `late_percent`, the share that began more than a mean gap after its planned time.
pub fn open_loop(arrivals: Arrivals, body: impl Body + 'static) -> Box<dyn Case> {
    Box::new(OpenLoop::new(arrivals, Alone { body: Box::new(body) }))
}

/// A case of two pinned threads: items arrive by plan at the leader's body, and each has been served when the follower's
/// operation of the same number ends. The follower waits for its items awake, as its body does.
pub fn open_pair(
    cpus: [usize; 2],
    arrivals: Arrivals,
    leader: impl Body + 'static,
    follower: impl Body + Send + 'static,
) -> Box<dyn Case> {
    let led = Led::new(leader, vec![Follower::thread(cpus[1], follower)]);
    Box::new(OpenLoop::new(arrivals, Relay { led }))
}

/// From the reading that begins a schedule to its first arrival, ns: all sides stand ready by then.
const LEAD_IN_NS: f64 = 2000.0;

/// Operations that arrive at once when capacity is measured; few enough to fit into any queue that is timed.
const BURST_OPS: u64 = 256;

/// Bursts whose median is the capacity, after one that warms up.
const BURSTS: usize = 8;

/// Arrivals that a log has room for from the start, so that none of the counting passes allocates.
const ROOM: usize = 16_384;

/// Times of one schedule, one entry an arrival.
pub(super) struct Log {
    /// The reading from which `planned_ticks` count.
    begin_ticks: u64,
    /// When each should begin.
    planned_ticks: Vec<u64>,
    /// Readings when each began.
    starts: Vec<u64>,
    /// Readings when each had been served.
    stops: Vec<u64>,
}

impl Default for Log {
    fn default() -> Self {
        let room = || Vec::with_capacity(ROOM);
        Self { begin_ticks: 0, planned_ticks: room(), starts: room(), stops: room() }
    }
}

impl Log {
    /// Plans anew and makes room for the readings, so that no page is touched for the first time in the loop.
    fn plan(&mut self, planned_ticks: impl Iterator<Item = u64>) {
        self.planned_ticks.clear();
        self.planned_ticks.extend(planned_ticks);
        for readings in [&mut self.starts, &mut self.stops] {
            readings.clear();
            readings.resize(self.planned_ticks.len(), 0);
        }
    }

    fn due(&self, arrival: usize) -> u64 {
        self.begin_ticks + self.planned_ticks[arrival]
    }

    /// Planned beginning and end of each.
    fn latencies(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.stops.iter().enumerate().map(|(arrival, stop)| (self.due(arrival), *stop))
    }

    /// Actual beginning and end of each.
    fn services(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.starts.iter().copied().zip(self.stops.iter().copied())
    }

    /// Arrivals that began more than so many ticks after their planned time.
    fn later_than(&self, ticks: u64) -> usize {
        (0..self.starts.len()).filter(|arrival| self.starts[*arrival] > self.due(*arrival) + ticks).count()
    }
}

/// Who serves arrivals.
trait Server {
    /// Serves what the log plans and notes when each began and ended.
    fn serve(&mut self, log: &mut Log, clock: &Clock) -> Batch;

    /// The body that arrivals reach first.
    fn body(&mut self) -> &mut dyn Ops;
}

struct Alone {
    body: Box<dyn Ops>,
}

impl Server for Alone {
    fn serve(&mut self, log: &mut Log, clock: &Clock) -> Batch {
        let (checksum, stop) = on_clock!(clock, source => {
            log.begin_ticks = source.start();
            source.enter();
            let checksum = serve_each(source, &mut *self.body, log);
            source.leave();
            (checksum, source.stop(0))
        });
        let elapsed_ns = clock.region_ns(log.begin_ticks, stop);
        Batch { elapsed_ns, latency_ns: None, checksum, bounce: None }
    }

    fn body(&mut self) -> &mut dyn Ops {
        &mut *self.body
    }
}

/// The loop of one thread: wait for the planned time, a reading on each side of the operation.
#[inline(always)]
fn serve_each<C: Source>(source: &C, body: &mut dyn Ops, log: &mut Log) -> u64 {
    let mut checksum = 0;
    let times = log.planned_ticks.iter().zip(&mut log.starts).zip(&mut log.stops);
    for (i, ((planned, start), stop)) in (0..).zip(times) {
        *start = source.reach(log.begin_ticks + planned);
        let value = body.run(i, 1);
        *stop = source.stop(1);
        checksum = fold(checksum, value);
    }
    checksum
}

struct Relay {
    led: Led,
}

impl Relay {
    fn follower(&self) -> &Follower {
        &self.led.followers[0]
    }
}

impl Server for Relay {
    fn serve(&mut self, log: &mut Log, clock: &Clock) -> Batch {
        let ops = log.planned_ticks.len() as u64;
        let notes = |follower: &Follower, take: &mut dyn FnMut(&mut Log)| {
            take(&mut follower.notes().expect("the follower is a thread").log);
        };
        notes(self.follower(), &mut |theirs| theirs.plan(log.planned_ticks.iter().copied()));
        let batch = self.led.led(ops, Task::Arrive, clock, |body, begin_ticks| {
            log.begin_ticks = begin_ticks;
            on_clock!(clock, source => send_each(source, body, log))
        });
        notes(self.follower(), &mut |theirs| std::mem::swap(&mut theirs.stops, &mut log.stops));
        batch
    }

    fn body(&mut self) -> &mut dyn Ops {
        &mut *self.led.body
    }
}

/// The leader's loop: wait for the planned time, begin.
#[inline(always)]
fn send_each<C: Source>(source: &C, body: &mut dyn Ops, log: &mut Log) -> u64 {
    let mut checksum = 0;
    for (i, (planned, start)) in (0..).zip(log.planned_ticks.iter().zip(&mut log.starts)) {
        *start = source.reach(log.begin_ticks + planned);
        checksum = fold(checksum, body.run(i, 1));
    }
    checksum
}

/// The follower's loop: end what has begun, note when. Nothing ends before its planned time, so the wait returns at once
/// where time is real; a scripted clock moves on by it.
#[inline(always)]
pub(super) fn arrive<C: Source>(source: &C, body: &mut dyn Ops, begin_ticks: u64, log: &mut Log) -> u64 {
    let mut checksum = 0;
    for (i, (planned, stop)) in (0..).zip(log.planned_ticks.iter().zip(&mut log.stops)) {
        let value = body.run(i, 1);
        source.reach(begin_ticks + planned);
        *stop = source.stop(1);
        checksum = fold(checksum, value);
    }
    checksum
}

struct OpenLoop<S> {
    server: S,
    cycle_ops: u64,
    arrivals: Arrivals,
    /// Mean time between arrivals; found when the case first runs.
    gap_ns: Option<f64>,
    log: Log,
    /// Room to find a median in.
    scratch: Vec<f64>,
    late: u64,
    served: u64,
}

impl<S: Server> OpenLoop<S> {
    fn new(arrivals: Arrivals, mut server: S) -> Self {
        let cycle_ops = server.body().cycle_ops();
        let scratch = Vec::with_capacity(ROOM);
        Self { server, cycle_ops, arrivals, gap_ns: None, log: Log::default(), scratch, late: 0, served: 0 }
    }

    fn run(&mut self, ops: u64, clock: &Clock) -> Batch {
        let gap_ns = self.gap_ns(clock);
        let (mut due, mean) = (clock.ticks(LEAD_IN_NS), clock.ticks(gap_ns));
        let arrivals = &mut self.arrivals;
        let gap = |_| {
            due += arrivals.gap(mean);
            due as u64
        };
        self.log.plan((0..ops).map(gap));
        let batch = self.server.serve(&mut self.log, clock);
        self.late += self.log.later_than(mean as u64) as u64;
        self.served += ops;
        Batch { latency_ns: Some(self.median_latency_ns(clock)), ..batch }
    }

    fn median_latency_ns(&mut self, clock: &Clock) -> f64 {
        self.scratch.clear();
        self.scratch.extend(self.log.latencies().map(|(due, stop)| clock.region_ns(due, stop)));
        let middle = self.scratch.len() / 2;
        if self.scratch.is_empty() {
            return 0.0;
        }
        *self.scratch.select_nth_unstable_by(middle, f64::total_cmp).1
    }

    fn gap_ns(&mut self, clock: &Clock) -> f64 {
        let gap_ns = self.gap_ns.unwrap_or_else(|| match self.arrivals.rate {
            Rate::PerSecond(rate) => 1e9 / rate,
            Rate::OfCapacity(share) => self.capacity_ns(clock) / share,
        });
        *self.gap_ns.insert(gap_ns)
    }

    /// Time per operation where all arrive at once: what the case can serve, readings included.
    fn capacity_ns(&mut self, clock: &Clock) -> f64 {
        let bursts: Vec<f64> = (0..=BURSTS).map(|_| self.burst_ns(clock)).collect();
        stats::median(&bursts[1..])
    }

    fn burst_ns(&mut self, clock: &Clock) -> f64 {
        let due = clock.ticks(LEAD_IN_NS) as u64;
        self.log.plan((0..BURST_OPS).map(|_| due));
        self.server.serve(&mut self.log, clock);
        let last = *self.log.stops.last().expect("a burst has a last operation");
        clock.region_ns(self.log.due(0), last) / BURST_OPS as f64
    }
}

impl<S: Server> Case for OpenLoop<S> {
    fn batch(&mut self, ops: u64, clock: &Clock) -> Batch {
        self.run(ops, clock)
    }

    fn stamped(&mut self, ops: u64, clock: &Clock, into: &mut Stamps) -> Batch {
        let batch = self.run(ops, clock);
        self.log.latencies().for_each(|(due, stop)| record_ps(&mut into.all, clock, due, stop, 1.0));
        let service = into.part("service");
        self.log.services().for_each(|(start, stop)| record_ps(service, clock, start, stop, 1.0));
        batch
    }

    fn cycle_ops(&self) -> u64 {
        self.cycle_ops
    }

    fn facts(&mut self) -> Vec<Fact> {
        let mut facts = self.server.body().facts();
        if let (Some(gap_ns), 1..) = (self.gap_ns, self.served) {
            facts.push(Fact::new("arrivals_per_s", "1/s", 1e9 / gap_ns));
            facts.push(Fact::new("late_percent", "%", 100.0 * self.late as f64 / self.served as f64));
        }
        facts
    }
}

#[cfg(test)]
mod tests;
