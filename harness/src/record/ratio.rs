//! Two rows held against each other, launch by launch; the statistics themselves are `stats`.

use super::Measured;
use crate::stats::interval::{self, Interval};
use std::collections::BTreeMap;

/// The ratio of two rows' times (`over / row`: how many times faster the row is), paired launch by launch, over the
/// rounds of the row's prevailing class in both. NaN where they share no launch.
pub fn speedup(row: &Measured, over: &Measured) -> Interval {
    let (numerators, denominators) = paired_launches(row, over);
    interval::paired_ratio(&numerators, &denominators)
}

/// The logs of the same ratios, one a launch that both have.
pub fn log_speedups(row: &Measured, over: &Measured) -> Vec<f64> {
    let (numerators, denominators) = paired_launches(row, over);
    numerators.iter().zip(&denominators).map(|(over, row)| (over / row).ln()).collect()
}

/// Times of `over` and of `row` in the launches that both have.
fn paired_launches(row: &Measured, over: &Measured) -> (Vec<f64>, Vec<f64>) {
    let class = row.class().or(over.class());
    let base: BTreeMap<u32, f64> = over.launch_medians_in(class).into_iter().collect();
    let pairs = row.launch_medians_in(class).into_iter().filter_map(|(l, v)| base.get(&l).map(|b| (*b, v)));
    pairs.unzip()
}
