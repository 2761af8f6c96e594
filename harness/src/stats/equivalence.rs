//! Equivalence: showing that two sides are the same within a margin, which "no difference was found" does not show.

use super::distribution::{student_cdf, student_quantile};
use super::interval::{Interval, mean_and_sd};

/// What two one-sided tests say about a shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Equivalence {
    /// The larger of the two p-values: at most alpha means the same within the margin.
    pub p: f64,
    /// The interval at level 1 - 2 alpha: it lies within the margin exactly where the test says so.
    pub interval: Interval,
}

/// Two one-sided t-tests (Schuirmann 1987) on paired log ratios of launches: the chance of ratios so close to zero if the
/// truth were `margin` or more to either side. Fewer than two launches show nothing, and p is 1.
pub fn same_within(log_ratios: &[f64], margin: f64, alpha: f64) -> Equivalence {
    let (n, degrees) = (log_ratios.len() as f64, log_ratios.len() as f64 - 1.0);
    let (mean, sd) = mean_and_sd(log_ratios);
    if degrees < 1.0 {
        let interval = Interval { value: mean, low: f64::NEG_INFINITY, high: f64::INFINITY };
        return Equivalence { p: 1.0, interval };
    }
    let error = sd / n.sqrt();
    let half = student_quantile(1.0 - alpha, degrees) * error;
    Equivalence {
        p: tail(margin - mean.abs(), error, degrees),
        interval: Interval { value: mean, low: mean - half, high: mean + half },
    }
}

/// The two-sided p-value of the paired t-test (Student 1908): how likely are log ratios so far from zero if the sides are equal.
/// Fewer than two launches show nothing, and p is 1.
pub fn differs(log_ratios: &[f64]) -> f64 {
    let (n, degrees) = (log_ratios.len() as f64, log_ratios.len() as f64 - 1.0);
    let (mean, sd) = mean_and_sd(log_ratios);
    if degrees < 1.0 { 1.0 } else { (2.0 * tail(mean.abs(), sd / n.sqrt(), degrees)).min(1.0) }
}

/// P(T > distance / error), also where launches do not differ at all.
fn tail(distance: f64, error: f64, degrees: f64) -> f64 {
    match error {
        0.0 if distance > 0.0 => 0.0,
        0.0 => 1.0,
        _ => student_cdf(-distance / error, degrees),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn the_p_value_by_hand_and_by_the_t_table() {
        // Mean 0.01, sd 0.01, n = 4: t = (0.03 - 0.01) / 0.005 = 4 at three degrees, P(T > 4) = 0.01400.
        let step = 0.01 * 0.75f64.sqrt();
        let ratios = [0.01 - step, 0.01 - step, 0.01 + step, 0.01 + step];
        let shown = same_within(&ratios, 0.03, 0.05);
        assert!((shown.p - 0.014_004).abs() < 1e-5, "{shown:?}");
        assert!((shown.interval.high - (0.01 + 2.353_363 * 0.005)).abs() < 1e-7, "{shown:?}");
    }

    #[test]
    fn a_difference_of_two_errors_at_three_degrees_has_the_p_value_of_the_table() {
        let step = 0.01 * 0.75f64.sqrt();
        let ratios = [0.01 - step, 0.01 - step, 0.01 + step, 0.01 + step];
        assert!((differs(&ratios) - 0.139_326).abs() < 1e-5, "{}", differs(&ratios));
    }

    #[test]
    fn the_test_and_its_interval_say_the_same() {
        let mut random = Random::new(4);
        for _ in 0..500 {
            let ratios: Vec<f64> = (0..6).map(|_| 0.01 + 0.02 * random.normal()).collect();
            let shown = same_within(&ratios, 0.03, 0.05);
            let inside = -0.03 < shown.interval.low && shown.interval.high < 0.03;
            assert_eq!(shown.p < 0.05, inside, "{shown:?}");
        }
    }

    #[test]
    fn a_shift_of_the_whole_margin_is_called_same_in_at_most_five_percent() {
        let mut random = Random::new(12);
        let mut called = |shift: f64| {
            let mut same = || {
                let ratios: Vec<f64> = (0..8).map(|_| shift + 0.01 * random.normal()).collect();
                same_within(&ratios, 0.03, 0.05).p <= 0.05
            };
            (0..4000).filter(|_| same()).count()
        };
        assert!((160..=240).contains(&called(0.03)) && (160..=240).contains(&called(-0.03)));
        assert!(called(0.0) > 3900);
    }

    #[test]
    fn one_launch_shows_nothing_and_equal_launches_show_all() {
        assert_eq!(same_within(&[0.0], 0.03, 0.05).p, 1.0);
        assert_eq!(same_within(&[0.001; 5], 0.03, 0.05).p, 0.0);
        assert_eq!(same_within(&[0.04; 5], 0.03, 0.05).p, 1.0);
        assert_eq!((differs(&[0.0]), differs(&[0.0; 5]), differs(&[0.04; 5])), (1.0, 1.0, 0.0));
    }
}
