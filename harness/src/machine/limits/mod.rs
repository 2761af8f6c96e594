//! What the machine can do at best, measured in every run: the denominators of all results. One file a kind of limit,
//! one line a limit in [`LIMITS`].

mod bandwidth;
mod bounce;
mod chain;
mod chase;
mod kernel;
mod latency;
pub(crate) mod mapping;
mod repeat;
mod staircase;
mod steps;
mod stream;
pub mod truths;
mod unit;

use super::Machine;
use super::probe::Pinned;
use crate::clock::Clock;
use crate::record::{self, CorePair, Limit, SPREAD_WANTED};
use crate::stats::interval::Interval;
use crate::unavailable::Unavailable;
use repeat::Gauge;
use staircase::Staircase;
use std::cell::OnceCell;

/// What one limit is and how it is found.
struct Entry {
    name: &'static str,
    unit: &'static str,
    about: &'static str,
    /// Value under the scripted clock.
    scripted: f64,
    measure: fn(&Bench) -> Result<Way, Unavailable>,
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
    Entry { name: "atomic_rmw", unit: "ns", scripted: 2.0, measure: chain::atomic_rmw,
        about: "one atomic addition to a word that no other core wants" },
    Entry { name: "aes_round", unit: "ns", scripted: 0.03125, measure: unit::aes_round,
        about: "one AES round of one block, with the widest instruction there is and the unit always busy" },
    Entry { name: "clmul", unit: "ns", scripted: 0.125, measure: unit::clmul,
        about: "one carry-less product of 64 by 64 bits, with the widest instruction there is and the unit always busy" },
    Entry { name: "timer", unit: "ns", scripted: 10.0, measure: kernel::timer,
        about: "one reading of the run's clock" },
    Entry { name: "syscall", unit: "ns", scripted: 100.0, measure: kernel::syscall,
        about: "the cheapest system call (getppid)" },
    Entry { name: "page_fault", unit: "ns", scripted: 500.0, measure: kernel::page_fault,
        about: "first touch of a fresh anonymous page of base size" },
    Entry { name: "l1_latency", unit: "ns", scripted: 1.0, measure: latency::l1,
        about: "a load that hits the first-level cache, address known from the load before" },
    Entry { name: "l1_size", unit: "KiB", scripted: 32.0, measure: staircase::l1_size,
        about: "largest chase that stays on the first step of the staircase" },
    Entry { name: "l2_latency", unit: "ns", scripted: 3.5, measure: latency::l2,
        about: "a load that hits the second-level cache" },
    Entry { name: "l2_size", unit: "KiB", scripted: 1024.0, measure: staircase::l2_size,
        about: "largest chase that stays on the second step of the staircase" },
    Entry { name: "l3_latency", unit: "ns", scripted: 12.0, measure: latency::l3,
        about: "a load that hits the third-level cache" },
    Entry { name: "dram_latency", unit: "ns", scripted: 100.0, measure: latency::dram,
        about: "a load that misses every cache (huge pages asked for, so few page walks)" },
    Entry { name: "read_bandwidth", unit: "GB/s", scripted: 32.0, measure: bandwidth::read,
        about: "one thread reading memory beyond the caches in order" },
    Entry { name: "write_bandwidth", unit: "GB/s", scripted: 32.0, measure: bandwidth::write,
        about: "one thread filling memory beyond the caches (memset)" },
    Entry { name: "copy_bandwidth", unit: "GB/s", scripted: 16.0, measure: bandwidth::copy,
        about: "one thread copying memory beyond the caches (memcpy); each byte copied counts once" },
    Entry { name: "line_bounce", unit: "ns", scripted: 50.0, measure: bounce::line_bounce,
        about: "one way of a cache line between the first two CPUs" },
    Entry { name: "line_stream", unit: "GB/s", scripted: 16.0, measure: stream::line_stream,
        about: "words streamed from the first CPU to the second through a ring of 8 KiB, a chunk at a time" },
];

/// What a limit is measured with.
struct Bench<'a> {
    machine: &'a Machine,
    cpus: &'a [usize],
    clock: &'a Clock,
    staircase: OnceCell<Result<Staircase, Unavailable>>,
}

/// How a limit is had.
enum Way {
    /// By a visit every lap.
    Visits(Box<dyn Gauge>),
    /// It is known already.
    Once(Found),
}

impl Way {
    fn visits(gauge: impl Gauge + 'static) -> Self {
        Way::Visits(Box::new(gauge))
    }
}

/// What came of measuring a limit.
struct Found {
    value: Interval,
    repeats: Vec<f64>,
    note: Option<String>,
    curve: Vec<[f64; 2]>,
    pairs: Vec<CorePair>,
}

impl Found {
    fn new(value: Interval) -> Self {
        Self { value, repeats: Vec::new(), note: None, curve: Vec::new(), pairs: Vec::new() }
    }

