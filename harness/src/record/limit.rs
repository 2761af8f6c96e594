//! The lines of a record that hold the machine's limits.

use crate::machine::Machine;
use crate::stats::interval::Interval;
use crate::unavailable::Unavailable;
use serde::{Deserialize, Serialize};

/// Repeats of a limit should lie no further apart than this share of its value.
pub const SPREAD_WANTED: f64 = 0.03;

/// What the machine can do at best, measured in this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// Name that rows and claims refer to.
    pub name: String,
    /// What it is, one line.
    pub about: String,
    /// Unit.
    pub unit: String,
    /// The value and the spread of its repeats, or why it is unknown.
    pub value: Result<Interval, Unavailable>,
    /// What another source says of it and whether the two agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The curve it was read off, where there is one: x, y.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<[f64; 2]>,
    /// Value of each repeat; empty where it was found once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats: Vec<f64>,
    /// Every two of the CPUs in use, where the limit lies between cores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<CorePair>,
}

impl Limit {
    /// The limit as it may be believed: what an emulated machine seems to reach is nobody's limit.
    pub(super) fn on(self, machine: &Machine) -> Limit {
        let Some(why) = machine.timeless() else { return self };
        let Limit { name, about, unit, .. } = self;
        let (curve, repeats, pairs) = (Vec::new(), Vec::new(), Vec::new());
        Limit { name, about, unit, value: Err(why), note: None, curve, repeats, pairs }
    }

    /// How far apart the repeats lie, as a share of the value; none where it was found once or not at all.
    pub fn spread(&self) -> Option<f64> {
        let value = self.value.as_ref().ok()?.value;
        spread(&self.repeats, value)
    }
}

/// Greatest less least of `values` as a share of `value`; none of fewer than two.
pub fn spread(values: &[f64], value: f64) -> Option<f64> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (values.len() > 1 && value > 0.0).then(|| (high - low) / value)
}

/// What a cache line takes between two CPUs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorePair {
    /// The two.
    pub cpus: [usize; 2],
    /// One way, led by the first and led by the second: medians of the visits of the commoner class.
    pub one_way_ns: [f64; 2],
    /// Visits that found the two near to each other.
    pub near_visits: u32,
    /// Visits that found them far from each other.
    pub far_visits: u32,
}

impl CorePair {
    /// Both directions together.
    pub fn mean_ns(&self) -> f64 {
        self.one_way_ns.iter().sum::<f64>() / 2.0
    }

    /// Whether most visits found the two far from each other.
    pub fn is_far(&self) -> bool {
        self.far_visits > self.near_visits
    }
}
