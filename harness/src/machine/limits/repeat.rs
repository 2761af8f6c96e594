//! How a limit is repeated. Every limit is visited once a lap and the laps fill the whole time of the measurement, so
//! that a neighbour's episode or a drift of the clock meets all repeats alike instead of one of them whole.

use super::{Bench, Found};
use crate::case::Case;
use crate::clock::Clock;
use crate::stats::interval::{Interval, median, quantile};
use crate::unavailable::Unavailable;

/// Repeats of a limit.
pub const REPEATS: usize = 5;

/// Laps: a multiple of the repeats.
pub const LAPS: usize = 8 * REPEATS;

/// No lap begins later than this after the first: on a busy machine fewer have to do.
pub const LAST_LAP_NS: f64 = 8e9;

/// Slices of which the fastest is one visit: what a neighbour interrupts does not count.
const SLICES: usize = 4;

/// Wanted length of a slice: long against the clock's grain, short against a scheduler's tick.
const SLICE_NS: f64 = 250_000.0;

/// Wanted length of a short one: a hundred times a reading of the clock, and short enough to fall between what a neighbour
/// on the same core does.
const SHORT_SLICE_NS: f64 = 4_000.0;

/// A limit under measurement.
pub trait Gauge {
    /// One visit: the limit as it shows now.
    ///
    /// # Errors
    /// Why it cannot be measured after all.
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable>;

    /// What another source says of the value found.
    fn note(&self, _value: f64) -> Option<String> {
        None
    }

    /// What the visits come to.
    fn found(&self, visits: &[f64]) -> Found {
        let found = Found::of(visits);
        let note = self.note(found.value.value);
        found.noted(note)
    }
}

/// A case whose operation is so many times the limit.
pub struct Timed {
    case: Box<dyn Case>,
    links: u64,
    ops: u64,
    note: fn(f64) -> Option<String>,
}

impl Timed {
    /// Warms the case and finds how many operations fill a slice.
    pub fn new(case: Box<dyn Case>, links: u64, clock: &Clock) -> Self {
        Self::sliced(case, links, SLICE_NS, clock)
    }

    /// The same in short slices.
    pub fn short(case: Box<dyn Case>, links: u64, clock: &Clock) -> Self {
        Self::sliced(case, links, SHORT_SLICE_NS, clock)
    }

    fn sliced(mut case: Box<dyn Case>, links: u64, slice_ns: f64, clock: &Clock) -> Self {
        let ops = slice_ops(&mut *case, slice_ns, clock);
        Self { case, links, ops, note: |_| None }
    }

    /// The same with words for the value found.
    pub fn noted(self, note: fn(f64) -> Option<String>) -> Self {
        Self { note, ..self }
    }

    /// Nanoseconds of the limit in the fastest slice.
    pub fn fastest_ns(&mut self, clock: &Clock) -> f64 {
        fastest(&mut *self.case, self.ops, SLICES, clock) / self.links as f64
    }

    /// Nanoseconds of the limit in one slice.
    pub fn slice_ns(&mut self, clock: &Clock) -> f64 {
        fastest(&mut *self.case, self.ops, 1, clock) / self.links as f64
    }
}

impl Gauge for Timed {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        Ok(self.fastest_ns(bench.clock))
    }

    fn note(&self, value: f64) -> Option<String> {
        (self.note)(value)
    }
}

/// Nanoseconds per operation of the fastest of `slices` batches of `ops` operations.
pub fn fastest(case: &mut dyn Case, ops: u64, slices: usize, clock: &Clock) -> f64 {
    (0..slices).map(|_| case.batch(ops, clock).elapsed_ns).fold(f64::INFINITY, f64::min) / ops as f64
}

/// How many operations fill a slice.
fn slice_ops(case: &mut dyn Case, slice_ns: f64, clock: &Clock) -> u64 {
    let mut ops = 1;
    while case.batch(ops, clock).elapsed_ns < slice_ns && ops < 1 << 40 {
        ops *= 2;
    }
    ops
}

/// The repeats in the visits: each is the given quantile of every [`REPEATS`]th visit.
pub fn repeats(visits: &[f64], q: f64) -> Vec<f64> {
    let of = |first: usize| visits.iter().skip(first).step_by(REPEATS).copied().collect::<Vec<f64>>();
    (0..REPEATS.min(visits.len())).map(|first| quantile(&of(first), q)).collect()
}

/// The median of `repeats` with the least and the greatest.
pub fn spread(repeats: &[f64]) -> Interval {
    let low = repeats.iter().copied().fold(f64::INFINITY, f64::min);
    let high = repeats.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Interval { value: median(repeats), low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_repeat_takes_its_visits_from_the_whole_time() {
        let rising: Vec<f64> = (0..LAPS).map(|lap| lap as f64).collect();
        let repeats = repeats(&rising, 0.5);
        assert_eq!(repeats.len(), REPEATS);
        let Interval { value, low, high } = spread(&repeats);
        assert_eq!((low, value, high), (17.5, 19.5, 21.5));
    }

    #[test]
    fn an_episode_over_a_tenth_of_the_laps_leaves_the_repeats_alone() {
        let visits: Vec<f64> = (0..LAPS).map(|lap| if lap < LAPS / 10 { 500.0 } else { 100.0 }).collect();
        assert_eq!(repeats(&visits, 0.5), [100.0; REPEATS]);
    }
}
