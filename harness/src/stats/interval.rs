//! Medians, quantiles, and intervals over launches: the launch, not the round, is the unit of inference.

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

/// Location of launch values with Student's 95 % interval on the log scale (times are positive and skewed). One launch
/// gives an interval from zero to infinity: one launch cannot tell how launches differ.
///
/// The value is the median of launches; the interval is centred on the mean of logs and widened to hold the median.
pub fn over_launches(values: &[f64]) -> Interval {
    let value = median(values);
    if values.len() < 2 || values.iter().any(|v| *v <= 0.0) {
        return Interval { value, low: 0.0, high: f64::INFINITY };
    }
    let logs: Vec<f64> = values.iter().map(|v| v.ln()).collect();
    let (mean, half) = student(&logs);
    Interval { value, low: (mean - half).exp().min(value), high: (mean + half).exp().max(value) }
}

/// The ratio `a / b` of launches paired by index: the median of the log ratios with Student's 95 % interval over
/// launches. Launches without a partner are left out.
pub fn paired_ratio(a: &[f64], b: &[f64]) -> Interval {
    let ratios: Vec<f64> = a.iter().zip(b).map(|(a, b)| a / b).collect();
    over_launches(&ratios)
}

/// Mean and half-width of Student's 95 % interval.
fn student(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, t_95(values.len() - 1) * (variance / n).sqrt())
}

/// The two-sided 95 % point of Student's t for the given degrees of freedom (standard table, then Cornish-Fisher).
pub fn t_95(degrees: usize) -> f64 {
    const TABLE: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    const Z: f64 = 1.959_964;
    match degrees {
        0 => f64::INFINITY,
        1..=10 => TABLE[degrees - 1],
        _ => {
            let d = degrees as f64;
            let (z3, z5, z7) = (Z.powi(3), Z.powi(5), Z.powi(7));
            let third = (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / (384.0 * d.powi(3));
            Z + (z3 + Z) / (4.0 * d) + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * d * d) + third
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    #[test]
    fn quantiles_of_a_known_list() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(median(&values), 2.5);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&values, 0.25), 1.75);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_t_points_match_the_standard_table() {
        for (degrees, expected) in [(4, 2.776), (11, 2.201), (30, 2.042), (120, 1.980)] {
            assert!((t_95(degrees) - expected).abs() < 2e-3, "{degrees}: {}", t_95(degrees));
        }
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
    fn the_interval_over_launches_covers_the_truth_in_93_to_98_percent_of_simulated_runs() {
        let mut random = Random::new(42);
        let mut normal = || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let covered = (0..2000)
            .filter(|_| {
                let launches: Vec<f64> = (0..5).map(|_| (3.0 + 0.02 * normal()).exp()).collect();
                let interval = over_launches(&launches);
                interval.low <= 3f64.exp() && 3f64.exp() <= interval.high
            })
            .count();
        assert!((1860..=1960).contains(&covered), "{covered} of 2000");
    }
}
