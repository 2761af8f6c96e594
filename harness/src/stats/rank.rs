//! Rank statistics of paired launches: the exact Wilcoxon signed-rank test, the sign test, and the Hodges-Lehmann
//! estimate with the interval that belongs to the test.

use super::distribution::normal_tail;
use super::interval::{Interval, median};
use super::proportion::binomial_tail;

/// Up to this many values the distribution of the rank sum is exact; beyond, normal with the variance of tied ranks.
pub const EXACT_UP_TO: usize = 64;

/// The one-sided p-value of Wilcoxon's signed-rank test (1945): how likely are values so far above `margin` if their
/// distribution is symmetric about `margin` or below. Values equal to the margin are left out; ties share their middle rank,
/// and the exact distribution is that of the shared ranks.
pub fn signed_rank_p(values: &[f64], margin: f64) -> f64 {
    let mut shifts: Vec<f64> = values.iter().map(|v| v - margin).filter(|d| *d != 0.0).collect();
    shifts.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = doubled_midranks(&shifts);
    let above: usize = shifts.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
    if shifts.len() <= EXACT_UP_TO { exact_tail(&ranks, above) } else { normal_rank_tail(&ranks, above) }
}

/// Twice the rank of each magnitude in a list sorted by magnitude: twice, because a shared rank may end in a half.
fn doubled_midranks(sorted: &[f64]) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(sorted.len());
    for ties in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        let before = ranks.len();
        ranks.extend(std::iter::repeat_n(2 * before + ties.len() + 1, ties.len()));
    }
    ranks
}

/// P(sum of the ranks with a plus >= `above`), each sign a fair coin.
fn exact_tail(ranks: &[usize], above: usize) -> f64 {
    rank_sum_chances(ranks)[above..].iter().sum()
}

/// The chance of each rank sum: one rank after the other is added or not.
fn rank_sum_chances(ranks: &[usize]) -> Vec<f64> {
    let mut chances = vec![0.0; ranks.iter().sum::<usize>() + 1];
    chances[0] = 1.0;
    let mut reached = 0;
    for rank in ranks {
        for sum in (0..=reached).rev() {
            chances[sum] /= 2.0;
            chances[sum + rank] += chances[sum];
        }
        reached += rank;
    }
    chances
}

fn normal_rank_tail(ranks: &[usize], above: usize) -> f64 {
    let squares: f64 = ranks.iter().map(|r| (*r as f64).powi(2)).sum();
    let mean = ranks.iter().sum::<usize>() as f64 / 2.0;
    // One rank is two doubled ranks, so the correction for continuity of half a rank is one.
    normal_tail((above as f64 - mean - 1.0) / (squares / 4.0).sqrt())
}

/// The one-sided p-value of the sign test (Arbuthnott 1710): how likely are so many values above `margin` if the median is
/// `margin` or below. Values equal to the margin are left out.
pub fn sign_p(values: &[f64], margin: f64) -> f64 {
    let above = values.iter().filter(|v| **v > margin).count();
    let below = values.iter().filter(|v| **v < margin).count();
    binomial_tail(above, above + below, 0.5)
}

/// The median of the averages of all pairs, each value also with itself (Hodges and Lehmann 1963).
pub fn hodges_lehmann(values: &[f64]) -> f64 {
    median(&walsh_averages(values))
}

/// The Hodges-Lehmann estimate with the shifts that the two-sided signed-rank test does not reject: covers the centre of any
/// symmetric distribution with at least `level`. Values too few for the level give an interval without bounds.
pub fn hodges_lehmann_interval(values: &[f64], level: f64) -> Interval {
    let mut averages = walsh_averages(values);
    averages.sort_by(f64::total_cmp);
    let value = median(&averages);
    match left_out(values.len(), (1.0 - level) / 2.0) {
        None => Interval { value, low: f64::NEG_INFINITY, high: f64::INFINITY },
        Some(out) => Interval { value, low: averages[out], high: averages[averages.len() - 1 - out] },
    }
}

fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let with_later = |(index, a): (usize, &f64)| {
        let a = *a;
        values[index..].iter().map(move |b| (a + b) / 2.0).collect::<Vec<_>>()
    };
    values.iter().enumerate().flat_map(with_later).collect()
}

