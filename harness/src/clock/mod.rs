//! Time sources, one file each, behind one enum that timing loops are monomorphised over. Reading happens in `case`.

pub mod bracketed;
#[cfg(target_arch = "aarch64")]
pub mod cntvct;
pub mod monotonic;
pub mod scripted;
pub mod spent;
#[cfg(target_arch = "x86_64")]
pub mod tsc;

pub use bracketed::Bracket;
pub use spent::Spent;

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A counter that can be read around a region.
pub trait Source {
    /// Reads before the region: nothing of the region may start earlier.
    fn start(&self) -> u64;
    /// Reads after the region of `ops` operations: all of the region has ended. Only the scripted clock uses `ops`.
    fn stop(&self, ops: u64) -> u64;
    /// Tells whoever counts that this thread begins its operations; nothing on a clock that only times.
    #[inline(always)]
    fn enter(&self) {}
    /// Tells whoever counts that this thread has ended its operations.
    #[inline(always)]
    fn leave(&self) {}
    /// Waits, awake, until the clock reads at least `due`, and hands over that reading.
    #[inline(always)]
    fn reach(&self, due: u64) -> u64 {
        loop {
            let now = self.start();
            if now >= due {
                return now;
            }
        }
    }
}

/// One of the time sources.
#[derive(Debug, Clone)]
pub enum Kind {
    /// The fenced x86 time stamp counter.
    #[cfg(target_arch = "x86_64")]
    Tsc(tsc::Tsc),
    /// The ARM virtual counter.
    #[cfg(target_arch = "aarch64")]
    Cntvct(cntvct::Cntvct),
    /// `CLOCK_MONOTONIC` through the vDSO.
    Monotonic(monotonic::Monotonic),
    /// Time that a seed dictates, for tests.
    Scripted(scripted::Scripted),
    /// No time worth telling: calls a counter's bracket around each thread's operations.
    Bracketed(bracketed::Bracketed),
}

/// A time source with its calibration. A clone reads the same time.
#[derive(Debug, Clone)]
pub struct Clock {
    kind: Kind,
    ns_per_tick: f64,
    overhead_ticks: u64,
    spins: u64,
}

/// Which source to use, as a request states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockChoice {
    /// The best that the machine has.
    #[default]
    Best,
    /// `CLOCK_MONOTONIC` even where a counter is at hand.
    Monotonic,
    /// Time dictated by a seed; results are marked so.
    Scripted(u64),
}

/// What the record says of the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// `tsc`, `cntvct`, `monotonic`, `scripted`.
    pub name: String,
    /// Why this source and not a better one.
    pub why: String,
    /// Length of a tick.
    pub ns_per_tick: f64,
    /// Cost of a start/stop pair around nothing, subtracted from every region.
    pub overhead_ns: f64,
    /// Smallest step seen between two readings that differ.
    pub resolution_ns: f64,
}

/// Runs an expression with the concrete source of a [`Clock`], so that no dispatch stands inside a timed region.
#[macro_export]
macro_rules! on_clock {
    ($clock:expr, $source:ident => $body:expr) => {
        match $clock.kind() {
            #[cfg(target_arch = "x86_64")]
            $crate::clock::Kind::Tsc($source) => $body,
            #[cfg(target_arch = "aarch64")]
            $crate::clock::Kind::Cntvct($source) => $body,
            $crate::clock::Kind::Monotonic($source) => $body,
            $crate::clock::Kind::Scripted($source) => $body,
            $crate::clock::Kind::Bracketed($source) => $body,
        }
    };
}

impl Clock {
    /// Opens and calibrates the source that the request asks for.
    pub fn open(choice: ClockChoice) -> Clock {
        match choice {
            ClockChoice::Scripted(seed) => Clock {
                kind: Kind::Scripted(scripted::Scripted::new(seed)),
                ns_per_tick: scripted::NS_PER_TICK,
                overhead_ticks: 0,
                spins: 0,
            },
            ClockChoice::Monotonic => Clock::calibrated(Kind::Monotonic(monotonic::Monotonic), 1.0),
            ClockChoice::Best => best(),
        }
    }

