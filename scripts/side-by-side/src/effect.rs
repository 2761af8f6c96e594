//! How much slower a spin makes a piece of work, found by alternating both in one process: the injected slowdowns are
//! known by this, not by what a spin costs alone.

use crate::log::Effect;
use crate::work::{Batch, Work};
use perfbench_harness::machine::probe::Pinned;
use perfbench_harness::stats::median;
use perfbench_harness::stats::random::Random;
use std::time::Instant;

/// Length of a timed slot.
const SLOT_NS: f64 = 250_000.0;

/// Blocks of four slots in a trace that looks for the spin, and in the one that tells what it costs.
const BLOCKS: [usize; 2] = [150, 600];

/// How often the spin is corrected.
const CORRECTIONS: usize = 3;

/// Finds the spin that makes the work slower by about `asked_percent`, and what it costs really.
pub fn calibrate(work: &Work, asked_percent: f64, cpu: usize) -> Effect {
    let _held = Pinned::to(cpu);
    let mut pair = Pair::new(work);
    let mut spins = (pair.batch_ns * asked_percent / 100.0).ceil() as u64;
    for _ in 0..CORRECTIONS {
        let percent = percent(median(&pair.trace(spins, BLOCKS[0])));
        spins = corrected(spins, percent, asked_percent);
    }
    let trace = pair.trace(spins, BLOCKS[1]);
    let [low, high] = median_interval(&trace);
    Effect {
        work: work.name.into(),
        asked_percent,
        spins,
        percent: percent(median(&trace)),
        low_percent: percent(low),
        high_percent: percent(high),
        batch_ns: pair.batch_ns,
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

/// The 95 % interval of a median by order statistics: the sign test turned around, by its normal approximation.
fn median_interval(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let reach = 0.98 * n.sqrt();
    let at = |rank: f64| sorted[rank.clamp(0.0, n - 1.0) as usize];
    [at((n / 2.0 - reach).floor()), at((n / 2.0 + reach).ceil())]
}

/// One piece of work whose batches can be followed by a spin or not: both sides are the same object in the same memory.
struct Pair<'a> {
    work: &'a Work,
    batches: u64,
    batch_ns: f64,
    random: Random,
}

impl<'a> Pair<'a> {
    fn new(work: &'a Work) -> Self {
        let mut pair = Self { work, batches: 10, batch_ns: 0.0, random: Random::new(1) };
        let mut batch = work.with_spins(0);
        let times: Vec<f64> = (0..50).map(|_| pair.slot_ns(&mut batch)).collect();
        pair.batch_ns = median(&times) / pair.batches as f64;
        pair.batches = (SLOT_NS / pair.batch_ns).ceil() as u64;
        pair
    }

    /// A log ratio, with spin over without, for each block.
    fn trace(&mut self, spins: u64, blocks: usize) -> Vec<f64> {
        let mut sides = self.work.without_and_with(spins);
        self.block(&mut sides);
        (0..blocks).map(|_| self.block(&mut sides)).collect()
    }

    /// ABBA or BAAB.
    fn block(&mut self, sides: &mut [Batch; 2]) -> f64 {
        let first = self.random.below(2) as usize;
        let mut spent_ns = [0.0; 2];
        for side in [first, 1 - first, 1 - first, first] {
            spent_ns[side] += self.slot_ns(&mut sides[side]);
        }
        (spent_ns[1] / spent_ns[0]).ln()
    }

    fn slot_ns(&self, batch: &mut Batch) -> f64 {
        let start = Instant::now();
        for _ in 0..self.batches {
            std::hint::black_box(batch());
        }
        start.elapsed().as_nanos() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_median_is_the_sign_tests() {
        // Ranks 40 and 61 of 100 (Conover 1999, table A3), counted from one.
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(median_interval(&values), [41.0, 61.0]);
    }

    #[test]
    fn a_spin_is_corrected_in_proportion_and_within_bounds() {
        assert_eq!(corrected(100, 1.0, 2.0), 200);
        assert_eq!(corrected(100, 0.001, 2.0), 400);
        assert_eq!(corrected(100, -1.0, 2.0), 400);
        assert_eq!(corrected(100, 100.0, 2.0), 25);
        assert_eq!(corrected(0, 1.0, 1.0), 1);
    }
}
