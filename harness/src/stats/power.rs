//! Power of a paired comparison of launches: the smallest change that launches of a given spread would show, and the
//! launches that a change needs.

use super::distribution::{root, student_quantile};

/// The smallest shift that `launches` launches of standard deviation `sd` find with chance `power` in a one-sided test of
/// level `alpha`, in the unit of `sd`; infinite below two launches. The formula of Cochran and Cox (1957),
/// (t of alpha + t of power) sd / sqrt(n), is within a few percent of the noncentral t (Guenther 1981).
pub fn smallest_change(launches: usize, sd: f64, alpha: f64, power: f64) -> f64 {
    if launches < 2 {
        return f64::INFINITY;
    }
    let degrees = launches as f64 - 1.0;
    let steps = student_quantile(1.0 - alpha, degrees) + student_quantile(power, degrees);
    steps * sd / (launches as f64).sqrt()
}

/// The launches that find a shift of `change` with chance `power`; none where even `most` do not.
pub fn launches_needed(change: f64, sd: f64, alpha: f64, power: f64, most: usize) -> Option<usize> {
    (2..=most).find(|launches| smallest_change(*launches, sd, alpha, power) <= change)
}

/// The chance that `launches` launches find a shift of `change`, by the same formula.
pub fn power(launches: usize, change: f64, sd: f64, alpha: f64) -> f64 {
    if sd == 0.0 || launches < 2 {
        return if change > 0.0 && launches >= 2 { 1.0 } else { alpha };
    }
    root(1e-9, 1.0 - 1e-9, |power| smallest_change(launches, sd, alpha, power) - change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::mean_and_sd;
    use crate::stats::random::Random;

    #[test]
    fn the_launches_for_an_effect_of_half_a_deviation_are_cohens_27() {
        // Cohen 1988, table 2.3.1 for one-sided 5 % and d = 0.5 paired: 27 pairs for a power of 0.80, 36 for 0.90.
        assert_eq!(launches_needed(0.5, 1.0, 0.05, 0.80, 100), Some(27));
        assert_eq!(launches_needed(0.5, 1.0, 0.05, 0.90, 100), Some(36));
        assert_eq!(launches_needed(0.5, 1.0, 0.05, 0.90, 30), None);
    }

    #[test]
    fn the_smallest_change_falls_with_launches_and_grows_with_spread() {
        assert_eq!(smallest_change(1, 0.01, 0.05, 0.8), f64::INFINITY);
        let changes = [2, 3, 5, 8, 64].map(|n| smallest_change(n, 0.01, 0.05, 0.8));
        assert!(changes.is_sorted_by(|a, b| a > b));
        assert!(
            (smallest_change(8, 0.02, 0.05, 0.8) / smallest_change(8, 0.01, 0.05, 0.8) - 2.0).abs() < 1e-12
        );
    }

    #[test]
    fn power_undoes_the_smallest_change() {
        let change = smallest_change(8, 0.01, 0.025, 0.9);
        assert!((power(8, change, 0.01, 0.025) - 0.9).abs() < 1e-9);
        assert_eq!((power(8, 0.01, 0.0, 0.05), power(1, 0.01, 0.01, 0.05)), (1.0, 0.05));
    }

    #[test]
    fn a_simulated_t_test_finds_the_smallest_change_as_often_as_promised() {
        let mut random = Random::new(31);
        for launches in [5usize, 8, 16] {
            let change = smallest_change(launches, 0.01, 0.05, 0.8);
            let critical = student_quantile(0.95, launches as f64 - 1.0);
            let mut found = || {
                let shifts: Vec<f64> = (0..launches).map(|_| change + 0.01 * random.normal()).collect();
                let (mean, sd) = mean_and_sd(&shifts);
                mean / sd * (launches as f64).sqrt() > critical
            };
            let count = (0..4000).filter(|_| found()).count();
            assert!((3080..=3400).contains(&count), "{launches}: {count} of 4000");
        }
    }
}
