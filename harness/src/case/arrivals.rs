//! When operations are planned to begin: at a rate, evenly or at random. Pure; who waits for them is `open_loop`.

use crate::stats::random::Random;

/// How often operations arrive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rate {
    /// So many a second.
    PerSecond(f64),
    /// So large a share of what the case can serve, which is measured when it first runs: 0.5 leaves it idle half of the
    /// time.
    OfCapacity(f64),
}

/// How far arrivals are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// All alike.
    Even,
    /// Exponentially distributed, as those of many independent callers are (a Poisson process).
    Exponential,
}

/// A plan of arrivals.
#[derive(Debug, Clone)]
pub struct Arrivals {
    pub(super) rate: Rate,
    gaps: Gaps,
    random: Random,
}

impl Arrivals {
    /// Arrivals at a rate; equal seeds give equal random gaps.
    ///
    /// # Panics
    /// Where the rate is not above zero.
    pub fn new(rate: Rate, gaps: Gaps, seed: u64) -> Self {
        let (Rate::PerSecond(value) | Rate::OfCapacity(value)) = rate;
        assert!(value > 0.0, "nothing ever arrives");
        Self { rate, gaps, random: Random::new(seed) }
    }

    /// The time from one arrival to the next, in the unit of `mean`.
    pub(super) fn gap(&mut self, mean: f64) -> f64 {
        match self.gaps {
            Gaps::Even => mean,
            Gaps::Exponential => -mean * (1.0 - self.random.unit()).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(gaps: Gaps, seed: u64) -> Vec<f64> {
        let mut arrivals = Arrivals::new(Rate::PerSecond(1.0), gaps, seed);
        (0..100_000).map(|_| arrivals.gap(8.0)).collect()
    }

    #[test]
    fn even_gaps_are_the_mean_and_random_ones_follow_the_exponential_law() {
        assert!(gaps(Gaps::Even, 1).iter().all(|gap| *gap == 8.0));
        let random = gaps(Gaps::Exponential, 1);
        let mean = random.iter().sum::<f64>() / random.len() as f64;
        let beyond = |length: f64| random.iter().filter(|gap| **gap > length).count() as f64 / 1e5;
        assert!((mean / 8.0 - 1.0).abs() < 0.02, "{mean}");
        for means in [0.5, 1.0, 3.0] {
            assert!((beyond(8.0 * means) - (-means).exp()).abs() < 0.01, "beyond {means} means");
        }
    }

    #[test]
    fn a_seed_decides_the_gaps() {
        assert_eq!(gaps(Gaps::Exponential, 3), gaps(Gaps::Exponential, 3));
        assert_ne!(gaps(Gaps::Exponential, 3), gaps(Gaps::Exponential, 4));
    }
}
