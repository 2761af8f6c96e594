//! The interval of a median by order statistics, which asks nothing of the distribution's shape: skew, heavy tails and
//! modes are as good as a bell.

use super::interval::{Interval, median};
use super::proportion::binomial_tail;

/// The median with the interval of Hettmansperger and Sheather (1986): between the two pairs of order statistics whose exact
/// levels enclose `level`, at the place that is right for symmetric distributions and nearly so for others (Sheather and
/// McKean 1987). Where even the whole range does not reach the level it is the whole range: 93.75 % at five values.
pub fn median_interval(values: &[f64], level: f64) -> Interval {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return Interval::exact(f64::NAN) };
    let (outer, share) = left_out(sorted.len(), level);
    let inner = (outer + 1).min(last / 2);
    let between = |outer: usize, inner: usize| sorted[outer] + share * (sorted[inner] - sorted[outer]);
    Interval { value: median(&sorted), low: between(outer, inner), high: between(last - outer, last - inner) }
}

/// How many values lie outside at each end, and the share of the way to leaving out one more.
fn left_out(count: usize, level: f64) -> (usize, f64) {
    let Some(out) = (0..count / 2).take_while(|out| exact_level(count, *out) > level).last() else {
        return (0, 0.0);
    };
    let (wider, narrower) = (exact_level(count, out), exact_level(count, out + 1));
    let passed = (wider - level) / (wider - narrower);
    let (d, n) = (out as f64 + 1.0, count as f64);
    (out, (n - d) * passed / (d + (n - 2.0 * d) * passed))
}

/// The chance that the median lies between the order statistics that leave `out` values at each end.
fn exact_level(count: usize, out: usize) -> f64 {
    1.0 - 2.0 * binomial_tail(count - out, count, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn to(count: u32) -> Vec<f64> {
        (1..=count).map(f64::from).collect()
    }

    #[test]
    fn exact_levels_are_those_of_the_sign_test_tables() {
        let close = |level: f64, expected: f64| assert!((level - expected).abs() < 1e-4, "{level}");
        close(exact_level(5, 0), 0.9375);
        close(exact_level(8, 0), 0.9922);
        close(exact_level(8, 1), 0.9297);
        close(exact_level(20, 5), 0.9586);
    }

    #[test]
    fn the_interpolation_agrees_with_the_formula_by_hand() {
        // Eight values: passed = (0.99219 - 0.95) / 0.0625 = 0.675, share = 7 * 0.675 / (1 + 6 * 0.675) = 0.93564.
        let interval = median_interval(&to(8), 0.95);
        assert!(
            (interval.low - 1.935_64).abs() < 1e-4 && (interval.high - 7.064_36).abs() < 1e-4,
            "{interval:?}"
        );
        assert_eq!(interval.value, 4.5);
    }

    #[test]
    fn few_values_give_their_range_and_none_give_nothing() {
        let interval = median_interval(&to(5), 0.95);
        assert_eq!((interval.low, interval.value, interval.high), (1.0, 3.0, 5.0));
        assert!(median_interval(&[], 0.95).value.is_nan());
        assert_eq!(median_interval(&[4.0], 0.95), Interval::exact(4.0));
    }

    proptest! {
        #[test]
        fn a_higher_level_is_never_narrower_and_the_median_is_always_inside(
            values in prop::collection::vec(-9.0..9.0f64, 1..60),
        ) {
            let (narrow, wide) = (median_interval(&values, 0.8), median_interval(&values, 0.99));
            prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high && narrow.holds(narrow.value));
        }
    }
}