    fn calibrated(kind: Kind, ns_per_tick: f64) -> Clock {
        let mut clock = Clock { kind, ns_per_tick, overhead_ticks: 0, spins: 0 };
        clock.overhead_ticks = clock.pair_cost();
        clock
    }

    /// The same clock, around regions that each take `spins` dependent multiplications longer: a slowdown of known cause.
    pub fn delayed(self, spins: u64) -> Clock {
        Clock { spins, ..self }
    }

    /// A clock for a counting pass, which calls `bracket` around each thread's operations.
    pub fn around(bracket: Arc<dyn Bracket>) -> Clock {
        let kind = Kind::Bracketed(bracketed::Bracketed::new(bracket));
        Clock { kind, ns_per_tick: 1.0, overhead_ticks: 0, spins: 0 }
    }

    /// Whether a follower that has this clock serves a leader that has `main`: both time, or both call the same bracket.
    pub(crate) fn serves(&self, main: &Clock) -> bool {
        match (&self.kind, &main.kind) {
            (Kind::Bracketed(own), Kind::Bracketed(main)) => own.is_like(main),
            (own, main) => std::mem::discriminant(own) == std::mem::discriminant(main),
        }
    }

    /// Multiplications to add to every region.
    pub(crate) fn spins(&self) -> u64 {
        self.spins
    }

    /// A clock whose tick length and overhead are already known (a fresh launch inherits its parent's).
    pub fn inherit(choice: ClockChoice, facts: &ClockFacts) -> Clock {
        let kind = match choice {
            ClockChoice::Scripted(seed) => Kind::Scripted(scripted::Scripted::new(seed)),
            _ => kind_named(&facts.name),
        };
        let overhead_ticks = (facts.overhead_ns / facts.ns_per_tick).round() as u64;
        Clock { kind, ns_per_tick: facts.ns_per_tick, overhead_ticks, spins: 0 }
    }

    /// The concrete source, for [`on_clock!`].
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The scripted source, where that is what this clock is.
    pub fn scripted(&self) -> Option<&scripted::Scripted> {
        match &self.kind {
            Kind::Scripted(source) => Some(source),
            _ => None,
        }
    }

    /// Nanoseconds of a region between two readings, less the cost of the pair.
    pub fn region_ns(&self, start: u64, stop: u64) -> f64 {
        stop.saturating_sub(start).saturating_sub(self.overhead_ticks) as f64 * self.ns_per_tick
    }

    /// A length of time in ticks of this clock.
    pub fn ticks(&self, ns: f64) -> f64 {
        ns / self.ns_per_tick
    }

    /// A clock for another thread of the same case: the same counter where time is real, a time line of its own where a
    /// script dictates it, so that what one thread reads does not hang on how far the other has come.
    pub fn fork(&self) -> Clock {
        let kind = match &self.kind {
            Kind::Scripted(source) => Kind::Scripted(source.fork()),
            real => real.clone(),
        };
        Clock { kind, ..*self }
    }

    /// Brings a fork to where the script of `main` stands now; nothing where time is real.
    pub fn align(&self, main: &Clock) {
        if let (Some(own), Some(main)) = (self.scripted(), main.scripted()) {
            own.align(main);
        }
    }

    /// A reading in nanoseconds since an arbitrary start, for deadlines; never for results.
    pub fn now_ns(&self) -> f64 {
        on_clock!(self, source => source.stop(0)) as f64 * self.ns_per_tick
    }

    /// The clock's share of the record.
    pub fn facts(&self) -> ClockFacts {
        ClockFacts {
            name: self.name().into(),
            why: self.why().into(),
            ns_per_tick: self.ns_per_tick,
            overhead_ns: self.overhead_ticks as f64 * self.ns_per_tick,
            resolution_ns: self.resolution_ticks() as f64 * self.ns_per_tick,
        }
    }

