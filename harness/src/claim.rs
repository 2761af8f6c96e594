//! A documented target: what a design document promises, and which row measures it. Verdicts are the reports' affair.

use serde::{Deserialize, Serialize};

/// One figure that a source document states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Stable name: `ring.spsc.op`.
    pub id: String,
    /// File name of the document; its number is the first three characters.
    pub source: String,
    /// Heading it stands under.
    pub section: String,
    /// What is claimed, in our words.
    pub claim: String,
    /// `ratio`, `absolute`, `bound`, `count` or `scaling`.
    pub kind: String,
    /// Unit of `value`.
    pub unit: String,
    /// How a measurement is compared with `value`: `<=`, `<`, `>=`, `>`, `==`.
    pub op: String,
    /// The documented figure.
    pub value: f64,
    /// Its documented +-.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// The documented "before".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// A contradiction or implausibility that the report must settle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Which row answers it; none where no workload does yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
    /// Why no measurement can answer it as stated: a reason code and a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmeasurable: Option<crate::Unavailable>,
}

/// How a claim's value is read off a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Row key `workload/point/variant`.
    pub row: String,
    /// `time` (ns per operation), a percentile `p50`..`p99.9`, or the name of a count or fact of the row.
    #[serde(default = "time")]
    pub metric: String,
    /// A second row: the value is `over`'s metric divided by `row`'s (how many times better the row is).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
    /// What is done with the metric (or the ratio) to get the claim's unit.
    #[serde(default)]
    pub transform: Transform,
    /// Factor applied last (0.5 where a claim is per push *or* pop).
    #[serde(default = "one")]
    pub scale: f64,
    /// The machine limit below which a time cannot lie; makes a claim implausible rather than missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Floor>,
}

/// Why a documented time can be beyond the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floor {
    /// Name of the limit.
    pub limit: String,
    /// How many of it the claimed operation needs at least.
    pub times: f64,
    /// Why, one clause.
    pub why: String,
}

/// From a metric to the claim's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transform {
    /// As it is.
    #[default]
    None,
    /// 1 / value: a time in ns becomes operations per ns (scale 1000 gives millions per second).
    Reciprocal,
    /// 100 x (1 - 1/ratio): how much less of it, in percent, from `over / row`.
    PercentLess,
    /// 100 x (ratio - 1): how much more throughput, in percent, from `over / row`.
    PercentMore,
    /// 1/ratio: how many times `over` the row is.
    Inverse,
    /// ln(ratio): with scale 1 / ln(n) the exponent by which cost grows from `row` to `over`, an n times larger point.
    Log,
}

fn time() -> String {
    "time".into()
}

fn one() -> f64 {
    1.0
}
