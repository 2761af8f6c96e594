//! Distribution functions and quantiles of the normal, Student's t and beta distributions. The methods that use them
//! stand in files of their own.

use std::f64::consts::{LN_2, PI};

/// The normal density.
pub fn normal_density(z: f64) -> f64 {
    (-z * z / 2.0).exp() / (2.0 * PI).sqrt()
}

/// P(Z > z) of the standard normal, with small relative error far into the tail: Laplace's continued fraction beyond 3,
/// Marsaglia's series (2004, J. Stat. Software 11:4) within.
pub fn normal_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_tail(-z);
    }
    if z < 3.0 {
        return 0.5 - normal_density(z) * odd_series(z);
    }
    let fraction = (1..=60).rev().fold(z, |below, k| z + f64::from(k) / below);
    normal_density(z) / fraction
}

/// z + z^3/3 + z^5/(3 5) + ...
fn odd_series(z: f64) -> f64 {
    let (mut term, mut sum) = (z, z);
    let mut odd = 3.0;
    while term > sum * f64::EPSILON {
        term *= z * z / odd;
        sum += term;
        odd += 2.0;
    }
    sum
}

/// P(Z <= z) of the standard normal.
pub fn normal_cdf(z: f64) -> f64 {
    normal_tail(-z)
}

/// The z that a standard normal stays below with probability `p`.
pub fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 { normal_tail_quantile(1.0 - p) } else { -normal_tail_quantile(p) }
}

/// The z that a standard normal exceeds with probability `tail`; exact for tails down to 1e-300.
pub fn normal_tail_quantile(tail: f64) -> f64 {
    match tail {
        t if t.is_nan() => f64::NAN,
        t if t <= 0.0 => f64::INFINITY,
        t if t >= 1.0 => f64::NEG_INFINITY,
        t => root(-40.0, 40.0, |z| t - normal_tail(z)),
    }
}

/// P(T <= t) of Student's t.
pub fn student_cdf(t: f64, degrees: f64) -> f64 {
    let tail = beta_cdf(degrees / (degrees + t * t), degrees / 2.0, 0.5) / 2.0;
    if t > 0.0 { 1.0 - tail } else { tail }
}

/// The t that Student's t stays below with probability `p`; infinite without a degree of freedom.
pub fn student_quantile(p: f64, degrees: f64) -> f64 {
    if degrees <= 0.0 {
        return if p > 0.5 { f64::INFINITY } else { f64::NEG_INFINITY };
    }
    if p > 0.5 {
        return -student_quantile(1.0 - p, degrees);
    }
    // x = degrees / (degrees + t^2) runs over (0, 1] while t runs over (-infinity, 0].
    let x = beta_quantile(2.0 * p, degrees / 2.0, 0.5);
    -(degrees * (1.0 - x) / x).sqrt()
}

/// The regularised incomplete beta function, P(X <= x) of Beta(a, b), by its continued fraction (DLMF 8.17.22).
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_cdf(1.0 - x, b, a);
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln();
    front.exp() / (a * beta_fraction(x, a, b))
}

/// The continued fraction 1 + d1/(1 + d2/(1 + ...)), by Lentz's method.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for index in 1..500 {
        let m = f64::from(index / 2);
        let term = if index % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        d = 1.0 / (1.0 + term * d);
        c = 1.0 + term / c;
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    value
}

/// The x that Beta(a, b) stays below with probability `p`.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    match p {
        p if p <= 0.0 => 0.0,
        p if p >= 1.0 => 1.0,
        // The logarithm keeps relative precision where the answer is close to zero.
        p => root(-700.0, 0.0, |ln_x| beta_cdf(ln_x.exp(), a, b) - p).exp(),
    }
}

/// ln of the gamma function for positive arguments: Stirling's series, its argument raised to where six terms are exact.
pub fn ln_gamma(x: f64) -> f64 {
    if x < 10.0 {
        return ln_gamma(x + 1.0) - x.ln();
    }
    const SERIES: [f64; 6] =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0];
    let inverse_square = 1.0 / (x * x);
    let correction = SERIES.iter().rev().fold(0.0, |sum, term| sum * inverse_square + term) / x;
    (x - 0.5) * x.ln() - x + (LN_2 + PI.ln()) / 2.0 + correction
}

/// Where a growing function passes zero, by bisection to the last bit but a few.
pub(super) fn root(mut low: f64, mut high: f64, growing: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..100 {
        let middle = low + (high - low) / 2.0;
        if middle == low || middle == high {
            break;
        }
        if growing(middle) < 0.0 { low = middle } else { high = middle }
    }
    low + (high - low) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(value: f64, expected: f64, relative: f64) {
        assert!((value / expected - 1.0).abs() < relative, "{value:e} is not {expected:e}");
    }

    #[test]
    fn normal_tails_match_the_published_table_from_the_middle_to_ten_sigma() {
        let table = [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (1.959_963_984_540_054, 0.025),
            (2.999_999, 1.349_902_463_9e-3),
            (5.0, 2.866_515_718_791_939e-7),
            (10.0, 7.619_853_024_160_527e-24),
        ];
        table.iter().for_each(|(z, tail)| close(normal_tail(*z), *tail, 1e-9));
        close(normal_cdf(-5.0), 2.866_515_718_791_939e-7, 1e-9);
        close(normal_cdf(1.0), 0.841_344_746_068_542_9, 1e-12);
    }

    #[test]
    fn quantiles_undo_the_distribution_functions() {
        for p in [1e-12, 0.005, 0.3, 0.5, 0.9, 0.999] {
            close(normal_cdf(normal_quantile(p)), p, 1e-9);
            close(student_cdf(student_quantile(p, 3.5), 3.5), p, 1e-9);
            close(beta_cdf(beta_quantile(p, 2.5, 7.0), 2.5, 7.0), p, 1e-9);
        }
        assert_eq!(normal_tail_quantile(0.0), f64::INFINITY);
    }

    #[test]
    fn student_points_match_the_standard_table() {
        let table = [
            (0.975, 1.0, 12.706_204_736),
            (0.975, 4.0, 2.776_445_105),
            (0.995, 10.0, 3.169_272_673),
            (0.95, 30.0, 1.697_260_887),
            (0.975, 120.0, 1.979_930_405),
        ];
        table.iter().for_each(|(p, degrees, t)| close(student_quantile(*p, *degrees), *t, 1e-8));
        assert_eq!(student_quantile(0.975, 0.0), f64::INFINITY);
    }

    #[test]
    fn the_beta_function_sums_binomial_probabilities() {
        // P(X >= 3) of 10 throws at 0.3, summed by hand.
        close(beta_cdf(0.3, 3.0, 8.0), 0.617_217_213_6, 1e-10);
        close(beta_cdf(0.5, 0.5, 0.5), 0.5, 1e-12);
    }

    #[test]
    fn the_gamma_function_meets_factorials_and_pi() {
        close(ln_gamma(11.0), 3_628_800f64.ln(), 1e-13);
        close(ln_gamma(0.5), PI.sqrt().ln(), 1e-12);
        close(ln_gamma(150.5), 602.513_954_870_585_5, 1e-9);
    }
}
