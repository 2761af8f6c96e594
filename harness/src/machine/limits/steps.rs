//! Reads the steps off a staircase of load latencies: pure, so that recorded curves test it.

use crate::stats::interval::{Interval, median, quantile};

/// A step ends where latency is more than this many times the step's own: neighbouring levels are at least that far
/// apart, while the unlucky placement of a chase that just fits costs less.
const RISE: f64 = 2.0;

/// Sizes this close together cannot be told apart: one spacing of the curve.
pub const SPACING: f64 = 1.26;

/// Fewer points than this are a slope between two steps, not a step.
const LEAST_POINTS: usize = 3;

/// Loads this slow come from memory, not from a cache.
const DRAM_FROM_NS: f64 = 55.0;

/// A stretch of the curve on which latency stays about the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// First size on it.
    pub from_kib: f64,
    /// Last size on it.
    pub to_kib: f64,
    /// First size beyond it; none where the curve ends first.
    pub beyond_kib: Option<f64>,
    /// Median of its points, with their quartiles.
    pub latency_ns: Interval,
}

impl Step {
    /// Whether a stated size fits the end of the step.
    pub fn ends_at(&self, stated_kib: f64) -> bool {
        self.beyond_kib.is_some() && (1.0 / SPACING..=SPACING).contains(&(self.to_kib / stated_kib))
    }
}

/// The median of `values` with their quartiles.
pub fn quartiles(values: &[f64]) -> Interval {
    Interval { value: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

/// Cuts a curve of [KiB, ns] into its steps. One slow point alone ends no step: a cache's edge stays behind.
pub fn steps(curve: &[[f64; 2]]) -> Vec<Step> {
    let mut starts = vec![0];
    for at in 1..curve.len() {
        let start = starts[starts.len() - 1];
        let edge_ns = RISE * median(&latencies(&curve[start..at]));
        if latencies(&curve[at..]).iter().take(2).all(|ns| *ns > edge_ns) {
            starts.push(at);
        }
    }
    let ends = starts.iter().skip(1).copied().chain([curve.len()]);
    let stretches = starts.iter().zip(ends).filter(|(start, end)| *start + LEAST_POINTS <= *end);
    stretches.map(|(start, end)| step(curve, *start, end)).collect()
}

fn step(curve: &[[f64; 2]], start: usize, end: usize) -> Step {
    Step {
        from_kib: curve[start][0],
        to_kib: curve[end - 1][0],
        beyond_kib: curve.get(end).map(|[kib, _]| *kib),
        latency_ns: quartiles(&latencies(&curve[start..end])),
    }
}

fn latencies(curve: &[[f64; 2]]) -> Vec<f64> {
    curve.iter().map(|[_, ns]| *ns).collect()
}

/// Which step is which level.
pub mod level {
    use super::{DRAM_FROM_NS, Step};

    /// Memory, as a level.
    pub const DRAM: u8 = 4;

    /// The step of a level: the first two steps are the core's own caches; of the rest, the first fast one is the
    /// third level and the last slow one is memory.
    pub fn of(steps: &[Step], level: u8) -> Option<Step> {
        let shared = steps.get(2..).unwrap_or_default();
        let slow = |step: &&Step| step.latency_ns.value >= DRAM_FROM_NS;
        let found = match level {
            1 | 2 => steps.get(usize::from(level) - 1),
            3 => shared.iter().find(|step| !slow(step)),
            _ => shared.iter().rfind(slow),
        };
        found.cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded on the two-CPU Zen 5 guest that the notes describe: L1 48 KiB, L2 1 MiB, L3 32 MiB shared with others.
    const ZEN5_GUEST: &[[f64; 2]] = &[
        [8.0, 0.96],
        [16.0, 0.97],
        [32.0, 0.97],
        [44.0, 0.98],
        [48.0, 1.07],
        [52.0, 3.4],
        [64.0, 3.4],
        [128.0, 3.45],
        [256.0, 3.45],
        [384.0, 3.5],
        [512.0, 3.8],
        [768.0, 4.5],
        [1024.0, 6.3],
        [1536.0, 9.8],
        [2048.0, 10.7],
        [3072.0, 12.5],
        [4096.0, 13.1],
        [6144.0, 14.0],
        [8192.0, 93.0],
        [12288.0, 128.0],
        [16384.0, 164.0],
        [32768.0, 147.0],
        [65536.0, 151.0],
    ];

    #[test]
    fn the_recorded_zen_5_curve_shows_its_caches_and_a_third_level_far_below_the_nominal() {
        let steps = steps(ZEN5_GUEST);
        let ends: Vec<f64> = steps.iter().map(|step| step.to_kib).collect();
        assert_eq!(ends, [48.0, 1024.0, 6144.0, 65536.0]);
        assert!(steps[0].ends_at(48.0) && steps[1].ends_at(1024.0) && !steps[2].ends_at(32768.0));
        assert_eq!(level::of(&steps, 1).unwrap().latency_ns.value, 0.97);
        assert_eq!(level::of(&steps, 3).unwrap().to_kib, 6144.0);
        assert!(level::of(&steps, level::DRAM).unwrap().latency_ns.value > 90.0);
    }

    #[test]
    fn a_slope_between_two_steps_is_no_step_of_its_own() {
        let mut sloping = ZEN5_GUEST.to_vec();
        let third_level_end = sloping.iter().position(|[kib, _]| *kib == 8192.0).unwrap();
        sloping[third_level_end][1] = 42.0;
        sloping[third_level_end + 1][1] = 89.0;
        let steps = steps(&sloping);
        assert_eq!(level::of(&steps, 3).unwrap().to_kib, 6144.0);
        assert_eq!(level::of(&steps, level::DRAM).unwrap().to_kib, 65536.0);
    }

    #[test]
    fn one_disturbed_point_ends_no_step() {
        let mut disturbed = ZEN5_GUEST.to_vec();
        disturbed[2][1] = 9.0;
        let ends: Vec<f64> = steps(&disturbed).iter().map(|step| step.to_kib).collect();
        assert_eq!(ends, [48.0, 1024.0, 6144.0, 65536.0]);
    }

    #[test]
    fn a_machine_whose_third_level_outlasts_the_curve_shows_no_memory_step() {
        let flat = |from: f64, ns: f64| [[from, ns], [from * 1.5, ns], [from * 2.0, ns * 1.1]];
        let curve = [flat(16.0, 1.2), flat(64.0, 3.5), flat(32768.0, 21.0)].concat();
        let steps = steps(&curve);
        assert_eq!(level::of(&steps, 3).unwrap().latency_ns.value, 21.0);
        assert!(!level::of(&steps, 3).unwrap().ends_at(65536.0));
        assert_eq!(level::of(&steps, level::DRAM), None);
    }

    #[test]
    fn an_empty_curve_has_no_steps() {
        assert_eq!(steps(&[]), []);
    }
}
