//! A documented target against a record: met, missed, unresolved, implausible, or not measurable here, with the
//! evidence in words. Pure; how a verdict is shown lives in `format` and `page`.

use crate::words;
use perfbench_harness::claim::{Claim, Floor, Measure, Transform};
use perfbench_harness::record::{Measured, Outcome, Row, RunRecord, speedup};
use perfbench_harness::stats::Interval;
use perfbench_harness::{Reason, Unavailable};
use serde::Serialize;

/// What became of a documented target on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval satisfies the target.
    Met,
    /// No part of the interval satisfies it.
    Missed,
    /// The interval holds values on both sides.
    Unresolved,
    /// The documented figure is beyond this machine's measured limits.
    Implausible,
    /// No value could be had; the reason code says why.
    NotMeasurable,
}

impl Verdict {
    /// The verdict as it stands in reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unresolved => "unresolved",
            Verdict::Implausible => "implausible",
            Verdict::NotMeasurable => "not measurable here",
        }
    }
}

/// A target with its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// The target as documented.
    pub claim: Claim,
    /// The verdict.
    pub verdict: Verdict,
    /// What was measured, in the claim's unit.
    pub measured: Option<Interval>,
    /// Why there is no value; present exactly where the verdict is not measurable here.
    pub reason: Option<Reason>,
    /// How many times the documented figure is off on the wrong side (or beyond the machine); above 1.
    pub factor: Option<f64>,
    /// What the verdict rests on, one sentence or two.
    pub evidence: String,
}

impl Judged {
    /// The target in short: `<= 20 ns`.
    pub fn target(&self) -> String {
        target(&self.claim)
    }
}

/// A claim's figure in short: `<= 20 ns`.
pub fn target(claim: &Claim) -> String {
    format!("{} {}", claim.op, words::quantity(claim.value, &claim.unit))
}

/// A documented time may be this much below the measured limit before it counts as implausible.
const FLOOR_ALLOWANCE: f64 = 0.9;

/// Judges one claim by what a record holds.
pub fn judge(claim: &Claim, record: &RunRecord) -> Judged {
    let value = source(claim).and_then(|measure| Ok((measure, evaluate(measure, record)?)));
    match value {
        Ok((measure, value)) => judge_value(claim, measure, value, record),
        Err(why) => not_measurable(claim, &why),
    }
}

fn source(claim: &Claim) -> Result<&Measure, Unavailable> {
    if let Some(why) = &claim.unmeasurable {
        return Err(why.clone());
    }
    let none = || Unavailable::new(Reason::NoWorkloadYet, "no workload answers this target yet");
    claim.measure.as_ref().ok_or_else(none)
}

fn not_measurable(claim: &Claim, why: &Unavailable) -> Judged {
    Judged {
        claim: claim.clone(),
        verdict: Verdict::NotMeasurable,
        measured: None,
        reason: Some(why.reason),
        factor: None,
        evidence: sentence(&why.detail),
    }
}

fn judge_value(claim: &Claim, measure: &Measure, value: Interval, record: &RunRecord) -> Judged {
    let held = holds(&claim.op, &value, claim.value);
    let limit = measure.floor.as_ref().and_then(|floor| beyond(claim, measure, floor, record));
    let (verdict, factor, why) = match (held, limit) {
        (Some(true), _) => (Verdict::Met, None, String::new()),
        (_, Some((factor, why))) => (Verdict::Implausible, Some(factor), why),
        (Some(false), None) => (Verdict::Missed, off_by(claim, &value), missed_note(claim, &value)),
        (None, None) => (Verdict::Unresolved, None, unresolved_note(&value)),
    };
    let evidence = format!("{}{why}", measured_sentence(claim, measure, &value));
    Judged { claim: claim.clone(), verdict, measured: Some(value), reason: None, factor, evidence }
}

/// The claim's value read off a record, in the claim's unit.
///
/// # Errors
/// The reason of the row or metric that is missing.
pub fn evaluate(measure: &Measure, record: &RunRecord) -> Result<Interval, Unavailable> {
    let row = measured_row(record, &measure.row)?;
    let raw = match &measure.over {
        None => row.metric(&measure.metric)?,
        Some(over) => ratio(row, measured_row(record, over)?, &measure.metric)?,
    };
    let value = raw.map(|value| measure.scale * transform(measure.transform, value));
    let unknown = || Unavailable::new(Reason::NotSelected, "the rows share no launch to compare in");
    if value.value.is_nan() { Err(unknown()) } else { Ok(value) }
}

fn measured_row<'a>(record: &'a RunRecord, key: &str) -> Result<&'a Measured, Unavailable> {
    match record.row(key).map(|row: &Row| &row.outcome) {
        Some(Outcome::Measured(measured)) => Ok(measured),
        Some(Outcome::Unavailable(why)) => {
            Err(Unavailable::new(why.reason, format!("{key}: {}", why.detail)))
        }
        Some(Outcome::Broke { message }) => {
            Err(Unavailable::new(Reason::Broke, format!("{key} broke: {message}")))
        }
        None => Err(absent(record, key)),
    }
}

