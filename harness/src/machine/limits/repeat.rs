//! How a limit is repeated: the fastest of several short slices is one repeat, so that what a neighbour interrupts does
//! not count; the spread between repeats is kept.

use crate::case::Case;
use crate::clock::Clock;
use crate::stats::interval::{Interval, median};

/// Repeats of a limit.
pub const REPEATS: usize = 7;

/// Slices of which the fastest is one repeat.
const SLICES: usize = 8;

/// Wanted length of a slice: long against the clock's grain, short against a scheduler's tick.
const SLICE_NS: f64 = 500_000.0;

/// Nanoseconds per operation: the median of the repeats with the least and the greatest.
pub fn ns_per_op(case: &mut dyn Case, clock: &Clock) -> Interval {
    let ops = slice_ops(case, clock);
    let values: Vec<f64> = (0..REPEATS).map(|_| fastest(case, ops, clock)).collect();
    spread(&values)
}

/// The median of `values` with the least and the greatest.
pub fn spread(values: &[f64]) -> Interval {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Interval { value: median(values), low, high }
}

/// Nanoseconds per operation of the fastest slice of `ops` operations.
pub fn fastest(case: &mut dyn Case, ops: u64, clock: &Clock) -> f64 {
    (0..SLICES).map(|_| case.batch(ops, clock).elapsed_ns).fold(f64::INFINITY, f64::min) / ops as f64
}

/// How many operations fill a slice; finding out warms the case.
pub fn slice_ops(case: &mut dyn Case, clock: &Clock) -> u64 {
    let mut ops = 1;
    while case.batch(ops, clock).elapsed_ns < SLICE_NS && ops < 1 << 40 {
        ops *= 2;
    }
    ops
}
