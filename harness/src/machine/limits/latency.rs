//! Load latency level by level: chases of one size each, well inside the level's step of the staircase, in another
//! part of the memory and another order at every visit.

use super::chase::{LINE_BYTES, LOADS, chase};
use super::mapping::{Mapping, Pages};
use super::repeat::{Gauge, fastest};
use super::staircase::{size_note, staircase};
use super::steps::{Step, level};
use super::{Bench, Found, Way};
use crate::unavailable::Unavailable;
use std::cell::RefCell;
use std::rc::Rc;

/// Loads of one timing, short against a scheduler's tick, and timings of which the fastest is one visit.
const TIMED_LOADS: u64 = 16 * LOADS;
const TIMINGS: usize = 12;

/// Chases begin at multiples of this: the size of a huge page on most machines.
const WINDOW_BYTES: usize = 2 << 20;

/// How many times the level below a chase is: that level then holds little of it, and the level itself all of it.
const TIMES_BELOW: f64 = 3.0;

/// The same where every load goes to memory. Before the whole cycle is through, no line is met again.
const TIMED_MISSES: u64 = 2 * LOADS;

/// A cache that others share is only ever made slower by them: of its visits this quantile counts.
const SHARED_QUANTILE: f64 = 0.1;

pub fn l1(bench: &Bench) -> Result<Way, Unavailable> {
    let curve = staircase(bench)?.curve.clone();
    Ok(Way::visits(Level { curve, ..Level::new(bench, 1)? }))
}

pub fn l2(bench: &Bench) -> Result<Way, Unavailable> {
    Ok(Way::visits(Level::new(bench, 2)?))
}

pub fn l3(bench: &Bench) -> Result<Way, Unavailable> {
    let level = Level::new(bench, 3)?;
    let size = size_note(bench, 3, &staircase(bench)?.step(3)?);
    let note = format!("{}, their fastest tenth; {size}", level.note);
    Ok(Way::visits(Level { note, quantile: SHARED_QUANTILE, ..level }))
}

/// Chases of one size.
struct Level {
    memory: Rc<RefCell<Mapping>>,
    size_bytes: usize,
    visits: usize,
    quantile: f64,
    note: String,
    curve: Vec<[f64; 2]>,
}

impl Level {
    fn new(bench: &Bench, level: u8) -> Result<Self, Unavailable> {
        let (stairs, size_bytes) = (staircase(bench)?, size_bytes(bench, level)?);
        let note = format!("chases of {} KiB", size_bytes >> 10);
        Ok(Self {
            memory: stairs.memory.clone(),
            size_bytes,
            visits: 0,
            quantile: 0.5,
            note,
            curve: Vec::new(),
        })
    }

    /// Where the next chase begins.
    fn window_bytes(&self) -> usize {
        let memory = self.memory.borrow();
        let first = memory.address().next_multiple_of(WINDOW_BYTES) - memory.address();
        let windows = memory.size_bytes().saturating_sub(first + self.size_bytes) / WINDOW_BYTES;
        first + self.visits % windows.max(1) * WINDOW_BYTES
    }
}

impl Gauge for Level {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let mut case = chase(&self.memory, self.window_bytes(), self.size_bytes, self.visits as u64);
        self.visits += 1;
        let lap = (self.size_bytes / LINE_BYTES) as u64;
        case.batch(lap.div_ceil(LOADS), bench.clock);
        Ok(fastest(&mut *case, TIMED_LOADS / LOADS, TIMINGS, bench.clock) / LOADS as f64)
    }

    fn found(&self, visits: &[f64]) -> Found {
        Found { curve: self.curve.clone(), ..Found::at(self.quantile, visits).noted(self.note.clone()) }
    }
}

/// The size to chase for a level: a multiple of the level below, half the size of the first, and never off the step.
fn size_bytes(bench: &Bench, level: u8) -> Result<usize, Unavailable> {
    let step = staircase(bench)?.step(level)?;
    let wanted_kib =
        if level == 1 { step.to_kib / 2.0 } else { TIMES_BELOW * staircase(bench)?.step(level - 1)?.to_kib };
    Ok(on_step_kib(&step, wanted_kib) << 10)
}

fn on_step_kib(step: &Step, wanted_kib: f64) -> usize {
    wanted_kib.clamp(step.from_kib, step.to_kib) as usize / 4 * 4
}

pub fn dram(bench: &Bench) -> Result<Way, Unavailable> {
    let size_bytes =
        (bench.machine.memory_bytes / 16).clamp(64 << 20, 256 << 20) as usize & !(WINDOW_BYTES - 1);
    let memory = Rc::new(RefCell::new(Mapping::new(size_bytes, Pages::Huge)?));
    let last = staircase(bench)?.step(level::DRAM).map(|step| format!("{:.0} ns", step.latency_ns.value));
    let last = last.unwrap_or_else(|_| "no step of memory".into());
    let note = format!("a chase of {} MiB; the staircase ends on {last}", size_bytes >> 20);
    Ok(Way::visits(Dram { case: chase(&memory, 0, size_bytes, 1), note }))
}

/// One long chase through memory, a stretch of it at every visit.
struct Dram {
    case: Box<dyn crate::case::Case>,
    note: String,
}

impl Gauge for Dram {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        Ok(fastest(&mut *self.case, TIMED_MISSES / LOADS, TIMINGS, bench.clock) / LOADS as f64)
    }

    fn note(&self, _: f64) -> Option<String> {
        Some(self.note.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::Interval;

    #[test]
    fn a_chase_stays_on_its_step() {
        let step = Step { from_kib: 56.0, to_kib: 128.0, beyond_kib: None, latency_ns: Interval::exact(3.0) };
        let sizes = [150.0, 100.0, 20.0].map(|wanted| on_step_kib(&step, wanted));
        assert_eq!(sizes, [128, 100, 56]);
    }
}
