//! How cost grows with size: the exponent of a power law with its interval.

use super::Interval;
use super::distribution::student_quantile;

/// The exponent `b` of `cost = a size^b` by least squares of log cost on log size, with its Student interval at `level`
/// (Draper and Smith 1998, chapter 1). Each point is a size and the cost of one launch or the median over launches. Two points
/// give a slope without bounds; fewer than two sizes give no number.
///
/// The interval believes in the power law: where the law bends (a cache ends), the points scatter about the line and widen it.
pub fn exponent(points: &[(f64, f64)], level: f64) -> Interval {
    let logs: Vec<(f64, f64)> = points.iter().map(|(size, cost)| (size.ln(), cost.ln())).collect();
    let n = logs.len() as f64;
    let (x, y) = logs.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0 / n, sum.1 + point.1 / n));
    let spread: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
    let residuals: f64 = logs.iter().map(|point| (point.1 - y - slope * (point.0 - x)).powi(2)).sum();
    let degrees = n - 2.0;
    if degrees < 1.0 {
        return Interval { value: slope, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let half = student_quantile((1.0 + level) / 2.0, degrees) * (residuals / degrees / spread).sqrt();
    Interval { value: slope, low: slope - half, high: slope + half }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    const SIZES: [f64; 6] = [1e2, 3e2, 1e3, 3e3, 1e4, 3e4];

    #[test]
    fn exact_power_laws_have_their_exponent_and_no_doubt() {
        for power in [0.0, 0.5, 1.0, 2.0] {
            let points = SIZES.map(|size| (size, 7.0 * size.powf(power)));
            let fit = exponent(&points, 0.95);
            assert!((fit.value - power).abs() < 1e-12 && fit.high - fit.low < 1e-9, "{fit:?}");
        }
    }

    #[test]
    fn the_slope_and_its_interval_by_hand() {
        // Logs (0, 0), (1, 1), (2, 1): slope 1/2, residual sum 1/6, error sqrt(1/12), t = 12.706 at one degree.
        let points = [(0.0, 0.0), (1.0, 1.0), (2.0, 1.0)].map(|(x, y): (f64, f64)| (x.exp(), y.exp()));
        let fit = exponent(&points, 0.95);
        let half = 12.706_205 / 12f64.sqrt();
        assert!((fit.value - 0.5).abs() < 1e-12 && (fit.high - 0.5 - half).abs() < 1e-5, "{fit:?}");
    }

    #[test]
    fn two_points_leave_the_exponent_open() {
        let fit = exponent(&[(1.0, 1.0), (10.0, 100.0)], 0.95);
        assert!((fit.value - 2.0).abs() < 1e-12 && fit.high == f64::INFINITY);
        assert!(exponent(&[(1.0, 1.0)], 0.95).value.is_nan());
    }

    #[test]
    fn the_interval_covers_the_exponent_of_noisy_costs_at_its_level() {
        let mut random = Random::new(77);
        let mut covered = || {
            let points = SIZES.map(|size| (size, 5.0 * size.powf(1.1) * (0.05 * random.normal()).exp()));
            exponent(&points, 0.95).holds(1.1)
        };
        let count = (0..4000).filter(|_| covered()).count();
        assert!((3740..=3860).contains(&count), "{count} of 4000");
    }
}
