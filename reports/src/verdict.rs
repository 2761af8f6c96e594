//! A documented target against a record: met, missed, unresolved, implausible, or not measurable here, with the
//! evidence in words. Pure; how a verdict is shown lives in `format` and `page`.

use crate::bound::{self, LimitSource};
use crate::words;
use perfbench_harness::claim::{Claim, Floor, Measure, Transform};
use perfbench_harness::record::{Counted, Measured, Outcome, Row, RunRecord, speedup};
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

    /// How much attention a verdict wants; the largest stands for a row with several targets.
    pub fn weight(self) -> u8 {
        match self {
            Verdict::NotMeasurable => 0,
            Verdict::Met => 1,
            Verdict::Unresolved => 2,
            Verdict::Missed => 3,
            Verdict::Implausible => 4,
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
    format!("{} {}", claim.op, words::documented(claim.value, &claim.unit))
}

/// A documented time may be this much below the measured limit before it counts as implausible.
const FLOOR_ALLOWANCE: f64 = 0.9;

/// Judges one claim by what a record holds.
pub fn judge(claim: &Claim, record: &RunRecord) -> Judged {
    let value = source(claim).and_then(|measure| Ok((measure, evaluate(measure, warm(record)?)?)));
    match value {
        Ok((measure, value)) => judge_value(claim, measure, value, record),
        Err(why) => not_measurable(claim, &why),
    }
}

fn warm(record: &RunRecord) -> Result<&RunRecord, Unavailable> {
    let cold = || {
        Unavailable::new(
            Reason::ColdRun,
            "the run measured with cold caches, of which the document does not speak; run without --cold",
        )
    };
    if record.header.cold { Err(cold()) } else { Ok(record) }
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
        evidence: words::sentence(&why.detail),
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
    let placement = far_note(record, measure);
    let evidence = format!("{}{placement}{why}", measured_sentence(claim, measure, &value));
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
    let unknown = || {
        Unavailable::new(
            Reason::NotSelected,
            "the two rows have no ratio: no launch in common, or nothing counted in either",
        )
    };
    if value.value.is_nan() { Err(unknown()) } else { Ok(value) }
}

fn measured_row<'a>(record: &'a RunRecord, key: &str) -> Result<&'a Measured, Unavailable> {
    match record.row(key).map(|row: &Row| &row.outcome) {
        Some(Outcome::Measured(measured)) => Ok(measured),
        Some(Outcome::Unavailable(why) | Outcome::Counted(Counted { untimed: why, .. })) => {
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
    let row = record.row(&measure.row).and_then(Row::measured);
    let bound::Best { ns: floor_ns, source } = bound::best(record, row, &floor.limit, floor.times)?;
    let place = if source == LimitSource::Row { " around the row's rounds" } else { "" };
    let factor = floor_ns / claimed_ns;
    (claimed_ns < FLOOR_ALLOWANCE * floor_ns).then(|| {
        let why = format!(
            " The documented figure is {}x below this machine's floor of {} ({} x {}{place}): {}.",
            words::significant(factor),
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
    if is_loss(claim, value) {
        return Some(1.0 - value.value / 100.0);
    }
    let factor = value.value / claim.value;
    let factor = if factor < 1.0 { factor.recip() } else { factor };
    (factor.is_finite() && factor > 1.0).then_some(factor)
}

fn measured_sentence(claim: &Claim, measure: &Measure, value: &Interval) -> String {
    let scale = if measure.scale == 1.0 { String::new() } else { format!("{} x ", measure.scale) };
    let metric = if measure.metric == "time" { String::new() } else { format!(" ({})", measure.metric) };
    let (row, value) = (&measure.row, words::measured(value, &claim.unit));
    match (&measure.over, measure.transform) {
        (None, _) => format!("{scale}{row}{metric} gives {value}."),
        (Some(over), Transform::Log) => format!("Growth from {row} to {over}{metric} gives {value}."),
        (Some(over), Transform::PercentLess) => format!("{row}{metric} saves {value} of what {over} takes."),
        (Some(over), Transform::PercentMore) => format!("{row}{metric} does {value} more than {over}."),
        (Some(over), Transform::Inverse) => format!("{scale}{row}{metric} takes {value} what {over} takes."),
        (Some(over), _) => format!("{scale}{over}{metric} takes {value} what {row} takes."),
    }
}

/// Says that the two cores were not near each other, which multiplies the time of whatever crosses them.
fn far_note(record: &RunRecord, measure: &Measure) -> &'static str {
    match record.row(&measure.row).and_then(Row::measured).and_then(Measured::class) {
        Some('f') => " The two cores were far apart.",
        Some('c') => " The two cores moved in most rounds.",
        _ => "",
    }
}

/// Whether the figure is a documented "before": a cost that the document says it has cured.
pub fn is_before(claim: &Claim) -> bool {
    claim.op.starts_with('>') && claim.kind == "absolute" && claim.unit == "ns"
}

/// Whether what is documented as a saving costs more.
pub fn is_loss(claim: &Claim, value: &Interval) -> bool {
    let saves = claim.measure.as_ref().is_some_and(|m| m.transform == Transform::PercentLess);
    saves && value.value < 0.0
}

fn missed_note(claim: &Claim, value: &Interval) -> String {
    if is_before(claim) {
        return " The documented \"before\" figure is not reproduced here.".into();
    }
    if is_loss(claim, value) {
        return format!(" That is {}x as much, not less.", words::significant(1.0 - value.value / 100.0));
    }
    let near = claim.spread.is_some_and(|spread| (value.value - claim.value).abs() <= spread);
    if near { " It lies within the documented spread.".into() } else { String::new() }
}

fn unresolved_note(value: &Interval) -> String {
    match value.high.is_finite() && value.low.is_finite() {
        true => " The interval holds values on both sides of the target.".into(),
        false => " Too few launches were had to tell how they differ, so the interval is unbounded.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::model::Report;

    const BELOW: Interval = Interval { value: 19.0, low: 18.0, high: 19.5 };
    const ABOVE: Interval = Interval { value: 21.0, low: 20.5, high: 22.0 };
    const ACROSS: Interval = Interval { value: 20.1, low: 19.0, high: 21.0 };

    #[test]
    fn an_interval_meets_a_target_wholly_misses_it_wholly_or_stays_unresolved() {
        for op in ["<=", "<"] {
            let judged = [BELOW, ABOVE, ACROSS].map(|interval| holds(op, &interval, 20.0));
            assert_eq!(judged, [Some(true), Some(false), None], "{op}");
        }
        for op in [">=", ">"] {
            let judged = [BELOW, ABOVE, ACROSS].map(|interval| holds(op, &interval, 20.0));
            assert_eq!(judged, [Some(false), Some(true), None], "{op}");
        }
    }

    #[test]
    fn a_count_matches_to_the_unit_and_an_interval_around_the_figure_resolves_nothing() {
        assert_eq!(holds("==", &Interval::exact(10.0), 10.0), Some(true));
        assert_eq!(holds("==", &Interval::exact(9.0), 10.0), Some(false));
        assert_eq!(holds("==", &ACROSS, 20.0), None);
        assert_eq!(holds("==", &ABOVE, 20.0), Some(false));
    }

    #[test]
    fn bounds_that_touch_the_figure_satisfy_what_allows_equality_only() {
        assert_eq!(holds("<=", &Interval::exact(20.0), 20.0), Some(true));
        assert_eq!(holds("<", &Interval::exact(20.0), 20.0), Some(false));
    }

    #[test]
    fn one_launch_leaves_a_target_unresolved_and_says_so() {
        let mut record = fixture::record();
        for row in &mut record.rows {
            if let Outcome::Measured(measured) = &mut row.outcome {
                measured.launches.truncate(1);
            }
        }
        let report = Report::of(&record);
        let judged = report.target("pool.hit").unwrap();
        assert_eq!(judged.verdict, Verdict::Unresolved);
        assert!(judged.evidence.contains("unbounded"), "{}", judged.evidence);
    }

    #[test]
    fn a_time_below_the_machines_floor_is_implausible_and_says_by_what_factor() {
        let report = Report::of(&fixture::record());
        let judged = report.target("ring.light").unwrap();
        assert_eq!((judged.verdict, judged.factor), (Verdict::Implausible, Some(2.1)));
        assert!(judged.evidence.contains("2.10x below"), "{}", judged.evidence);
    }

    #[test]
    fn a_before_figure_that_is_missed_is_reported_as_not_reproduced() {
        let report = Report::of(&fixture::record());
        let judged = report.target("pool.malloc").unwrap();
        assert_eq!(judged.verdict, Verdict::Missed);
        assert!(judged.evidence.contains("not reproduced"), "{}", judged.evidence);
    }

    #[test]
    fn a_saving_that_is_a_loss_is_said_in_words() {
        let mut record = fixture::record();
        let claim = record.header.claims.iter_mut().find(|claim| claim.id == "wire.cut").unwrap();
        let measure = claim.measure.as_mut().unwrap();
        std::mem::swap(&mut measure.row, measure.over.as_mut().unwrap());
        let report = Report::of(&record);
        assert!(report.target("wire.cut").unwrap().evidence.ends_with("That is 10.0x as much, not less."));
    }

    #[test]
    fn what_has_no_value_keeps_the_reason_of_its_row() {
        let report = Report::of(&fixture::record());
        let expected = [
            ("cipher.neon", Reason::IsaAbsent),
            ("wire.pooled", Reason::Broke),
            ("ring.op", Reason::NotSelected),
            ("pool.miss_rate", Reason::TargetAmbiguous),
            ("arena.list", Reason::NoWorkloadYet),
        ];
        for (id, reason) in expected {
            assert_eq!(report.target(id).unwrap().reason, Some(reason), "{id}");
        }
    }

    #[test]
    fn no_target_is_judged_by_a_cold_run() {
        let mut record = fixture::record();
        record.header.cold = true;
        let judged: Vec<Judged> = record.header.claims.iter().map(|claim| judge(claim, &record)).collect();
        assert!(judged.iter().all(|judged| judged.verdict == Verdict::NotMeasurable));
        assert!(judged.iter().any(|judged| judged.reason == Some(Reason::ColdRun)));
    }

    #[test]
    fn a_row_that_a_killed_run_lacks_was_interrupted_not_left_out() {
        let record = RunRecord { end: None, ..fixture::record() };
        assert_eq!(Report::of(&record).target("ring.op").unwrap().reason, Some(Reason::Interrupted));
    }

    #[test]
    fn transforms_turn_a_ratio_into_the_unit_of_the_claim() {
        let expected = [
            (Transform::None, 10.0),
            (Transform::Reciprocal, 0.1),
            (Transform::Inverse, 0.1),
            (Transform::PercentLess, 90.0),
            (Transform::PercentMore, 900.0),
            (Transform::Log, 10f64.ln()),
        ];
        for (kind, value) in expected {
            assert!((transform(kind, 10.0) - value).abs() < 1e-12, "{kind:?}");
        }
    }
}
