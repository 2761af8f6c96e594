//! Launches that come in modes, because each process is born fast or slow: whether they do, and the shift between two sides
//! that both do. The median of such launches jumps from mode to mode; what most ranks moved by does not.

use super::bootstrap::Replicates;
use super::interval::mean_and_sd;
use super::random::Random;

/// The shift from `base` to `candidate`, both logs of launches: the densest place among the differences of like ranks, as the
/// mean of what lies within `bandwidth` of it. Where both sides draw from the same modes, most ranks meet a partner of their own mode,
/// and those that do not lie a whole mode away. The bandwidth is the spread within a mode, some three of its standard deviations.
///
/// The densest place among *all* pairs of launches has the same peak in the long run, but most pairs are of different modes:
/// in simulation it often lies a whole mode away (`docs/statistics.md`).
pub fn shift(base: &[f64], candidate: &[f64], bandwidth: f64) -> f64 {
    let ascending = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted
    };
    let (base, candidate) = (ascending(base), ascending(candidate));
    let ranks = base.len().min(candidate.len());
    let of = |sorted: &[f64], rank: usize| sorted[(2 * rank + 1) * sorted.len() / (2 * ranks)];
    densest(
        &ascending(&(0..ranks).map(|rank| of(&candidate, rank) - of(&base, rank)).collect::<Vec<_>>()),
        bandwidth,
    )
}

/// The mean of the fullest window of two bandwidths; NaN for no values.
fn densest(sorted: &[f64], bandwidth: f64) -> f64 {
    let window = |first: usize| {
        let end = sorted.partition_point(|value| *value <= sorted[first] + 2.0 * bandwidth);
        &sorted[first..end]
    };
    let fullest = (0..sorted.len()).map(window).max_by_key(|window| window.len()).unwrap_or_default();
    fullest.iter().sum::<f64>() / fullest.len() as f64
}

/// The shift with its resamples: launches of each side are drawn with replacement.
pub fn shift_replicates(
    base: &[f64],
    candidate: &[f64],
    bandwidth: f64,
    resamples: usize,
    seed: u64,
) -> Replicates {
    let mut random = Random::new(seed);
    let mut draw = |side: &[f64]| -> Vec<f64> {
        (0..side.len()).map(|_| side[random.below(side.len() as u64) as usize]).collect()
    };
    let values = (0..resamples).map(|_| shift(&draw(base), &draw(candidate), bandwidth)).collect();
    Replicates::new(shift(base, candidate, bandwidth), values, base.len().min(candidate.len()))
}

/// The chance of so wide a gap in the middle of as many normal launches: small where launches come in modes. The gap
/// counts in standard deviations and only with an eighth of the launches, two at least, to either side of it, so that a few stray
/// launches are no mode; its distribution is simulated, seeded. Fewer than six launches show no modes, and it is 1.
pub fn one_mode_p(launches: &[f64], simulations: usize, seed: u64) -> f64 {
    if launches.len() < 6 {
        return 1.0;
    }
    let observed = inner_gap(launches);
    let mut random = Random::new(seed);
    let mut as_wide = || inner_gap(&launches.iter().map(|_| random.normal()).collect::<Vec<_>>()) >= observed;
    let count = (0..simulations).filter(|_| as_wide()).count();
    (count + 1) as f64 / (simulations + 1) as f64
}

/// The widest gap that leaves enough values on both sides, in standard deviations; none where all values are equal.
fn inner_gap(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let aside = (sorted.len() / 8).max(2);
    let inner = &sorted[aside - 1..=sorted.len() - aside];
    let widest = inner.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
    let (_, sd) = mean_and_sd(values);
    if sd > 0.0 { widest / sd } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::median;

    /// Clusters at -5 %, 0 and +5 % with chances 1/4, 1/2, 1/4, each 0.2 % wide.
    fn bistable(count: usize, shift: f64, random: &mut Random) -> Vec<f64> {
        (0..count)
            .map(|_| [-0.05, 0.0, 0.0, 0.05][random.below(4) as usize] + shift + 0.002 * random.normal())
            .collect()
    }

    const BANDWIDTH: f64 = 0.006;

    /// Alarms by the gate's last rule (1.25 % and surely above 0), and intervals that hold the shift, of 400.
    fn alarms_and_covered(launches: usize, truth: f64) -> (usize, usize) {
        let mut random = Random::new(5);
        let (mut alarms, mut covered) = (0, 0);
        for seed in 0..400 {
            let base = bistable(launches, 0.0, &mut random);
            let candidate = bistable(launches, truth, &mut random);
            let drawn = shift_replicates(&base, &candidate, BANDWIDTH, 200, seed);
            alarms += usize::from(drawn.estimate >= 0.0125 && drawn.percentile(0.025) > 0.0);
            covered += usize::from(drawn.interval(0.95).holds(truth));
        }
        (alarms, covered)
    }

    #[test]
    fn two_percent_between_bistable_sides_are_found_at_32_launches_without_false_alarms() {
        let (alarms, _) = alarms_and_covered(32, 0.0);
        let (found, covered) = alarms_and_covered(32, 0.02);
        assert!(alarms <= 2, "{alarms} false alarms of 400");
        assert!(found >= 320 && covered >= 372, "{found} found, {covered} covered of 400");
    }

    #[test]
    fn the_shift_of_bistable_sides_lies_closer_than_their_difference_of_medians() {
        let mut random = Random::new(6);
        let (mut by_ranks, mut by_medians) = (0.0, 0.0);
        for _ in 0..400 {
            let (base, candidate) = (bistable(16, 0.0, &mut random), bistable(16, 0.02, &mut random));
            by_ranks += (shift(&base, &candidate, BANDWIDTH) - 0.02).abs();
            by_medians += (median(&candidate) - median(&base) - 0.02).abs();
        }
        assert!(by_ranks < by_medians, "{by_ranks} {by_medians}");
    }

    #[test]
    fn a_shift_by_hand_also_between_sides_of_different_size() {
        let base = [0.0, 0.001, 5.0, 5.001];
        assert!((shift(&base, &[1.0, 6.0, 6.001, 1.001], 0.01) - 1.0).abs() < 1e-12);
        assert!((shift(&base, &[1.0, 6.0], 0.01) - 0.9995).abs() < 0.001);
    }

    #[test]
    fn modes_are_seen_and_a_bell_is_called_one_mode_at_the_stated_level() {
        let mut random = Random::new(15);
        let mut called = |draw: &dyn Fn(&mut Random) -> Vec<f64>| {
            (0..200).filter(|seed| one_mode_p(&draw(&mut random), 99, *seed) <= 0.05).count()
        };
        let bell = |random: &mut Random| (0..16).map(|_| random.normal()).collect::<Vec<_>>();
        assert!((3..=18).contains(&called(&bell)));
        assert!(called(&|random| bistable(16, 0.0, random)) >= 180);
        assert_eq!((one_mode_p(&[1.0; 20], 99, 1), one_mode_p(&[1.0, 9.0], 99, 1)), (1.0, 1.0));
    }
}
