//! Several comparisons at once: p-values adjusted so that the promise holds for the whole suite and not for each row.

/// Holm's step-down adjustment (1979). Calling significant whatever is at most alpha afterwards keeps the chance of a single
/// false alarm in the whole family at alpha, however the tests depend on each other.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut adjusted = vec![0.0; count];
    let mut largest = 0f64;
    for (position, index) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max((count - position) as f64 * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's step-up adjustment (1995). Calling significant whatever is at most q afterwards keeps the
/// expected share of false ones among those called at q, for independent or positively dependent tests.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut adjusted = vec![0.0; count];
    let mut smallest = 1f64;
    for (position, index) in ascending(p_values).into_iter().enumerate().rev() {
        smallest = smallest.min(count as f64 / (position + 1) as f64 * p_values[index]);
        adjusted[index] = smallest;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;
    use proptest::prelude::*;

    /// The fifteen p-values of Benjamini and Hochberg's own example (1995, section 3.2), from Neuhaus et al. (1992).
    const NEUHAUS: [f64; 15] = [
        0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
        0.6528, 0.7590, 1.0,
    ];

    #[test]
    fn the_published_example_rejects_three_by_family_and_four_by_false_discovery() {
        let called = |adjusted: Vec<f64>| adjusted.iter().filter(|p| **p <= 0.05).count();
        assert_eq!((called(holm(&NEUHAUS)), called(benjamini_hochberg(&NEUHAUS))), (3, 4));
    }

    #[test]
    fn adjusted_values_by_hand_in_the_order_of_the_input() {
        let close = |a: Vec<f64>, b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        assert!(close(holm(&[0.04, 0.01, 0.03, 0.005]), [0.06, 0.03, 0.06, 0.02]));
        assert!(close(benjamini_hochberg(&[0.04, 0.01, 0.03, 0.005]), [0.04, 0.02, 0.04, 0.02]));
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }

    #[test]
    fn a_suite_of_a_hundred_true_nulls_alarms_in_at_most_five_percent_of_runs() {
        let mut random = Random::new(8);
        let alarms = (0..4000)
            .filter(|_| {
                let suite: Vec<f64> = (0..100).map(|_| random.unit()).collect();
                holm(&suite).iter().any(|p| *p <= 0.05)
            })
            .count();
        assert!((150..=245).contains(&alarms), "{alarms} of 4000");
    }

    proptest! {
        #[test]
        fn an_adjusted_value_is_never_below_its_own_and_holm_never_below_false_discovery(
            p in prop::collection::vec(0.0..1.0f64, 1..40)
        ) {
            let (family, discovery) = (holm(&p), benjamini_hochberg(&p));
            for index in 0..p.len() {
                prop_assert!(p[index] <= discovery[index] && discovery[index] <= family[index] && family[index] <= 1.0);
            }
        }
    }
}