    /// The median of the repeats in some visits, each the median of its visits.
    fn of(visits: &[f64]) -> Self {
        Self::at(0.5, visits)
    }

    /// The same where each repeat is another quantile of its visits.
    fn at(q: f64, visits: &[f64]) -> Self {
        Self::repeated(repeat::repeats(visits, q))
    }

    /// The median of repeats.
    fn repeated(repeats: Vec<f64>) -> Self {
        let value = repeat::spread(&repeats);
        Self { repeats, ..Self::new(value) }
    }

    fn noted(self, note: impl Into<Option<String>>) -> Self {
        Self { note: note.into(), ..self }
    }
}

/// Measures every limit with the calling thread on the first of `cpus`, then tells `done` of each. Bounds are the least
/// and the greatest of the repeats unless the limit's note says otherwise. Takes some 8 s; the thread's affinity is
/// restored. Under a scripted clock nothing is measured and every value is dictated; on an emulated machine none has one.
pub fn measure(machine: &Machine, cpus: &[usize], clock: &Clock, done: &mut dyn FnMut(Limit)) {
    if clock.scripted().is_some() {
        LIMITS.iter().for_each(|entry| done(entry.limit(Ok(Found::new(Interval::exact(entry.scripted))))));
        return;
    }
    if let Some(why) = machine.timeless() {
        LIMITS.iter().for_each(|entry| done(entry.limit(Err(why.clone()))));
        return;
    }
    let _pinned = cpus.first().map(|cpu| Pinned::to(*cpu));
    let bench = Bench { machine, cpus, clock, staircase: OnceCell::new() };
    let mut courses: Vec<Course> = LIMITS.iter().map(|entry| Course::new((entry.measure)(&bench))).collect();
    let start_ns = clock.now_ns();
    (0..repeat::LAPS)
        .take_while(|_| clock.now_ns() - start_ns < repeat::LAST_LAP_NS)
        .for_each(|_| courses.iter_mut().for_each(|course| course.visit(&bench)));
    LIMITS.iter().zip(courses).for_each(|(entry, course)| done(entry.limit(course.found())));
}

/// A limit on its way and the visits made so far.
struct Course {
    way: Result<Way, Unavailable>,
    visits: Vec<f64>,
}

impl Course {
    fn new(way: Result<Way, Unavailable>) -> Self {
        Self { way, visits: Vec::new() }
    }

    /// A visit that fails ends the course: the limit is what the failure says.
    fn visit(&mut self, bench: &Bench) {
        let Ok(Way::Visits(gauge)) = &mut self.way else { return };
        match gauge.visit(bench) {
            Ok(value) => self.visits.push(value),
            Err(why) => self.way = Err(why),
        }
    }

    fn found(self) -> Result<Found, Unavailable> {
        Ok(match self.way? {
            Way::Visits(gauge) => gauge.found(&self.visits),
            Way::Once(found) => found,
        })
    }
}

/// The names of all limits, for tables that refer to them.
pub fn names() -> impl Iterator<Item = &'static str> {
    LIMITS.iter().map(|entry| entry.name)
}

impl Entry {
    fn limit(&self, found: Result<Found, Unavailable>) -> Limit {
        let (name, about, unit) = (self.name.to_owned(), self.about.to_owned(), self.unit.to_owned());
        match found {
            Ok(Found { value, repeats, note, curve, pairs }) => {
                let note = warned(note, record::spread(&repeats, value.value));
                Limit { name, about, unit, value: Ok(value), note, curve, repeats, pairs }
            }
            Err(why) => {
                let (curve, repeats, pairs) = (Vec::new(), Vec::new(), Vec::new());
                Limit { name, about, unit, value: Err(why), note: None, curve, repeats, pairs }
            }
        }
    }
}

/// A note, with the spread where it is wider than wanted.
fn warned(note: Option<String>, spread: Option<f64>) -> Option<String> {
    let wide = spread.filter(|spread| *spread > SPREAD_WANTED);
    let warning = wide.map(|spread| format!("its repeats lie {:.1} % apart", 100.0 * spread));
    let all: Vec<String> = note.into_iter().chain(warning).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockChoice;
    use crate::unavailable::Reason;

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
    fn an_emulated_machine_has_no_limit_and_says_why() {
        let machine = Machine { emulator: Some("QEMU TCG".into()), ..Machine::scripted() };
        let mut limits = Vec::new();
        measure(&machine, &[0], &Clock::open(ClockChoice::Best), &mut |limit| limits.push(limit));
        let emulated = |limit: &Limit| limit.value.as_ref().is_err_and(|why| why.reason == Reason::Emulated);
        assert!(limits.len() == LIMITS.len() && limits.iter().all(emulated));
    }

    #[test]
    fn no_two_limits_share_a_name() {
        let mut names: Vec<_> = LIMITS.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LIMITS.len());
    }
}
