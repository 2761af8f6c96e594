//! What the machine can do at best, measured in every run: the denominators of all results. One file a kind of limit,
//! one line a limit in [`LIMITS`].

mod bandwidth;
mod bounce;
mod chain;
mod kernel;
mod mapping;
mod repeat;
mod staircase;
mod steps;

use super::Machine;
use super::probe::Pinned;
use crate::clock::Clock;
use crate::record::Limit;
use crate::stats::interval::Interval;
use crate::unavailable::Unavailable;
use staircase::Staircase;
use std::cell::OnceCell;

/// What one limit is and how it is found.
struct Entry {
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    /// Value under the scripted clock.
    scripted: f64,
    measure: fn(&Bench) -> Result<Found, Unavailable>,
}

/// Every limit, in the order in which they are measured and shown.
#[rustfmt::skip]
static LIMITS: &[Entry] = &[
    Entry { name: "clock_add", unit: "ns", scripted: 0.25, measure: chain::clock_add,
        about: "one dependent add: a cycle of the core at its speed in this run" },
    Entry { name: "imul_adds", unit: "adds", scripted: 3.0, measure: chain::imul_adds,
        about: "one dependent 64-bit multiply, in dependent adds: shows that the timing can be trusted" },
    Entry { name: "empty_body", unit: "ns", scripted: 0.5, measure: chain::empty_body,
        about: "one turn of the timing loop around nothing" },
    Entry { name: "timer", unit: "ns", scripted: 10.0, measure: kernel::timer,
        about: "one reading of the run's clock" },
    Entry { name: "syscall", unit: "ns", scripted: 100.0, measure: kernel::syscall,
        about: "the cheapest system call (getppid)" },
    Entry { name: "page_fault", unit: "ns", scripted: 500.0, measure: kernel::page_fault,
        about: "first touch of a fresh anonymous page of base size" },
    Entry { name: "l1_latency", unit: "ns", scripted: 1.0, measure: staircase::l1_latency,
        about: "a load that hits the first-level cache, address known from the load before" },
    Entry { name: "l1_size", unit: "KiB", scripted: 32.0, measure: staircase::l1_size,
        about: "largest chase that stays on the first step of the staircase" },
    Entry { name: "l2_latency", unit: "ns", scripted: 3.5, measure: staircase::l2_latency,
        about: "a load that hits the second-level cache" },
    Entry { name: "l2_size", unit: "KiB", scripted: 1024.0, measure: staircase::l2_size,
        about: "largest chase that stays on the second step of the staircase" },
    Entry { name: "l3_latency", unit: "ns", scripted: 12.0, measure: staircase::l3_latency,
        about: "a load that hits the third-level cache" },
    Entry { name: "dram_latency", unit: "ns", scripted: 100.0, measure: staircase::dram_latency,
        about: "a load that misses every cache (huge pages asked for, so few page walks)" },
    Entry { name: "read_bandwidth", unit: "GB/s", scripted: 32.0, measure: bandwidth::read,
        about: "one thread reading memory beyond the caches in order" },
    Entry { name: "write_bandwidth", unit: "GB/s", scripted: 32.0, measure: bandwidth::write,
        about: "one thread filling memory beyond the caches (memset)" },
    Entry { name: "copy_bandwidth", unit: "GB/s", scripted: 16.0, measure: bandwidth::copy,
        about: "one thread copying memory beyond the caches (memcpy); each byte copied counts once" },
    Entry { name: "line_bounce", unit: "ns", scripted: 50.0, measure: bounce::line_bounce,
        about: "one way of a cache line between the first two CPUs" },
];

/// What a limit is measured with.
struct Bench<'a> {
    machine: &'a Machine,
    cpus: &'a [usize],
    clock: &'a Clock,
    staircase: OnceCell<Result<Staircase, Unavailable>>,
}

/// What came of measuring a limit.
struct Found {
    value: Interval,
    note: Option<String>,
    curve: Vec<[f64; 2]>,
}

impl Found {
    fn new(value: Interval) -> Self {
        Self { value, note: None, curve: Vec::new() }
    }

    fn noted(self, note: String) -> Self {
        Self { note: Some(note), ..self }
    }
}

/// Measures every limit with the calling thread on the first of `cpus`, telling `done` of each as it is known. Bounds
/// are the least and the greatest of the repeats unless the limit's note says otherwise. Takes some 5 s; the thread's
/// affinity is restored. Under a scripted clock nothing is measured and every value is dictated.
pub fn measure(machine: &Machine, cpus: &[usize], clock: &Clock, done: &mut dyn FnMut(Limit)) {
    if clock.scripted().is_some() {
        LIMITS.iter().for_each(|entry| done(entry.limit(Ok(Found::new(Interval::exact(entry.scripted))))));
        return;
    }
    let _pinned = cpus.first().map(|cpu| Pinned::to(*cpu));
    let bench = Bench { machine, cpus, clock, staircase: OnceCell::new() };
    LIMITS.iter().for_each(|entry| done(entry.limit((entry.measure)(&bench))));
}

/// The names of all limits, for tables that refer to them.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIMITS.iter().map(|entry| entry.name)
}

impl Entry {
    fn limit(&self, found: Result<Found, Unavailable>) -> Limit {
        let (value, note, curve) = match found {
            Ok(found) => (Ok(found.value), found.note, found.curve),
            Err(unavailable) => (Err(unavailable), None, Vec::new()),
        };
        let text = |text: &str| text.to_owned();
        Limit { name: text(self.name), about: text(self.about), unit: text(self.unit), value, note, curve }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockChoice;

    fn all(choice: ClockChoice) -> Vec<Limit> {
        let machine = crate::machine::probe();
        let mut limits = Vec::new();
        measure(&machine, &machine.cpus, &Clock::open(choice), &mut |limit| limits.push(limit));
        limits
    }

    #[test]
    fn a_scripted_clock_dictates_every_limit_and_measures_none() {
        let limits = all(ClockChoice::Scripted(1));
        assert_eq!(limits, all(ClockChoice::Scripted(2)));
        assert_eq!(limits.len(), LIMITS.len());
        assert!(limits.iter().all(|limit| limit.value.is_ok()));
    }

    #[test]
    fn no_two_limits_share_a_name() {
        let mut names: Vec<_> = LIMITS.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LIMITS.len());
    }
}
