//! The bootstrap over launches (Efron and Tibshirani 1993; for launches and what they hold, Kalibera and Jones 2013):
//! launches are drawn with replacement, because the launch is the unit of inference. Seeded, so that it repeats.

use super::Interval;
use super::distribution::{normal_cdf, student_quantile};
use super::interval::quantile_of_sorted;
use super::random::Random;

/// A statistic of the data and of its resamples.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicates {
    /// The statistic of the data itself.
    pub estimate: f64,
    /// The statistic of each resample, ascending.
    sorted: Vec<f64>,
    launches: usize,
}

impl Replicates {
    pub(super) fn new(estimate: f64, mut values: Vec<f64>, launches: usize) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Replicates { estimate, sorted: values, launches }
    }

    /// The value that a share `q` of the replicates lies below: a one-sided percentile bound, too close to the estimate
    /// where launches are few.
    pub fn percentile(&self, q: f64) -> f64 {
        quantile_of_sorted(&self.sorted, q)
    }

    /// The one-sided bound below which the truth lies with chance `q`: the percentile expanded for the number of launches
    /// (Hesterberg 2015, section 3.3), because resamples of n launches spread by 1 - 1/n too little and have thin tails.
    pub fn bound(&self, q: f64) -> f64 {
        let n = self.launches as f64;
        let expanded = student_quantile(q, n - 1.0) * (n / (n - 1.0)).sqrt();
        self.percentile(normal_cdf(expanded))
    }

    /// The two-sided interval between expanded percentiles.
    pub fn interval(&self, level: f64) -> Interval {
        let tail = (1.0 - level) / 2.0;
        Interval { value: self.estimate, low: self.bound(tail), high: self.bound(1.0 - tail) }
    }
}

/// Resamples launches, and then the blocks within each launch drawn, of any statistic of launches of blocks. Spreads more
/// than [`whole_launches`]: the difference is what the blocks of a launch do not agree on.
pub fn hierarchical(
    launches: &[Vec<f64>],
    statistic: impl Fn(&[Vec<f64>]) -> f64,
    resamples: usize,
    seed: u64,
) -> Replicates {
    resample(launches, statistic, resamples, seed, |launch, drawn, random| {
        drawn.extend((0..launch.len()).map(|_| launch[random.below(launch.len() as u64) as usize]));
    })
}

/// Resamples whole launches, of any statistic of launches of blocks.
pub fn whole_launches(
    launches: &[Vec<f64>],
    statistic: impl Fn(&[Vec<f64>]) -> f64,
    resamples: usize,
    seed: u64,
) -> Replicates {
    resample(launches, statistic, resamples, seed, |launch, drawn, _| drawn.extend_from_slice(launch))
}

fn resample(
    launches: &[Vec<f64>],
    statistic: impl Fn(&[Vec<f64>]) -> f64,
    resamples: usize,
    seed: u64,
    fill: impl Fn(&[f64], &mut Vec<f64>, &mut Random),
) -> Replicates {
    let mut random = Random::new(seed);
    let mut drawn = vec![Vec::new(); launches.len()];
    let replicate = |_| {
        for place in &mut drawn {
            place.clear();
            fill(&launches[random.below(launches.len() as u64) as usize], place, &mut random);
        }
        statistic(&drawn)
    };
    let values = (0..resamples).map(replicate).collect();
    Replicates::new(statistic(launches), values, launches.len())
}

/// The median of all blocks, resampled by whole launches: equal to [`whole_launches`] of that statistic for a seed, and
/// much faster, because blocks are sorted once and resamples only weigh them.
pub fn pooled_median(launches: &[Vec<f64>], resamples: usize, seed: u64) -> Replicates {
    let blocks = sorted_blocks(launches);
    let mut random = Random::new(seed);
    let mut weights = vec![0u32; launches.len()];
    let replicate = |_| {
        weights.fill(0);
        (0..launches.len()).for_each(|_| weights[random.below(launches.len() as u64) as usize] += 1);
        let total =
            launches.iter().zip(&weights).map(|(launch, weight)| launch.len() * *weight as usize).sum();
        weighted_median(&blocks, &weights, total)
    };
    let values = (0..resamples).map(replicate).collect();
    let once = vec![1; launches.len()];
    Replicates::new(weighted_median(&blocks, &once, blocks.len()), values, launches.len())
}

