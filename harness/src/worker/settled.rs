//! When a case is warm: its last batches no longer get quicker or slower. Pure.

/// Batches that are looked at.
pub const BATCHES: usize = 8;

/// Kendall's S of the last batches is below this where they have no trend: without one, eight batches reach it in 11 %
/// of cases (Kendall 1938, table of S), and then the next batch is asked.
const TREND: i32 = 14;

/// Batches that are within this share of each other are warm, whatever their order.
const FLAT: f64 = 0.005;

/// Whether the last [`BATCHES`] of these times show no trend: neither still falling (caches, predictors, page faults)
/// nor rising (a clock that slows down).
pub fn settled(batches_ns: &[f64]) -> bool {
    let Some(last) = batches_ns.len().checked_sub(BATCHES).map(|first| &batches_ns[first..]) else {
        return false;
    };
    let least = last.iter().copied().fold(f64::MAX, f64::min);
    let most = last.iter().copied().fold(0.0, f64::max);
    most <= least * (1.0 + FLAT) || kendall_s(last).abs() < TREND
}

/// Pairs in rising order less pairs in falling order.
fn kendall_s(values: &[f64]) -> i32 {
    let later = values.iter().enumerate().map(|(index, value)| (value, &values[index + 1..]));
    later.flat_map(|(value, rest)| rest.iter().map(|next| order(*value, *next))).sum()
}

fn order(before: f64, after: f64) -> i32 {
    i32::from(after > before) - i32::from(after < before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    /// How many batches it takes until a case that starts at `1 + excess` times its cost and loses half of the excess
    /// each batch is called warm.
    fn batches_until_settled(excess: f64, noise: f64, seed: u64) -> usize {
        let mut random = Random::new(seed);
        let mut times = Vec::new();
        while !settled(&times) {
            let decay = excess * 0.5_f64.powi(times.len() as i32);
            times.push(1000.0 * (1.0 + decay) * (1.0 + noise * (random.unit() - 0.5)));
        }
        times.len()
    }

    #[test]
    fn a_case_that_is_warm_from_the_start_is_called_so_after_the_fewest_batches() {
        assert!(settled(&[5.0; BATCHES]) && !settled(&[5.0; BATCHES - 1]));
        let prompt = (0..200).filter(|seed| batches_until_settled(0.0, 0.05, *seed) == BATCHES).count();
        assert!(prompt > 160, "{prompt} of 200");
    }

    #[test]
    fn a_cold_case_is_warmed_until_what_is_left_of_the_cold_is_below_the_noise() {
        let batches: Vec<usize> = (0..100).map(|seed| batches_until_settled(8.0, 0.02, seed)).collect();
        assert!(batches.iter().all(|count| 8.0 * 0.5_f64.powi(*count as i32 - 4) < 0.3), "{batches:?}");
        assert!(batches.iter().sum::<usize>() > 100 * (BATCHES + 3));
    }

    #[test]
    fn rising_and_falling_times_are_not_settled_unless_they_hardly_move() {
        let rising: Vec<f64> = (0..8).map(|i| 100.0 + f64::from(i)).collect();
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        assert!(!settled(&rising) && !settled(&falling));
        let hardly: Vec<f64> = (0..8).map(|i| 100.0 + 0.01 * f64::from(i)).collect();
        assert!(settled(&hardly));
    }
}
