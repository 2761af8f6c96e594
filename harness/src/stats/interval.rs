//! Medians, quantiles, and intervals over launches: the launch, not the round, is the unit of inference.

use super::distribution::student_quantile;
use super::order::median_interval;
use serde::{Deserialize, Deserializer, Serialize};

/// A point estimate with the bounds of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Best estimate.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound; unbounded is infinity, which JSON has no word for but `null`.
    #[serde(deserialize_with = "unbounded_from_null")]
    pub high: f64,
}

fn unbounded_from_null<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(source)?.unwrap_or(f64::INFINITY))
}

impl Interval {
    /// A value known exactly.
    pub fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Whether a value lies between the bounds or on one.
    pub fn holds(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Half the width as a share of the value.
    pub fn relative_half_width(&self) -> f64 {
        if self.value == 0.0 { 0.0 } else { (self.high - self.low) / 2.0 / self.value.abs() }
    }

    /// The same under a monotone function; bounds that swap are put in order.
    pub fn map(self, function: impl Fn(f64) -> f64) -> Self {
        let (a, b) = (function(self.low), function(self.high));
        Self { value: function(self.value), low: a.min(b), high: a.max(b) }
    }
}

/// The quantile `q` in [0, 1] by linear interpolation between order statistics (Hyndman and Fan 1996, type 7); NaN for
/// an empty slice.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile_of_sorted(&sorted, q)
}

/// The same of values that are ascending already.
pub fn quantile_of_sorted(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let rank = q.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    below + (above - below) * rank.fract()
}

/// The median; NaN for an empty slice.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Launches from which on the interval of order statistics comes close to its level.
const ORDER_FROM: usize = 5;

/// The median of launch values with its 95 % interval. Five launches and more: by order statistics
/// ([`median_interval`]), which hold their level for skewed and bistable launches too. Two to four launches cannot reach
/// 95 % that way: Student's interval on the log scale, widened to hold the median, which trusts the logs to be normal. One
/// launch gives an interval from zero to infinity: it cannot tell how launches differ.
pub fn over_launches(values: &[f64]) -> Interval {
    if values.len() >= ORDER_FROM {
        return median_interval(values, 0.95);
    }
    let value = median(values);
    if values.len() < 2 || values.iter().any(|v| *v <= 0.0) {
        return Interval { value, low: 0.0, high: f64::INFINITY };
    }
    let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    let (mean, half) = student(&logs);
    Interval { value, low: (mean - half).exp().min(value), high: (mean + half).exp().max(value) }
}

/// The ratio `a / b` of launches paired by index: the median of the ratios with its interval over launches. Launches
/// without a partner are left out.
pub fn paired_ratio(a: &[f64], b: &[f64]) -> Interval {
    let ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
    over_launches(&ratios)
}

/// Mean and half-width of Student's 95 % interval (1908).
fn student(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let (mean, sd) = mean_and_sd(values);
    (mean, student_quantile(0.975, n - 1.0) * sd / n.sqrt())
}

/// Mean and standard deviation of a sample; the deviation of fewer than two values is not a number.
pub fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_known_list() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(median(&values), 2.5);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.25), 1.75);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn an_interval_without_an_upper_bound_survives_the_record() {
        let unbounded = Interval { value: 1.0, low: 0.5, high: f64::INFINITY };
        let text = serde_json::to_string(&unbounded).unwrap();
        assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), unbounded);
    }

    #[test]
    fn one_launch_proves_nothing_about_launches() {
        let one = over_launches(&[5.0]);
        assert_eq!((one.value, one.low, one.high), (5.0, 0.0, f64::INFINITY));
    }

    #[test]
    fn paired_launches_cancel_what_the_launch_does_to_both() {
        let base = [10.0, 20.0, 15.0, 12.0, 18.0];
        let slower: Vec<f64> = base.iter().map(|v| v * 1.1).collect();
        let ratio = paired_ratio(&slower, &base);
        assert!((ratio.value - 1.1).abs() < 1e-9 && ratio.high - ratio.low < 1e-9);
    }

    #[test]
    fn four_launches_trust_the_bell_and_five_trust_only_their_order() {
        let four = over_launches(&[1.0, 1.1, 1.2, 1.3]);
        assert!(four.low < 1.0 && four.high > 1.3, "{four:?}");
        let five = over_launches(&[1.0, 1.1, 1.2, 1.3, 9.0]);
        assert_eq!((five.low, five.value, five.high), (1.0, 1.2, 9.0));
    }
}
