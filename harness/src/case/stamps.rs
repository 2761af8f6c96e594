//! What a stamped pass leaves: the distribution of single operations, and beside it those of the parts that a case tells
//! apart. Percentiles are taken from it elsewhere.

use crate::clock::Clock;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Largest latency that histograms hold: 100 s in picoseconds.
pub const HISTOGRAM_MAX_PS: u64 = 100_000_000_000_000;

/// An empty latency histogram in picoseconds, three significant digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HISTOGRAM_MAX_PS, 3).expect("the bounds are in order")
}

/// Distributions of single operations in picoseconds.
#[derive(Debug, Clone)]
pub struct Stamps {
    /// Of all operations.
    pub all: Histogram<u64>,
    /// By the name of a part: `thread 1` of a fleet, `service` of an open loop. Empty where a case has no parts.
    pub parts: BTreeMap<String, Histogram<u64>>,
}

impl Default for Stamps {
    fn default() -> Self {
        Self { all: histogram(), parts: BTreeMap::new() }
    }
}

impl Stamps {
    /// The distribution of a part, empty at first.
    pub fn part(&mut self, name: &str) -> &mut Histogram<u64> {
        self.parts.entry(name.to_owned()).or_insert_with(histogram)
    }

    /// Adds the operations of one part, which are operations of the whole as well.
    pub fn add_part(&mut self, name: &str, operations: &Histogram<u64>) {
        merge(&mut self.all, operations);
        merge(self.part(name), operations);
    }

    /// Adds all that other stamps hold.
    pub fn add(&mut self, other: &Stamps) {
        merge(&mut self.all, &other.all);
        other.parts.iter().for_each(|(name, operations)| merge(self.part(name), operations));
    }
}

fn merge(into: &mut Histogram<u64>, operations: &Histogram<u64>) {
    into.add(operations).expect("all histograms share their bounds");
}

/// Adds one operation between two readings, `units` units of work.
pub(super) fn record_ps(into: &mut Histogram<u64>, clock: &Clock, start: u64, stop: u64, units: f64) {
    let ps = (clock.region_ns(start, stop) * 1000.0 / units).round() as u64;
    into.saturating_record(ps.clamp(1, HISTOGRAM_MAX_PS));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Histogram<u64> {
        let mut histogram = histogram();
        values.iter().for_each(|ps| histogram.saturating_record(*ps));
        histogram
    }

    #[test]
    fn the_whole_is_the_sum_of_its_parts_and_sums_add_up_by_name() {
        let mut launch = Stamps::default();
        launch.add_part("thread 0", &of(&[10, 20]));
        launch.add_part("thread 1", &of(&[900]));
        let mut all = Stamps::default();
        all.add(&launch);
        all.add(&launch);
        assert_eq!((all.all.len(), all.all.max()), (6, 900));
        assert_eq!(all.parts.values().map(Histogram::len).collect::<Vec<_>>(), [4, 2]);
    }
}