/// How many of the averages lie outside at each end: the largest `k` with P(rank sum <= k) <= `tail`.
fn left_out(count: usize, tail: f64) -> Option<usize> {
    if count > EXACT_UP_TO {
        let n = count as f64;
        let sd = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
        let z = super::distribution::normal_tail_quantile(tail);
        return Some((n * (n + 1.0) / 4.0 - z * sd - 0.5).floor().max(0.0) as usize);
    }
    let chances = rank_sum_chances(&(1..=count).collect::<Vec<_>>());
    let mut below = 0.0;
    let too_likely = chances.iter().position(|chance| {
        below += chance;
        below > tail
    })?;
    too_likely.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;
    use proptest::prelude::*;

    /// Darwin's maize (1876), cross- minus self-fertilised height in eighths of an inch; Fisher (1935) and many since.
    const MAIZE: [f64; 15] =
        [49.0, -67.0, 8.0, 16.0, 6.0, 23.0, 28.0, 41.0, 14.0, 29.0, 56.0, 24.0, 75.0, 60.0, -48.0];

    /// Tries every combination of signs.
    fn p_by_enumeration(values: &[f64]) -> f64 {
        let rank_twice = |d: f64| {
            let smaller = values.iter().filter(|v| v.abs() < d.abs()).count();
            2 * smaller + values.iter().filter(|v| v.abs() == d.abs()).count() + 1
        };
        let ranks: Vec<usize> = values.iter().map(|v| rank_twice(*v)).collect();
        let sum =
            |signs: u32| (0..ranks.len()).filter(|i| signs >> i & 1 == 1).map(|i| ranks[i]).sum::<usize>();
        let observed: usize = values.iter().zip(&ranks).filter(|(v, _)| **v > 0.0).map(|(_, r)| r).sum();
        let all = 1u32 << values.len();
        (0..all).filter(|signs| sum(*signs) >= observed).count() as f64 / f64::from(all)
    }

    #[test]
    fn darwins_maize_has_the_rank_sum_96_and_its_published_p_value() {
        // Two-sided exact p = 0.0413 for W = 96 at n = 15.
        assert!((2.0 * signed_rank_p(&MAIZE, 0.0) - 0.041_26).abs() < 1e-5, "{}", signed_rank_p(&MAIZE, 0.0));
        assert!((sign_p(&MAIZE, 0.0) - 0.003_692_6).abs() < 1e-6);
    }

    #[test]
    fn five_values_of_one_sign_have_one_chance_in_32() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(signed_rank_p(&values, 0.0), 1.0 / 32.0);
        assert!((sign_p(&values, 0.0) - 1.0 / 32.0).abs() < 1e-12);
        assert_eq!(signed_rank_p(&values, 6.0), 1.0);
        assert_eq!(signed_rank_p(&[], 0.0), 1.0);
    }

    #[test]
    fn the_critical_values_are_those_of_wilcoxons_table() {
        // Two-sided 5 %: T = 8 at n = 10, 52 at n = 20, 89 at n = 25; one lower counts as left out.
        assert_eq!(
            [6, 8, 10, 20, 25].map(|n| left_out(n, 0.025)),
            [Some(0), Some(3), Some(8), Some(52), Some(89)]
        );
        assert_eq!(left_out(5, 0.025), None);
    }

    #[test]
    fn beyond_the_exact_range_the_normal_tail_continues_it() {
        let mut random = Random::new(5);
        let values: Vec<f64> = (0..EXACT_UP_TO).map(|_| random.unit() - 0.4).collect();
        let mut sorted = values.clone();
        sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let ranks = doubled_midranks(&sorted);
        let above = sorted.iter().zip(&ranks).filter(|(d, _)| **d > 0.0).map(|(_, r)| r).sum();
        let (exact, normal) = (exact_tail(&ranks, above), normal_rank_tail(&ranks, above));
        assert!((exact / normal - 1.0).abs() < 0.05, "{exact} {normal}");
    }

    #[test]
    fn the_estimate_is_the_median_of_pair_averages_and_its_interval_holds_it() {
        assert_eq!(hodges_lehmann(&[1.0, 2.0, 10.0]), 3.75);
        let interval = hodges_lehmann_interval(&MAIZE, 0.95);
        // By enumeration: 25 of the 120 averages lie outside at each end.
        assert_eq!((interval.low, interval.value, interval.high), (4.0, 25.0, 41.5));
        assert_eq!(hodges_lehmann_interval(&[1.0, 2.0], 0.95).high, f64::INFINITY);
    }

    #[test]
    fn under_the_null_hypothesis_at_most_the_stated_share_is_called_significant() {
        let mut random = Random::new(11);
        for (level, most) in [(0.05, 240), (0.005, 32)] {
            let alarms = (0..4000)
                .filter(|_| {
                    let values: Vec<f64> = (0..12).map(|_| random.normal()).collect();
                    signed_rank_p(&values, 0.0) <= level
                })
                .count();
            assert!(alarms <= most, "{alarms} of 4000 at {level}");
        }
    }

    proptest! {
        #[test]
        fn the_exact_test_agrees_with_enumeration_also_where_ranks_are_shared(
            values in prop::collection::vec(prop::sample::select(vec![-3.0, -2.0, -1.5, -1.0, 1.0, 2.0, 2.5, 3.0, 7.0]), 1..11)
        ) {
            prop_assert!((signed_rank_p(&values, 0.0) - p_by_enumeration(&values)).abs() < 1e-12);
        }

        #[test]
        fn the_interval_moves_with_the_values(values in prop::collection::vec(-5.0..5.0f64, 6..20), shift in -3.0..3.0f64) {
            let moved: Vec<f64> = values.iter().map(|v| v + shift).collect();
            let (a, b) = (hodges_lehmann_interval(&values, 0.9), hodges_lehmann_interval(&moved, 0.9));
            prop_assert!((a.low + shift - b.low).abs() < 1e-9 && (a.high + shift - b.high).abs() < 1e-9);
        }
    }
}
