//! Proportions: the exact binomial tail and intervals for a rate, such as a published rate of false alarms.

use super::Interval;
use super::distribution::{beta_cdf, beta_quantile, normal_quantile};

/// P(X >= successes) of a binomial with the given chance.
pub fn binomial_tail(successes: usize, trials: usize, chance: f64) -> f64 {
    match successes {
        0 => 1.0,
        k if k > trials => 0.0,
        k => beta_cdf(chance, k as f64, (trials - k + 1) as f64),
    }
}

/// The score interval of a proportion (Wilson 1927): its coverage is close to `level` on average, and it is the shorter.
///
/// # Panics
/// If there are more successes than trials.
pub fn wilson(successes: usize, trials: usize, level: f64) -> Interval {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    if trials == 0 {
        return Interval { value: f64::NAN, low: 0.0, high: 1.0 };
    }
    let (n, share) = (trials as f64, successes as f64 / trials as f64);
    let z2 = normal_quantile((1.0 + level) / 2.0).powi(2);
    let centre = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = (z2 / n * (share * (1.0 - share) + z2 / (4.0 * n))).sqrt() / (1.0 + z2 / n);
    // At the ends rounding would leave a bound of 1e-18 where it is zero.
    let low = if successes == 0 { 0.0 } else { centre - half };
    Interval { value: share, low, high: if successes == trials { 1.0 } else { centre + half } }
}

/// The exact interval of a proportion (Clopper and Pearson 1934): it covers with at least `level` whatever the truth.
///
/// # Panics
/// If there are more successes than trials.
pub fn clopper_pearson(successes: usize, trials: usize, level: f64) -> Interval {
    assert!(successes <= trials, "{successes} successes in {trials} trials");
    let (k, failures, tail) = (successes as f64, (trials - successes) as f64, (1.0 - level) / 2.0);
    let low = if successes == 0 { 0.0 } else { beta_quantile(tail, k, failures + 1.0) };
    let high = if successes == trials { 1.0 } else { beta_quantile(1.0 - tail, k + 1.0, failures) };
    Interval { value: k / trials as f64, low, high }
}

/// How much larger the proportion `b` is than `a`, from their score intervals (Newcombe 1998, method 10); the level is
/// theirs.
pub fn difference(a: &Interval, b: &Interval) -> Interval {
    let root = |x: f64, y: f64| (x * x + y * y).sqrt();
    let value = b.value - a.value;
    Interval {
        value,
        low: value - root(b.value - b.low, a.high - a.value),
        high: value + root(b.high - b.value, a.value - a.low),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounds_are(interval: Interval, low: f64, high: f64) {
        let close = |value: f64, expected: f64| (value - expected).abs() < 5e-5;
        assert!(close(interval.low, low) && close(interval.high, high), "{interval:?}");
    }

    /// Sums the probabilities one by one.
    fn tail_by_sum(successes: usize, trials: usize, chance: f64) -> f64 {
        let mut probability = (1.0 - chance).powi(trials as i32);
        let mut tail = 0.0;
        for k in 0..=trials {
            tail += if k >= successes { probability } else { 0.0 };
            probability *= (trials - k) as f64 / (k + 1) as f64 * chance / (1.0 - chance);
        }
        tail
    }

    #[test]
    fn intervals_match_the_examples_of_newcombe_1998() {
        bounds_are(wilson(81, 263, 0.95), 0.2553, 0.3662);
        bounds_are(wilson(15, 148, 0.95), 0.0624, 0.1605);
        bounds_are(wilson(0, 20, 0.95), 0.0, 0.1611);
        bounds_are(wilson(1, 29, 0.95), 0.0061, 0.1718);
        bounds_are(clopper_pearson(81, 263, 0.95), 0.2527, 0.3676);
        bounds_are(clopper_pearson(15, 148, 0.95), 0.0578, 0.1617);
        bounds_are(clopper_pearson(0, 20, 0.95), 0.0, 0.1684);
        bounds_are(clopper_pearson(1, 29, 0.95), 0.0009, 0.1776);
    }

    #[test]
    fn differences_match_the_examples_of_newcombe_1998() {
        let of = |a: (usize, usize), b: (usize, usize)| {
            difference(&wilson(b.0, b.1, 0.95), &wilson(a.0, a.1, 0.95))
        };
        bounds_are(of((56, 70), (48, 80)), 0.0524, 0.3339);
        bounds_are(of((9, 10), (3, 10)), 0.1705, 0.8090);
        bounds_are(of((10, 10), (0, 20)), 0.6791, 1.0);
    }

    #[test]
    fn no_alarm_in_84_bounds_the_rate_below_3_6_percent_from_one_side() {
        bounds_are(clopper_pearson(0, 84, 0.90), 0.0, 1.0 - 0.05f64.powf(1.0 / 84.0));
        bounds_are(clopper_pearson(84, 84, 0.95), 0.025f64.powf(1.0 / 84.0), 1.0);
    }

    #[test]
    fn the_exact_interval_covers_at_least_its_level_at_every_rate() {
        for percent in 1..100 {
            let chance = f64::from(percent) / 100.0;
            let covered: f64 = (0..=20)
                .filter(|k| clopper_pearson(*k, 20, 0.95).holds(chance))
                .map(|k| tail_by_sum(k, 20, chance) - tail_by_sum(k + 1, 20, chance))
                .sum();
            assert!(covered >= 0.95 - 1e-12, "{percent}: {covered}");
        }
    }

    proptest! {
        #[test]
        fn the_tail_is_the_sum_of_its_probabilities(trials in 1usize..60, share in 0.0..1.0f64, chance in 0.01..0.99f64) {
            let successes = (share * (trials + 1) as f64) as usize;
            let expected = tail_by_sum(successes, trials, chance);
            prop_assert!((binomial_tail(successes, trials, chance) - expected).abs() < 1e-10);
        }
    }
}
