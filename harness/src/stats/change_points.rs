//! Change points in a history of runs: E-divisive (Matteson and James 2014), which asks nothing of the distribution and
//! finds steps and drifts alike.

use super::random::Random;

/// Runs on each side of a change, at least: fewer are a bad day, not a change.
pub const MINIMUM_SEGMENT: usize = 3;

/// How changes are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Search {
    /// The chance to report anything in a history without a change.
    pub level: f64,
    /// Orders of the history that the strongest candidate is held against.
    pub permutations: usize,
    /// Makes the answer repeat.
    pub seed: u64,
}

impl Default for Search {
    fn default() -> Self {
        Search { level: 0.01, permutations: 199, seed: 1 }
    }
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChangePoint {
    /// Index of the first value after it.
    pub at: usize,
    /// Share of random orders of the segment that show as strong a change.
    pub p: f64,
}

/// The changes in a history, ascending. The strongest candidate within a segment counts if at most `level` of the random
/// orders of that segment's values show one as strong; then both parts are searched.
pub fn change_points(values: &[f64], search: Search) -> Vec<ChangePoint> {
    let mut found = Vec::new();
    split(values, 0, &search, &mut Random::new(search.seed), &mut found);
    found.sort_by_key(|change| change.at);
    found
}

fn split(values: &[f64], offset: usize, search: &Search, random: &mut Random, found: &mut Vec<ChangePoint>) {
    let Some((at, strength)) = strongest(values) else { return };
    let p = share_of_orders_as_strong(values, strength, search.permutations, random);
    if p <= search.level {
        found.push(ChangePoint { at: offset + at, p });
        split(&values[..at], offset, search, random, found);
        split(&values[at..], offset + at, search, random, found);
    }
}

fn share_of_orders_as_strong(values: &[f64], strength: f64, permutations: usize, random: &mut Random) -> f64 {
    let mut shuffled = values.to_vec();
    let mut as_strong = || {
        random.shuffle(&mut shuffled);
        strongest(&shuffled).is_some_and(|(_, other)| other >= strength)
    };
    let count = (0..permutations).filter(|_| as_strong()).count();
    (count + 1) as f64 / (permutations + 1) as f64
}

/// The split with the largest scaled energy distance between what is before and after it, and that distance.
fn strongest(values: &[f64]) -> Option<(usize, f64)> {
    let strengths = energy_distances(values);
    let last = values.len().checked_sub(MINIMUM_SEGMENT)?;
    (MINIMUM_SEGMENT..=last).map(|at| (at, strengths[at])).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The scaled energy distance (exponent 1) of every split: the mean distance between the sides, twice, less the mean
/// distances within them, times m n / (m + n). The sums of distances go from one split to the next by moving one value
/// across, so all splits together cost one pass over all pairs.
fn energy_distances(values: &[f64]) -> Vec<f64> {
    let distance_to =
        |value: f64, others: &[f64]| others.iter().map(|other| (value - other).abs()).sum::<f64>();
    let total: f64 = (0..values.len()).map(|index| distance_to(values[index], &values[..index])).sum();
    let (mut before, mut after) = (0.0, total);
    let mut strengths = vec![0.0];
    for (index, value) in values.iter().enumerate() {
        before += distance_to(*value, &values[..index]);
        after -= distance_to(*value, &values[index + 1..]);
        let between = total - before - after;
        strengths.push(scaled(between, before, after, index + 1, values.len() - index - 1));
    }
    strengths
}

/// Sums of distances over pairs to the statistic; a side with fewer than two values has no distance within.
fn scaled(between: f64, before: f64, after: f64, left: usize, right: usize) -> f64 {
    let (m, n) = (left as f64, right as f64);
    let pairs = |count: f64| (count * (count - 1.0) / 2.0).max(1.0);
    if right == 0 {
        return 0.0;
    }
    m * n / (m + n) * (2.0 * between / (m * n) - before / pairs(m) - after / pairs(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed);
        (0..count).map(|_| random.normal()).collect()
    }

    fn places(values: &[f64]) -> Vec<usize> {
        change_points(values, Search::default()).iter().map(|change| change.at).collect()
    }

    #[test]
    fn the_distance_of_a_split_by_hand() {
        // 0 1 | 5 6: between 5+6+4+5 = 20, within 1 and 1, so 2*2/4 * (2*20/4 - 1 - 1) = 8.
        assert!((energy_distances(&[0.0, 1.0, 5.0, 6.0])[2] - 8.0).abs() < 1e-12);
    }

    #[test]
    fn planted_steps_are_found_where_they_are_and_seldom_another() {
        let others = |seed: u64| {
            let mut values = noise(60, seed);
            values.iter_mut().skip(20).for_each(|value| *value += 5.0);
            values.iter_mut().skip(45).for_each(|value| *value -= 8.0);
            let found = places(&values);
            let near = |step: usize| found.iter().any(|at| at.abs_diff(step) <= 1);
            assert!(near(20) && near(45), "{seed}: {found:?}");
            found.len() - 2
        };
        assert!((0..40).map(others).sum::<usize>() <= 4);
    }

    #[test]
    fn a_slow_drift_below_any_single_steps_notice_is_found() {
        let drifting: Vec<f64> =
            noise(60, 9).iter().enumerate().map(|(day, v)| v + 0.06 * day as f64).collect();
        assert!(!places(&drifting).is_empty());
    }

    #[test]
    fn pure_noise_shows_a_change_no_more_often_than_the_level() {
        let search = Search { level: 0.05, permutations: 59, seed: 2 };
        let alarms =
            (0..400).filter(|seed| !change_points(&noise(30, 1000 + seed), search).is_empty()).count();
        assert!(alarms <= 32, "{alarms} of 400");
    }

    #[test]
    fn too_short_a_history_and_a_constant_one_hold_no_change() {
        assert!(places(&[1.0, 1.0, 9.0, 9.0, 9.0]).is_empty());
        assert!(places(&[3.0; 40]).is_empty() && places(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn moving_one_value_at_a_time_gives_the_distances_that_all_pairs_give(
            values in prop::collection::vec(-9.0..9.0f64, 4..20),
        ) {
            let distances = energy_distances(&values);
            for (at, distance) in distances.iter().enumerate().take(values.len() - 1).skip(2) {
                let (left, right) = values.split_at(at);
                let sum = |a: &[f64], b: &[f64]| -> f64 { a.iter().flat_map(|x| b.iter().map(move |y| (x - y).abs())).sum() };
                let expected = scaled(sum(left, right), sum(left, left) / 2.0, sum(right, right) / 2.0, at, right.len());
                prop_assert!((distance - expected).abs() < 1e-9);
            }
        }
    }
}
