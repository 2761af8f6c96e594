//! Repeated looks at growing data: critical values that spend a total error over the looks (Lan and DeMets 1983), by the
//! recursive integration of Armitage, McPherson and Rowe (1969).

use super::distribution::{normal_density, normal_tail, normal_tail_quantile, root};
use std::f64::consts::E;

/// How much of the error may have been spent by a share of the information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spending {
    /// 2 - 2 Phi(z(alpha/2) / sqrt(t)): next to nothing at first, nearly all at the last look.
    OBrienFleming,
    /// alpha ln(1 + (e - 1) t): nearly the same hurdle at every look.
    Pocock,
}

impl Spending {
    /// The one-sided error spent up to the information fraction, of `alpha` in all.
    pub fn spent(self, fraction: f64, alpha: f64) -> f64 {
        match self {
            Spending::OBrienFleming => 2.0 * normal_tail(normal_tail_quantile(alpha / 2.0) / fraction.sqrt()),
            Spending::Pocock => alpha * (1.0 + (E - 1.0) * fraction).ln(),
        }
    }
}

/// One look at the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Share of the whole information at this look.
    pub fraction: f64,
    /// The critical value: stop where the standardised estimate is at least this.
    pub z: f64,
    /// The one-sided level of this look on its own, P(Z > z): what an interval or a p-value is held against.
    pub level: f64,
    /// Error spent up to and with this look.
    pub spent: f64,
}

/// The looks of a one-sided test of total level `alpha` at growing information fractions, the last of them 1.
///
/// # Panics
/// Unless the fractions grow from above 0 to at most 1 and `alpha` lies between 0 and 1/2.
pub fn looks(spending: Spending, fractions: &[f64], alpha: f64) -> Vec<Look> {
    assert!(0.0 < alpha && alpha < 0.5, "alpha is {alpha}");
    let mut walk = Walk::default();
    let mut before = 0.0;
    let look = |fraction: &f64| {
        let spent = spending.spent(*fraction, alpha);
        let z = walk.critical(*fraction, spent - before);
        before = spent;
        walk.stop_above(*fraction, z);
        Look { fraction: *fraction, z, level: normal_tail(z), spent }
    };
    fractions.iter().map(look).collect()
}

/// The chance, without any effect, to stop at each look when the critical values are `bounds`.
pub fn crossing_chances(fractions: &[f64], bounds: &[f64]) -> Vec<f64> {
    let mut walk = Walk::default();
    let chance = |(fraction, z): (&f64, &f64)| {
        let chance = walk.chance_above(*fraction, *z);
        walk.stop_above(*fraction, *z);
        chance
    };
    fractions.iter().zip(bounds).map(chance).collect()
}

/// Points of the integration, an odd number: Simpson's rule. With 256 steps over 8 standard deviations and more, the
/// published critical values are met to 1e-3 of their last digit.
const POINTS: usize = 257;

/// How far below zero the walk is followed, in standard deviations.
const REACH: f64 = 8.0;

/// The sum of scores z sqrt(t), a Brownian motion at t, as a density over those walks that have not stopped.
#[derive(Default)]
struct Walk {
    fraction: f64,
    /// Place and mass (density times the weight of the rule); empty before the first look, where all walks stand at 0.
    mass: Vec<(f64, f64)>,
}

impl Walk {
    /// P(not stopped before and z at `fraction` above the bound).
    fn chance_above(&self, fraction: f64, z: f64) -> f64 {
        let step = self.step_to(fraction);
        let place = z * fraction.sqrt();
        if self.mass.is_empty() {
            return normal_tail(z);
        }
        self.mass.iter().map(|(from, mass)| mass * normal_tail((place - from) / step)).sum()
    }

    /// The bound that is passed with the given chance.
    fn critical(&self, fraction: f64, chance: f64) -> f64 {
        root(-REACH, 40.0, |z| chance - self.chance_above(fraction, z))
    }

    /// Goes on to `fraction` with the walks that stay below the bound.
    fn stop_above(&mut self, fraction: f64, z: f64) {
        let scale = fraction.sqrt();
        let (low, high) = (-REACH * scale, z.min(REACH) * scale);
        let width = (high - low) / (POINTS - 1) as f64;
        let point = |index: usize| {
            let place = low + width * index as f64;
            (place, self.density(fraction, place) * width * simpson(index))
        };
        self.mass = (0..POINTS).map(point).collect();
        self.fraction = fraction;
    }

