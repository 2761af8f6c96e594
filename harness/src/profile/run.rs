//! Batches for a profile: long enough to hold many samples, sampled ones and, where the cost of sampling is asked for,
//! others in turns with them.

use crate::case::Case;
use crate::clock::Clock;

/// Length of a batch.
const BATCH_NS: f64 = 20e6;

/// What came of the batches.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ran {
    /// Units of work in sampled batches.
    pub units: u64,
    /// Time per unit of each sampled batch, ns.
    pub sampled: Vec<f64>,
    /// The same of each unsampled one.
    pub unsampled: Vec<f64>,
}

/// A case with the length of its batches.
pub struct Run<'a> {
    case: &'a mut dyn Case,
    plain: &'a Clock,
    ops: u64,
}

impl<'a> Run<'a> {
    /// Warms the case up and finds out how many operations a batch has.
    pub fn new(case: &'a mut dyn Case, plain: &'a Clock) -> Self {
        let mut ops = case.cycle_ops();
        loop {
            let elapsed_ns = case.batch(ops, plain).elapsed_ns;
            if elapsed_ns >= BATCH_NS / 2.0 || ops >= 1 << 40 {
                return Self { case, plain, ops };
            }
            let factor = (BATCH_NS / elapsed_ns.max(1.0)).clamp(2.0, 100.0);
            ops = ((ops as f64 * factor) as u64).next_multiple_of(case.cycle_ops());
        }
    }

    /// Sampled batches until they are as long as asked, in all, each beside an unsampled one where `compare`.
    pub fn take(&mut self, sampling: &Clock, length_s: f64, compare: bool) -> Ran {
        let (mut ran, mut left_ns) = (Ran::default(), length_s * 1e9);
        while left_ns > 0.0 {
            // Every second pair the other way round, so that drift falls on both alike.
            let turns = match (compare, ran.sampled.len() % 2) {
                (false, _) => &[true][..],
                (true, 0) => &[true, false],
                (true, _) => &[false, true],
            };
            for sampled in turns {
                let ns = self.batch(if *sampled { sampling } else { self.plain });
                let ns_per_op = ns / (self.ops as f64 * self.case.units_per_op());
                let kept = if *sampled { &mut ran.sampled } else { &mut ran.unsampled };
                kept.push(ns_per_op);
                left_ns -= if *sampled { ns } else { 0.0 };
            }
        }
        let batches = ran.sampled.len() as f64;
        ran.units = (self.ops as f64 * self.case.units_per_op() * batches).round() as u64;
        ran
    }

    #[inline(never)]
    fn batch(&mut self, clock: &Clock) -> f64 {
        self.case.batch(self.ops, clock).elapsed_ns
    }
}