fn absent(record: &RunRecord, key: &str) -> Unavailable {
    let complete = record.end.as_ref().is_some_and(|end| end.status == "complete");
    match complete {
        true => Unavailable::new(Reason::NotSelected, format!("{key} was not part of this run")),
        false => Unavailable::new(Reason::Interrupted, format!("the run ended before {key}, or left it out")),
    }
}

fn ratio(row: &Measured, over: &Measured, metric: &str) -> Result<Interval, Unavailable> {
    if metric == "time" {
        return Ok(speedup(row, over));
    }
    let (row, over) = (row.metric(metric)?, over.metric(metric)?);
    Ok(Interval { value: over.value / row.value, low: over.low / row.high, high: over.high / row.low })
}

fn transform(transform: Transform, value: f64) -> f64 {
    match transform {
        Transform::None => value,
        Transform::Reciprocal | Transform::Inverse => value.recip(),
        Transform::PercentLess => 100.0 * (1.0 - value.recip()),
        Transform::PercentMore => 100.0 * (value - 1.0),
        Transform::Log => value.ln(),
    }
}

/// Whether all of an interval (yes), none of it (no) or some of it (neither) satisfies `op limit`.
pub fn holds(op: &str, value: &Interval, limit: f64) -> Option<bool> {
    let bounds = [value.low, value.value, value.high].map(|v| satisfies(op, v, limit));
    match op {
        "==" if value.low != value.high && value.low <= limit && limit <= value.high => None,
        _ if bounds.iter().all(|b| *b) => Some(true),
        _ if bounds.iter().any(|b| *b) => None,
        _ => Some(false),
    }
}

fn satisfies(op: &str, value: f64, limit: f64) -> bool {
    match op {
        "<=" => value <= limit,
        "<" => value < limit,
        ">=" => value >= limit,
        ">" => value > limit,
        "==" => (value - limit).abs() <= 1e-9 * limit.abs().max(1.0),
        other => unreachable!("claims are checked to have a known comparison, not {other:?}"),
    }
}

/// By what factor the documented time lies below what the machine can do, and why, where it does.
fn beyond(claim: &Claim, measure: &Measure, floor: &Floor, record: &RunRecord) -> Option<(f64, String)> {
    let claimed_ns = documented_ns(claim, measure)?;
    let floor_ns = floor.times * record.limit(&floor.limit)?.value;
    let factor = floor_ns / claimed_ns;
    (claimed_ns < FLOOR_ALLOWANCE * floor_ns).then(|| {
        let why = format!(
            " The documented figure is {}x below this machine's floor of {} ({} x {}): {}.",
            words::number(factor),
            words::time(floor_ns),
            words::number(floor.times),
            floor.limit,
            floor.why
        );
        (factor, why)
    })
}

/// The time per operation that an upper bound on a time, or a lower bound on a rate, documents.
fn documented_ns(claim: &Claim, measure: &Measure) -> Option<f64> {
    let upper = claim.op.starts_with('<');
    match measure.transform {
        _ if measure.over.is_some() => None,
        Transform::None if upper => Some(claim.value / measure.scale),
        Transform::Reciprocal if !upper => Some(measure.scale / claim.value),
        _ => None,
    }
}

fn off_by(claim: &Claim, value: &Interval) -> Option<f64> {
    let factor = value.value / claim.value;
    let factor = if factor < 1.0 { factor.recip() } else { factor };
    (factor.is_finite() && factor > 1.0).then_some(factor)
}

fn measured_sentence(claim: &Claim, measure: &Measure, value: &Interval) -> String {
    let over = measure.over.as_ref().map(|over| format!(" over {over}")).unwrap_or_default();
    let what = if measure.metric == "time" { String::new() } else { format!(" {}", measure.metric) };
    format!("{}{what}{over} gives {}.", measure.row, words::measured(value, &claim.unit))
}

fn missed_note(claim: &Claim, value: &Interval) -> String {
    if claim.op.starts_with('>') && claim.kind == "absolute" && claim.unit == "ns" {
        return " The documented \"before\" figure is not reproduced here.".into();
    }
    let near = claim.spread.is_some_and(|spread| (value.value - claim.value).abs() <= spread);
    if near { " It lies within the documented spread.".into() } else { String::new() }
}

fn unresolved_note(value: &Interval) -> String {
    match value.high.is_finite() && value.low.is_finite() {
        true => " The interval holds values on both sides of the target.".into(),
        false => " One launch cannot tell how launches differ, so the interval is unbounded.".into(),
    }
}

fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", characters.as_str())
}