    fn density(&self, fraction: f64, place: f64) -> f64 {
        let step = self.step_to(fraction);
        if self.mass.is_empty() {
            return normal_density(place / step) / step;
        }
        self.mass.iter().map(|(from, mass)| mass * normal_density((place - from) / step) / step).sum()
    }

    fn step_to(&self, fraction: f64) -> f64 {
        assert!(self.fraction < fraction && fraction <= 1.0, "from {} to {fraction}", self.fraction);
        (fraction - self.fraction).sqrt()
    }
}

fn simpson(index: usize) -> f64 {
    let weight = match index {
        0 => 1.0,
        i if i == POINTS - 1 => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    weight / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    const FIFTHS: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];

    fn close(values: &[f64], expected: &[f64], error: f64) {
        assert_eq!(values.len(), expected.len());
        assert!(
            values.iter().zip(expected).all(|(v, e)| (v - e).abs() < error),
            "{values:?} is not {expected:?}"
        );
    }

    fn z(looks: &[Look]) -> Vec<f64> {
        looks.iter().map(|look| look.z).collect()
    }

    #[test]
    fn spending_reproduces_the_bounds_of_five_equal_looks_published_for_both_functions() {
        // Reboussin et al. 2000 (the ld98 program), Jennison and Turnbull 2000, chapter 7.
        let late = looks(Spending::OBrienFleming, &FIFTHS, 0.025);
        close(&z(&late), &[4.877, 3.357, 2.680, 2.290, 2.031], 1e-3);
        let even = looks(Spending::Pocock, &FIFTHS, 0.025);
        close(&z(&even), &[2.438, 2.427, 2.410, 2.397, 2.386], 1e-3);
    }

    #[test]
    fn the_classic_bounds_of_jennison_and_turnbull_cross_with_their_stated_level() {
        // Tables 2.1 and 2.3, five looks, 5 % two-sided: Pocock 2.413, O'Brien and Fleming 2.040.
        let total = |bounds: &[f64]| crossing_chances(&FIFTHS, bounds).iter().sum::<f64>();
        let late: Vec<f64> = FIFTHS.iter().map(|t| 2.040 / t.sqrt()).collect();
        close(&[total(&[2.413; 5]), total(&late)], &[0.025, 0.025], 3e-5);
        // Armitage, McPherson and Rowe 1969: testing at 1.96 five times is wrong 14.2 % of the time.
        close(&[2.0 * total(&[1.96; 5])], &[0.142], 1.5e-3);
    }

    #[test]
    fn a_single_look_is_the_plain_test_and_all_of_the_error_is_spent_at_the_end() {
        for spending in [Spending::OBrienFleming, Spending::Pocock] {
            close(&z(&looks(spending, &[1.0], 0.025)), &[1.959_964], 1e-6);
            let spent = looks(spending, &[0.125, 0.25, 0.5, 1.0], 0.005)[3].spent;
            assert!((spent - 0.005).abs() < 1e-12);
        }
    }

    #[test]
    fn doubling_looks_keep_the_total_level_in_simulated_walks() {
        let mut random = Random::new(21);
        for spending in [Spending::OBrienFleming, Spending::Pocock] {
            let looks = looks(spending, &[0.125, 0.25, 0.5, 1.0], 0.05);
            let crossed = |random: &mut Random| {
                let (mut score, mut at) = (0.0, 0.0);
                looks.iter().any(|look| {
                    score += random.normal() * (look.fraction - at).sqrt();
                    at = look.fraction;
                    score >= look.z * at.sqrt()
                })
            };
            let alarms = (0..20_000).filter(|_| crossed(&mut random)).count();
            assert!((910..=1090).contains(&alarms), "{spending:?}: {alarms} of 20000");
        }
    }

    #[test]
    fn a_first_look_that_spends_next_to_nothing_has_a_finite_hurdle() {
        let first = looks(Spending::OBrienFleming, &[0.125, 1.0], 0.005)[0];
        assert!((7.5..8.5).contains(&first.z) && first.level < 1e-13, "{first:?}");
    }
}
