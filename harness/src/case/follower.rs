//! A body beside the leader's, on a thread or in a process of its own: how it is started, what it does with an order, and
//! what it leaves for the leader to read.

use super::control::{BOUNCE_ROUNDS, Control, Order, Report, Task, wait_until};
use super::open_loop::{Log, arrive};
use super::processes::Process;
use super::stamps::{histogram, record_ps};
use super::{Body, Ops, stamped_ops, timed_ops};
use crate::clock::{Clock, Source};
use crate::machine::probe::pin;
use crate::on_clock;
use hdrhistogram::Histogram;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

/// One-way bounce that a scripted clock dictates: what it says of operations must not read as a change of place.
const SCRIPTED_BOUNCE_NS: f64 = 50.0;

/// A body on a thread or in a process of its own.
pub(super) struct Follower {
    kind: Kind,
    /// Number of the batch under way.
    batch: u32,
}

enum Kind {
    Thread(Arc<Desk>, Option<JoinHandle<()>>),
    Process(Process),
}

/// What leader and thread share.
struct Desk {
    control: Control,
    clock: Mutex<Option<Clock>>,
    notes: Mutex<Notes>,
}

/// What a thread leaves of its single operations.
pub(super) struct Notes {
    /// Those of the stamped pass under way.
    pub(super) stamps: Histogram<u64>,
    /// The arrivals that it serves with its leader.
    pub(super) log: Log,
}

impl Desk {
    fn new() -> Self {
        let notes = Mutex::new(Notes { stamps: histogram(), log: Log::default() });
        Self { control: Control::new(), clock: Mutex::new(None), notes }
    }

    fn clock(&self) -> MutexGuard<'_, Option<Clock>> {
        self.clock.lock().expect("nobody panics while the clock is held")
    }

    /// Gives the thread a clock of the leader's kind and brings it to the leader's time.
    fn take_clock(&self, leaders: &Clock) {
        let mut own = self.clock();
        if !own.as_ref().is_some_and(|own| own.serves(leaders)) {
            *own = Some(leaders.fork());
        }
        own.as_ref().expect("it was set just now").align(leaders);
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().expect("a follower that panicked has ended its case")
    }

    fn serve(&self, clock: &Clock, body: &mut dyn Ops, order: Order) -> Report {
        on_clock!(clock, source => self.serve_on(source, clock, body, order))
    }

    fn serve_on<C: Source>(&self, source: &C, clock: &Clock, body: &mut dyn Ops, order: Order) -> Report {
        let mut keep_stamp = |notes: &mut Notes| {
            let stamps = &mut notes.stamps;
            stamped_ops(source, body, order.ops, |start, stop| record_ps(stamps, clock, start, stop, 1.0))
        };
        let checksum = match order.task {
            Task::Run => {
                let (start, stop, checksum) = timed_ops(source, body, order.ops, 0);
                return Report { checksum, took_ticks: stop - start };
            }
            Task::Stamp => keep_stamp(&mut self.notes()),
            Task::Arrive => {
                let mut notes = self.notes();
                source.enter();
                let checksum = arrive(source, body, order.begin_ticks, &mut notes.log);
                source.leave();
                checksum
            }
        };
        Report { checksum, took_ticks: 0 }
    }
}

impl Follower {
    pub(super) fn thread(cpu: usize, body: impl Body + Send + 'static) -> Self {
        Self::of_boxed(cpu, Box::new(body))
    }

    fn of_boxed(cpu: usize, body: Box<dyn Ops + Send>) -> Self {
        let desk = Arc::new(Desk::new());
        let shared = desk.clone();
        let thread = std::thread::spawn(move || {
            pin(cpu);
            shared.control.follow(
                &mut (body, None),
                |(_, clock)| *clock = shared.clock().clone(),
                |(body, clock), order| {
                    let clock = clock.as_ref().expect("the leader sets it before its first order");
                    shared.serve(clock, &mut **body, order)
                },
            );
        });
        Follower { kind: Kind::Thread(desk, Some(thread)), batch: 0 }
    }

    pub(super) fn process(process: Process) -> Self {
        Follower { kind: Kind::Process(process), batch: 0 }
    }

    pub(super) fn is_process(&self) -> bool {
        matches!(self.kind, Kind::Process(_))
    }

    fn control(&self) -> &Control {
        match &self.kind {
            Kind::Thread(desk, _) => &desk.control,
            Kind::Process(process) => process.control(),
        }
    }

    fn is_alive(&self) -> bool {
        match &self.kind {
            Kind::Thread(_, thread) => thread.as_ref().is_some_and(|t| !t.is_finished()),
            Kind::Process(process) => process.is_alive(),
        }
    }

    /// Brings the follower to the start of a batch.
    pub(super) fn summon(&mut self, ops: u64, task: Task, clock: &Clock) {
        if let Kind::Thread(desk, _) = &self.kind {
            desk.take_clock(clock);
        }
        self.batch = self.control().summon(ops, task);
        self.wait_until(Control::is_ready);
    }

    /// Gives the start; the follower learns the leader's reading.
    pub(super) fn start(&self, begin_ticks: u64) {
        self.control().start(self.batch, begin_ticks);
    }

    pub(super) fn wait_until_done(&self) {
        self.wait_until(Control::is_done);
    }

    /// What came of the batch; valid once done.
    pub(super) fn report(&self) -> Report {
        self.control().report()
    }

    /// What it left of its single operations, and room for the next; none in a process, which shares no memory with us.
    pub(super) fn notes(&self) -> Option<MutexGuard<'_, Notes>> {
        match &self.kind {
            Kind::Thread(desk, _) => Some(desk.notes()),
            Kind::Process(_) => None,
        }
    }

    /// One-way line bounce with the leader.
    pub(super) fn bounce_ns(&self, clock: &Clock) -> f64 {
        let alive = || self.is_alive();
        let ticks = on_clock!(clock, source => self.control().bounce_ticks(source, alive));
        match clock.scripted() {
            Some(_) => SCRIPTED_BOUNCE_NS,
            None => clock.region_ns(0, ticks) / (2 * BOUNCE_ROUNDS) as f64,
        }
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