    fn name(&self) -> &'static str {
        match self.kind {
            #[cfg(target_arch = "x86_64")]
            Kind::Tsc(_) => "tsc",
            #[cfg(target_arch = "aarch64")]
            Kind::Cntvct(_) => "cntvct",
            Kind::Monotonic(_) => "monotonic",
            Kind::Scripted(_) => "scripted",
            Kind::Bracketed(_) => "bracketed",
        }
    }

    fn why(&self) -> &'static str {
        match self.kind {
            #[cfg(target_arch = "x86_64")]
            Kind::Tsc(_) => "invariant time stamp counter, fenced, calibrated against CLOCK_MONOTONIC",
            #[cfg(target_arch = "aarch64")]
            Kind::Cntvct(_) => "architectural virtual counter at its stated frequency",
            Kind::Monotonic(_) => "no invariant counter, or CLOCK_MONOTONIC was asked for",
            Kind::Scripted(_) => "time dictated by a seed, not measured",
            Kind::Bracketed(_) => "a counting pass, whose times say nothing",
        }
    }

    /// Mean cost of a pair over the cheaper half of many: the least alone would be below the truth by up to the clock's
    /// grain, and the dearer half holds the interrupts.
    fn pair_cost(&self) -> u64 {
        let mut costs: Vec<u64> = (0..4096).map(|_| self.empty_region()).collect();
        costs.sort_unstable();
        let cheap = &costs[..costs.len() / 2];
        (cheap.iter().sum::<u64>() as f64 / cheap.len() as f64).round() as u64
    }

    fn empty_region(&self) -> u64 {
        on_clock!(self, source => {
            let start = source.start();
            source.stop(0).saturating_sub(start)
        })
    }

    fn resolution_ticks(&self) -> u64 {
        if self.scripted().is_some() {
            return 1;
        }
        on_clock!(self, source => {
            (0..256).map(|_| { let a = source.stop(0); loop { let b = source.stop(0); if b != a { break b - a } } }).min().unwrap_or(1)
        })
    }
}

#[cfg(target_arch = "x86_64")]
fn best() -> Clock {
    match tsc::calibrate() {
        Some(ns_per_tick) => Clock::calibrated(Kind::Tsc(tsc::Tsc), ns_per_tick),
        None => Clock::calibrated(Kind::Monotonic(monotonic::Monotonic), 1.0),
    }
}

#[cfg(target_arch = "aarch64")]
fn best() -> Clock {
    Clock::calibrated(Kind::Cntvct(cntvct::Cntvct), cntvct::ns_per_tick())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn best() -> Clock {
    Clock::calibrated(Kind::Monotonic(monotonic::Monotonic), 1.0)
}

fn kind_named(name: &str) -> Kind {
    match name {
        #[cfg(target_arch = "x86_64")]
        "tsc" => Kind::Tsc(tsc::Tsc),
        #[cfg(target_arch = "aarch64")]
        "cntvct" => Kind::Cntvct(cntvct::Cntvct),
        _ => Kind::Monotonic(monotonic::Monotonic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_clock_agrees_with_the_monotonic_one_within_a_thousandth() {
        let clock = Clock::open(ClockChoice::Best);
        // An interrupt between the readings of the two clocks spoils a try, not the clock.
        let best = (0..10).map(|_| disagreement(&clock)).fold(f64::MAX, f64::min);
        assert!(best < 1e-3, "{best}");
    }

    fn disagreement(clock: &Clock) -> f64 {
        let wall = std::time::Instant::now();
        let start = clock.now_ns();
        while wall.elapsed().as_millis() < 20 {
            std::hint::spin_loop();
        }
        let elapsed = clock.now_ns() - start;
        (elapsed / wall.elapsed().as_nanos() as f64 - 1.0).abs()
    }

    #[test]
    fn a_scripted_clock_tells_the_same_story_twice() {
        let story = |seed| {
            let clock = Clock::open(ClockChoice::Scripted(seed));
            clock.scripted().unwrap().begin("some/row", 5.0);
            (0..100).map(|_| on_clock!(clock, c => { let a = c.start(); c.stop(10) - a })).collect::<Vec<_>>()
        };
        assert_eq!(story(7), story(7));
        assert_ne!(story(7), story(8));
    }
}
