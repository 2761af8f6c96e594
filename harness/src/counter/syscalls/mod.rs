//! Calls of the kernel, counted one by one: the proof that a loop makes none. There are three ways to see them, and the
//! first that this user may use is taken; each shows in every pass that it sees planted calls, or says nothing.

mod calls;
#[cfg(target_arch = "x86_64")]
mod dispatch;
#[cfg(target_arch = "x86_64")]
pub(super) mod gate;
mod ledger;
mod names;
mod seccomp;
mod tracepoint;

pub use ledger::yield_turn;

use super::{Counter, Event, Group, Place, Reading, Selection, Source, canary};
use crate::clock::Bracket;
use crate::unavailable::{Reason, Unavailable};
use ledger::{Counted, Ledger};
use std::sync::{Arc, LazyLock};

/// A way to see system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Signals for calls from outside a small range of code: exact, tells which calls, leaves nothing behind.
    Dispatch,
    /// The kernel's tracepoint, where this user may count the kernel: exact, does not tell which calls.
    Tracepoint,
    /// Held calls that another thread counts: exact, tells which calls, stays on the process until it ends.
    Seccomp,
    /// The tracepoint as a user opens it who may not count the kernel: sees nothing, ever. Only for the test of canaries.
    BlindTracepoint,
}

impl Way {
    /// The ways that count, the best first.
    pub const ALL: [Way; 3] = [Way::Dispatch, Way::Tracepoint, Way::Seccomp];

    fn name(self) -> &'static str {
        match self {
            Way::Dispatch => "syscall user dispatch",
            Way::Tracepoint => "tracepoint raw_syscalls:sys_enter",
            Way::Seccomp => "seccomp notification",
            Way::BlindTracepoint => "tracepoint without sight of the kernel",
        }
    }

    fn watch(self) -> ledger::Open {
        match self {
            #[cfg(target_arch = "x86_64")]
            Way::Dispatch => dispatch::watch,
            #[cfg(not(target_arch = "x86_64"))]
            Way::Dispatch => |_| Err(no_dispatch()),
            Way::Tracepoint => tracepoint::watch,
            Way::Seccomp => seccomp::watch,
            Way::BlindTracepoint => tracepoint::blind,
        }
    }

    /// Whether this way is open to this user, without going it: a filter would stay.
    fn supported(self) -> Result<(), Unavailable> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Way::Dispatch => dispatch::supported(),
            #[cfg(not(target_arch = "x86_64"))]
            Way::Dispatch => Err(no_dispatch()),
            Way::Tracepoint | Way::BlindTracepoint => region(self).map(drop),
            Way::Seccomp => seccomp::supported(),
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn no_dispatch() -> Unavailable {
    Unavailable::new(Reason::Unsupported, "syscall user dispatch is used on x86-64 alone; another way counts")
}

/// The best way here, or why there is none.
static BEST: LazyLock<Result<Way, Unavailable>> = LazyLock::new(|| {
    let refusals = Way::ALL.map(|way| way.supported().map(|()| way));
    if let Some(way) = refusals.iter().find_map(|found| found.clone().ok()) {
        return Ok(way);
    }
    let words: Vec<_> = refusals.into_iter().filter_map(|found| Some(found.err()?.detail)).collect();
    Err(Unavailable::new(Reason::Unsupported, words.join("; ")))
});

/// System calls of the threads that take part.
#[derive(Debug)]
pub struct Syscalls {
    way: Option<Way>,
}

/// In the best way.
pub static SYSCALLS: Syscalls = Syscalls { way: None };

impl Syscalls {
    /// In this way and no other.
    pub const fn by(way: Way) -> Self {
        Self { way: Some(way) }
    }

    fn way(&self) -> Result<Way, Unavailable> {
        self.way.map_or_else(|| BEST.clone(), Ok)
    }
}

static EVENTS: [Event; 1] =
    [Event { name: "syscalls", about: "calls of the kernel; what the vDSO answers is none" }];

/// How many times longer an operation that calls the kernel takes while its calls are held: some 10 us a call (2-core
/// virtual machine), where the cheapest takes 0.1 us by itself.
const HELD: f64 = 50.0;

impl Source for Syscalls {
    fn name(&self) -> &'static str {
        "syscalls"
    }

    fn group(&self) -> Group {
        Group::Syscalls
    }

    fn events(&self) -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn place(&self) -> Place {
        if self.way() == Ok(Way::Seccomp) { Place::Own } else { Place::Shared }
    }

    fn slowdown(&self) -> f64 {
        if self.way() == Ok(Way::Seccomp) { HELD } else { 1.0 }
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        Ok(Box::new(region(self.way()?)?))
    }
}

/// Opens a way for the calling thread and shows that it sees exactly the calls that are planted.
fn region(way: Way) -> Result<Region, Unavailable> {
    let region = Region { way, ledger: Arc::new(Ledger::new(way.watch())?) };
    region.ledger.enter();
    let planted = canary::CALLS.plant();
    region.ledger.leave();
    let counted = region.ledger.counted()?.threads.into_iter().sum::<u64>();
    canary::believed(&canary::CALLS, planted, counted as f64)?;
    Ok(region)
}

struct Region {
    way: Way,
    ledger: Arc<Ledger>,
}

impl Counter for Region {
    fn start(&mut self) {
        self.ledger.clear();
    }

    fn bracket(&self) -> Option<Arc<dyn Bracket>> {
        Some(self.ledger.clone())
    }

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        let name = EVENTS[0].name;
        vec![match self.ledger.counted() {
            Err(reason) => Reading::absent(name, reason),
            Ok(counted) => {
                let sum = counted.threads.iter().sum();
                let threads = told_apart(&counted.threads);
                Reading { threads, ..Reading::software(name, sum).by(method(self.way, counted, ops)) }
            }
        }]
    }
}

/// Each thread's count, where there are several.
fn told_apart(threads: &[u64]) -> Vec<f64> {
    let several = threads.len() > 1;
    threads.iter().filter(|_| several).map(|count| *count as f64).collect()
}

fn method(way: Way, counted: Counted, ops: u64) -> String {
    let mut words = vec![way.name().to_owned()];
    if !counted.calls.is_empty() {
        words.push(format!("{} in {ops} operations", counted.calls));
    }
    words.extend(counted.left_out);
    if way == Way::Seccomp && !seccomp::is_patient() {
        words.push("calls that a signal interrupts may count twice on this kernel".into());
    }
    words.join("; ")
}
