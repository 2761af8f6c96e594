//! How much slower a spin makes a piece of work, found by alternating both in one process: the injected slowdowns are
//! known by this, not by what a spin costs alone.

use crate::log::Effect;
use crate::work::{Batch, Work, two_cpus};
use perfbench_harness::case::Case;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::machine::probe::Pinned;
use perfbench_harness::stats::median;
use perfbench_harness::stats::order::median_interval;
use perfbench_harness::stats::random::Random;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

/// Where a tool's candidate spins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Injection {
    /// After each operation, which the tool repeats in its own loop.
    Operation,
    /// After each of perfbench's batches, as long as for each of its operations.
    Batch,
}

/// Length of a timed slot.
const SLOT_NS: f64 = 250_000.0;

/// Length of perfbench's batch.
const BATCH_NS: f64 = 100_000.0;

/// Blocks of four slots in a trace that looks for the spin, and in the one that tells what it costs.
const BLOCKS: [usize; 2] = [150, 600];

/// How often the spin is corrected.
const CORRECTIONS: usize = 3;

/// Finds the spin that makes the work slower by about `asked_percent`, and what it costs really.
pub fn calibrate(work: &Work, injection: Injection, asked_percent: f64) -> Effect {
    let [cpu, _] = two_cpus();
    let _held = Pinned::to(cpu);
    let mut pair = Pair::new(work, injection);
    let mut spins = (pair.operation_ns * asked_percent / 100.0).ceil() as u64;
    for _ in 0..CORRECTIONS {
        let percent = percent(median(&pair.trace(spins, BLOCKS[0])));
        spins = corrected(spins, percent, asked_percent);
    }
    let found = median_interval(&pair.trace(spins, BLOCKS[1]), 0.95).map(percent);
    Effect {
        work: work.name.into(),
        injection,
        asked_percent,
        spins,
        percent: found.value,
        low_percent: found.low,
        high_percent: found.high,
        operation_ns: pair.operation_ns,
    }
}

/// A slowdown in percent from a log ratio.
fn percent(log_ratio: f64) -> f64 {
    log_ratio.exp_m1() * 100.0
}

/// The spin in proportion; at most four times as long or short, because a trace may be wrong.
fn corrected(spins: u64, percent: f64, asked_percent: f64) -> u64 {
    let factor = if percent > 0.0 { (asked_percent / percent).clamp(0.25, 4.0) } else { 4.0 };
    ((spins as f64 * factor).round() as u64).max(1)
}

/// Runs so many operations and tells how long they took, ns.
type Slot = Box<dyn FnMut(u64) -> f64>;

/// One piece of work with a spin and without: both sides are the same object in the same memory.
struct Pair<'a> {
    work: &'a Work,
    injection: Injection,
    operations: u64,
    operation_ns: f64,
    random: Random,
}

impl<'a> Pair<'a> {
    fn new(work: &'a Work, injection: Injection) -> Self {
        let mut pair = Self { work, injection, operations: 10, operation_ns: 0.0, random: Random::new(1) };
        let [mut slot, _] = pair.slots(0);
        let times: Vec<f64> = (0..50).map(|_| slot(pair.operations)).collect();
        pair.operation_ns = median(&times) / pair.operations as f64;
        pair.operations = (SLOT_NS / pair.operation_ns).ceil() as u64;
        pair
    }

    /// Without the spin and with it.
    fn slots(&self, spins: u64) -> [Slot; 2] {
        match self.injection {
            Injection::Operation => self.work.without_and_with(spins).map(in_a_loop),
            Injection::Batch => {
                let batch =
                    if self.operation_ns > 0.0 { (BATCH_NS / self.operation_ns).ceil() as u64 } else { 1 };
                in_batches(self.work.case(), batch, spins)
            }
        }
    }

    /// A log ratio, with spin over without, for each block.
    fn trace(&mut self, spins: u64, blocks: usize) -> Vec<f64> {
        let mut slots = self.slots(spins);
        self.block(&mut slots);
        (0..blocks).map(|_| self.block(&mut slots)).collect()
    }

    /// ABBA or BAAB.
    fn block(&mut self, slots: &mut [Slot; 2]) -> f64 {
        let first = self.random.below(2) as usize;
        let mut spent_ns = [0.0; 2];
        for side in [first, 1 - first, 1 - first, first] {
            spent_ns[side] += slots[side](self.operations);
        }
        (spent_ns[1] / spent_ns[0]).ln()
    }
}

fn in_a_loop(mut batch: Batch) -> Slot {
    Box::new(move |operations| {
        let start = Instant::now();
        for _ in 0..operations {
            std::hint::black_box(batch());
        }
        start.elapsed().as_nanos() as f64
    })
}

/// By the harness's own loop, whose clock takes the spin in before each second reading.
fn in_batches(case: Box<dyn Case>, batch: u64, spins: u64) -> [Slot; 2] {
    let case = Rc::new(RefCell::new(case));
    [0, spins * batch].map(|spins| -> Slot {
        let (case, clock) = (case.clone(), Clock::open(ClockChoice::Best).delayed(spins));
        Box::new(move |operations| {
            let mut case = case.borrow_mut();
            (0..operations.div_ceil(batch)).map(|_| case.batch(batch, &clock).elapsed_ns).sum()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::WORKS;

    #[test]
    fn a_spin_is_corrected_in_proportion_and_within_bounds() {
        assert_eq!(corrected(100, 1.0, 2.0), 200);
        assert_eq!(corrected(100, 0.001, 2.0), 400);
        assert_eq!(corrected(100, -1.0, 2.0), 400);
        assert_eq!(corrected(100, 100.0, 2.0), 25);
        assert_eq!(corrected(0, 1.0, 1.0), 1);
    }

    #[test]
    fn both_ways_of_injecting_yield_a_ratio_for_each_block() {
        for injection in [Injection::Operation, Injection::Batch] {
            let trace = Pair::new(&WORKS[0], injection).trace(1_000, 3);
            assert!(trace.len() == 3 && trace.iter().all(|ratio| ratio.is_finite()), "{trace:?}");
        }
    }
}
