//! How a leading thread drives a follower, in the same process or another: a handful of atomics on lines of their own,
//! parked between batches so that idle cases disturb nothing.

use crate::clock::Source;
use rustix::thread::futex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Round trips of one bounce probe.
pub const BOUNCE_ROUNDS: u64 = 200;

/// Length of `Run` meaning "leave".
const QUIT: u64 = u64::MAX;

#[repr(align(128))]
struct Line<T>(T);

/// What a follower is asked to do with its operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Run them.
    Run,
    /// Run them with a clock reading on each side of every one.
    Stamp,
    /// Run them and note when each has ended, for a leader that begins them by plan.
    Arrive,
}

/// One batch of a follower.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Operations.
    pub ops: u64,
    /// What to do with them.
    pub task: Task,
    /// The leader's clock reading when it gave the start.
    pub begin_ticks: u64,
}

/// What came of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Fold of all that the operations returned.
    pub checksum: u64,
    /// How long the follower itself took; none where it has no clock.
    pub took_ticks: u64,
}

/// The words that both sides share. All-zero bytes are its initial state, so fresh shared memory needs no set-up.
#[repr(C)]
pub struct Control {
    command: Line<AtomicU32>,
    ops: Line<(AtomicU64, AtomicU32)>,
    ready: Line<AtomicU32>,
    go: Line<(AtomicU32, AtomicU64)>,
    done: Line<AtomicU32>,
    report: Line<(AtomicU64, AtomicU64)>,
    ball: Line<AtomicU64>,
}

impl Control {
    /// A control block in its initial state.
    pub fn new() -> Self {
        Self {
            command: Line(AtomicU32::new(0)),
            ops: Line((AtomicU64::new(0), AtomicU32::new(0))),
            ready: Line(AtomicU32::new(0)),
            go: Line((AtomicU32::new(0), AtomicU64::new(0))),
            done: Line(AtomicU32::new(0)),
            report: Line((AtomicU64::new(0), AtomicU64::new(0))),
            ball: Line(AtomicU64::new(0)),
        }
    }

    /// Leader: wakes the follower for a batch; returns the batch's number.
    pub fn summon(&self, ops: u64, task: Task) -> u32 {
        self.ops.0.0.store(ops, Ordering::Relaxed);
        self.ops.0.1.store(task as u32, Ordering::Relaxed);
        self.ball.0.store(0, Ordering::Relaxed);
        // Release publishes `ops` and `ball`; pairs with the Acquire load in `next_command`.
        let number = self.command.0.fetch_add(1, Ordering::Release) + 1;
        // A wake that finds nobody asleep is fine: the follower compares the word before it sleeps.
        let _ = futex::wake(&self.command.0, futex::Flags::empty(), 1);
        number
    }

    /// Leader: asks the follower to leave.
    pub fn dismiss(&self) {
        self.summon(QUIT, Task::Run);
    }

    /// Leader: whether the follower stands at the start.
    pub fn is_ready(&self, number: u32) -> bool {
        // Pairs with the Release store in `follow`.
        self.ready.0.load(Ordering::Acquire) == number
    }

    /// Leader: starts the follower's loop and tells its own reading.
    pub fn start(&self, number: u32, begin_ticks: u64) {
        self.go.0.1.store(begin_ticks, Ordering::Relaxed);
        // Release publishes the reading; pairs with the Acquire load in `follow`.
        self.go.0.0.store(number, Ordering::Release);
    }

    /// Leader: whether the follower's loop has ended.
    pub fn is_done(&self, number: u32) -> bool {
        // Pairs with the Release store in `follow`; makes the report visible.
        self.done.0.load(Ordering::Acquire) == number
    }

    /// Leader: what came of the follower's batch; valid once done.
    pub fn report(&self) -> Report {
        let (checksum, took_ticks) = &self.report.0;
        // Relaxed: `is_done` made both visible.
        Report { checksum: checksum.load(Ordering::Relaxed), took_ticks: took_ticks.load(Ordering::Relaxed) }
    }

    /// Leader's side of the bounce probe: ticks for [`BOUNCE_ROUNDS`] round trips.
    pub fn bounce_ticks<C: Source>(&self, source: &C, alive: impl Fn() -> bool) -> u64 {
        self.ball.0.store(0, Ordering::Relaxed);
        let start = source.start();
        for round in 0..BOUNCE_ROUNDS {
            // The ball itself is all that is exchanged; Release and Acquire pair leader with follower each way.
            self.ball.0.store(2 * round + 1, Ordering::Release);
            wait_until(|| self.ball.0.load(Ordering::Acquire) == 2 * round + 2, &alive);
        }
        source.stop(2 * BOUNCE_ROUNDS) - start
    }

    fn return_ball(&self) {
        for round in 0..BOUNCE_ROUNDS {
            wait_until(|| self.ball.0.load(Ordering::Acquire) == 2 * round + 1, || true);
            self.ball.0.store(2 * round + 2, Ordering::Release);
        }
    }

    fn next_command(&self, last: u32) -> u32 {
        loop {
            let now = self.command.0.load(Ordering::Acquire);
            if now != last {
                return now;
            }
            // Woken, interrupted or too late: the loop reads the word again in any case.
            let _ = futex::wait(&self.command.0, futex::Flags::empty(), last, None);
        }
    }

    /// The follower's life: batches until dismissed, each done by `serve` and bracketed by the bounce probe. `prepare` is
    /// called before it stands at the start, so that nothing but the wait lies between the start and `serve`.
    pub fn follow<S>(&self, own: &mut S, prepare: impl Fn(&mut S), serve: impl Fn(&mut S, Order) -> Report) {
        let mut last = 0;
        loop {
            last = self.next_command(last);
            let ops = self.ops.0.0.load(Ordering::Relaxed);
            if ops == QUIT {
                return;
            }
            let task = Task::of(self.ops.0.1.load(Ordering::Relaxed));
            prepare(own);
            self.ready.0.store(last, Ordering::Release);
            self.return_ball();
            wait_until(|| self.go.0.0.load(Ordering::Acquire) == last, || true);
            let report = serve(own, Order { ops, task, begin_ticks: self.go.0.1.load(Ordering::Relaxed) });
            self.report.0.0.store(report.checksum, Ordering::Relaxed);
            self.report.0.1.store(report.took_ticks, Ordering::Relaxed);
            self.done.0.store(last, Ordering::Release);
            self.return_ball();
        }
    }
}

impl Task {
    fn of(word: u32) -> Task {
        let all = [Task::Run, Task::Stamp, Task::Arrive];
        *all.iter().find(|task| **task as u32 == word).expect("the leader wrote a task")
    }
}

/// Spins until `condition`, yielding after a while so that a partner on the same CPU gets its turn.
///
/// # Panics
/// Where `alive` says that the partner is gone: the condition can never come true.
pub fn wait_until(condition: impl Fn() -> bool, alive: impl Fn() -> bool) {
    let mut spins: u32 = 0;
    while !condition() {
        spins = spins.wrapping_add(1);
        if spins < 20_000 {
            std::hint::spin_loop();
            continue;
        }
        std::thread::yield_now();
        assert!(!spins.is_multiple_of(1024) || alive(), "the partner of this case died");
    }
}
