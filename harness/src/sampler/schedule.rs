//! How a budget becomes launches: shares, slices, and whose turn it is when time is left over. Pure but for the time,
//! which comes through a seam.

use crate::plan::{SLICE_LEAST_S, SLICE_MOST_S};
use std::time::Instant;

/// Tells how long the run has lasted.
pub trait Timekeeper {
    /// Seconds since the run began; the budget counts from there.
    fn elapsed_s(&self) -> f64;
}

impl Timekeeper for Instant {
    fn elapsed_s(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}

/// A group that would be measured further.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Which group.
    pub group: usize,
    /// The widest interval of its rows, as a share; infinite where too few launches bound nothing.
    pub width: f64,
    /// What a launch of it takes, seconds.
    pub cost_s: f64,
    /// The slice of a variant in such a launch, seconds.
    pub slice_s: f64,
}

/// The last launch of a run may be cut to this share of its usual length, so that the budget is filled.
const SHORTEST_SHARE: f64 = 0.3;

/// The group whose turn it is with `left_s` to go, and its slice: the widest of those whose launch fits, or else the widest
/// one that can be cut to fit. None where nothing fits any more.
pub fn next(candidates: &[Candidate], left_s: f64) -> Option<(usize, f64)> {
    let fits = |share: f64| {
        let fitting = candidates.iter().filter(move |c| c.cost_s * share <= left_s);
        fitting.max_by(|a, b| a.width.total_cmp(&b.width))
    };
    let whole = fits(1.0).map(|c| (c.group, c.slice_s));
    whole.or_else(|| {
        let cut = fits(SHORTEST_SHARE)?;
        Some((cut.group, (cut.slice_s * left_s / cut.cost_s).max(SLICE_LEAST_S)))
    })
}

/// The time of one variant in the launch to come: what is left of the group's share, less what launches take beside
/// their slices, over the launches that are left.
pub fn slice_s(left_s: f64, launches_left: u32, variants: usize, extra_s: f64) -> f64 {
    let a_launch_s = left_s / f64::from(launches_left.max(1)) - extra_s;
    (a_launch_s / variants.max(1) as f64).clamp(SLICE_LEAST_S, SLICE_MOST_S)
}

/// Whether the shortest launch still fits what is left of the group's share.
pub fn fits(left_s: f64, variants: usize, extra_s: f64) -> bool {
    variants as f64 * SLICE_LEAST_S + extra_s <= left_s
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(group: usize, width: f64, cost_s: f64) -> Candidate {
        Candidate { group, width, cost_s, slice_s: 0.1 }
    }

    #[test]
    fn time_left_over_goes_to_the_widest_interval_whose_launch_fits() {
        let all = [candidate(0, 0.01, 0.2), candidate(1, f64::INFINITY, 3.0), candidate(2, 0.05, 0.4)];
        assert_eq!(next(&all, 10.0), Some((1, 0.1)));
        assert_eq!(next(&all, 1.0), Some((2, 0.1)));
        assert_eq!(next(&all, 0.3), Some((0, 0.1)));
        assert_eq!(next(&[], 10.0), None);
    }

    #[test]
    fn the_last_launch_is_cut_to_fit_and_not_made_where_too_little_of_it_would_be_left() {
        let all = [candidate(0, 0.01, 1.0), candidate(1, 0.02, 4.0)];
        let (group, slice_s) = next(&all, 0.5).unwrap();
        assert_eq!((group, (slice_s * 1e6).round()), (0, 50_000.0));
        assert_eq!(next(&all, 0.2), None);
    }

    #[test]
    fn a_slice_is_what_is_left_over_what_is_to_do_within_its_bounds() {
        assert_eq!(slice_s(2.0, 4, 2, 0.1), 0.2);
        assert_eq!(slice_s(100.0, 2, 2, 0.1), SLICE_MOST_S);
        assert_eq!(slice_s(-1.0, 2, 2, 0.1), SLICE_LEAST_S);
        assert!(fits(0.2, 2, 0.1) && !fits(0.1, 2, 0.1));
    }
}