/// Each block with the number of its launch, ascending.
fn sorted_blocks(launches: &[Vec<f64>]) -> Vec<(f64, usize)> {
    let numbered = launches.iter().enumerate();
    let mut blocks: Vec<(f64, usize)> =
        numbered.flat_map(|(launch, blocks)| blocks.iter().map(move |block| (*block, launch))).collect();
    blocks.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    blocks
}

/// The median of the blocks, each counted as often as its launch weighs; NaN where nothing weighs.
fn weighted_median(blocks: &[(f64, usize)], weights: &[u32], total: usize) -> f64 {
    let (lower, upper) = (total.saturating_sub(1) / 2, total / 2);
    let (mut passed, mut below) = (0, f64::NAN);
    for (value, launch) in blocks {
        passed += weights[*launch] as usize;
        if below.is_nan() && passed > lower {
            below = *value;
        }
        if passed > upper {
            return below + (value - below) / 2.0;
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::median;
    use proptest::prelude::*;

    fn median_of_all(launches: &[Vec<f64>]) -> f64 {
        median(&launches.concat())
    }

    fn mean_of_all(launches: &[Vec<f64>]) -> f64 {
        let all = launches.concat();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// Launches whose own level varies by `between` and blocks within them by `within`.
    fn simulated(count: usize, between: f64, within: f64, random: &mut Random) -> Vec<Vec<f64>> {
        let launch = |_| {
            let level = between * random.normal();
            (0..3).map(|_| level + within * random.normal()).collect()
        };
        (0..count).map(launch).collect()
    }

    #[test]
    fn the_spread_of_a_mean_is_that_of_theory_at_both_levels() {
        let launches = simulated(64, 1.0, 0.5, &mut Random::new(2));
        let means: Vec<f64> = launches.iter().map(|l| mean_of_all(std::slice::from_ref(l))).collect();
        let centre = means.iter().sum::<f64>() / 64.0;
        let plain = (means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / 64.0 / 64.0).sqrt();
        let width = |r: Replicates| (r.percentile(0.975) - r.percentile(0.025)) / 2.0 / 1.96;
        let whole = width(whole_launches(&launches, mean_of_all, 4000, 9));
        assert!((whole / plain - 1.0).abs() < 0.05, "{whole} against {plain}");
        let both = width(hierarchical(&launches, mean_of_all, 4000, 9));
        assert!(both > whole && both < 1.2 * whole, "{both} against {whole}");
    }

    #[test]
    fn a_bound_reaches_further_than_its_percentile_the_fewer_launches_there_are() {
        let further = |count: usize| {
            let drawn = pooled_median(&simulated(count, 1.0, 0.1, &mut Random::new(6)), 4000, 7);
            (drawn.percentile(0.1) - drawn.bound(0.1)) / (drawn.percentile(0.9) - drawn.percentile(0.1))
        };
        let (few, many) = (further(6), further(64));
        assert!(few > 2.0 * many && many > 0.0, "{few} {many}");
    }

    #[test]
    fn equal_launches_leave_no_doubt_and_a_seed_repeats() {
        let launches = vec![vec![2.0, 2.0]; 8];
        assert_eq!(pooled_median(&launches, 100, 1).interval(0.95), Interval::exact(2.0));
        let launches = simulated(8, 1.0, 0.1, &mut Random::new(3));
        assert_eq!(
            hierarchical(&launches, median_of_all, 50, 4),
            hierarchical(&launches, median_of_all, 50, 4)
        );
        assert_ne!(pooled_median(&launches, 50, 4), pooled_median(&launches, 50, 5));
    }

    proptest! {
        #[test]
        fn weighing_sorted_blocks_gives_what_resampling_them_gives(
            launches in prop::collection::vec(prop::collection::vec(-9.0..9.0f64, 1..5), 1..12),
            seed in any::<u64>(),
        ) {
            let (fast, slow) = (pooled_median(&launches, 40, seed), whole_launches(&launches, median_of_all, 40, seed));
            prop_assert!((fast.estimate - slow.estimate).abs() < 1e-12);
            for (a, b) in fast.sorted.iter().zip(&slow.sorted) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }
}
