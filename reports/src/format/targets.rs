//! The documented targets as lists and explanations, for `perfbench targets`.

use super::paint::Ink;
use super::text::{Look, wrapped};
use crate::verdict::{Judged, target};
use crate::words;
use perfbench_harness::claim::{Claim, Measure, Transform};
use std::fmt::Write;

/// One line a target: id, documented figure, what it is.
pub fn list(claims: &[Claim], look: &Look) -> String {
    let line = |claim: &Claim| {
        let head = format!(" {:36} {:>20}  ", claim.id, target(claim));
        wrapped(&claim.claim, &head, &" ".repeat(61), look.width.max(100))
    };
    claims.iter().map(line).collect()
}

/// One line a target with its verdict.
pub fn check<'a>(targets: impl Iterator<Item = &'a Judged>, look: &Look) -> String {
    targets.map(|judged| check_line(judged, look)).collect()
}

fn check_line(judged: &Judged, look: &Look) -> String {
    let verdict = look.paint.text(Ink::of(judged.verdict), &format!("{:19}", judged.verdict.word()));
    let result = match (&judged.measured, judged.reason) {
        (Some(value), _) => words::measured(value, &judged.claim.unit),
        (None, reason) => reason.map_or(String::new(), |reason| reason.code().into()),
    };
    format!(" {verdict} {:36} {:>20}  {result}\n", judged.claim.id, judged.target())
}

/// All that is known of one target: what the document says, how it is measured, and the verdict where a run has one.
pub fn explain(claim: &Claim, judged: Option<&Judged>, look: &Look) -> String {
    let mut text = format!("{}\n", look.paint.text(Ink::Strong, &claim.id));
    for (label, value) in facts(claim, judged) {
        text += &wrapped(&value, &format!("  {label:12}"), &" ".repeat(14), look.width);
    }
    text
}

fn facts(claim: &Claim, judged: Option<&Judged>) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("claim", claim.claim.clone()),
        ("document", format!("{}, \"{}\"", claim.source, claim.section)),
        ("figure", format!("{}{}", target(claim), spread(claim))),
        ("kind", claim.kind.clone()),
    ];
    facts.extend(claim.baseline.clone().map(|before| ("before", before)));
    facts.extend(claim.note.clone().map(|note| ("note", note)));
    facts.push(("measured by", measured_by(claim)));
    if let Some(judged) = judged {
        let reason = judged.reason.map_or(String::new(), |reason| format!(" ({reason})"));
        facts.push(("verdict", format!("{}{reason}", judged.verdict.word())));
        facts.push(("evidence", judged.evidence.clone()));
    }
    facts
}

fn spread(claim: &Claim) -> String {
    claim
        .spread
        .map_or(String::new(), |s| format!(", documented with +- {}", words::documented(s, &claim.unit)))
}

fn measured_by(claim: &Claim) -> String {
    match (&claim.measure, &claim.unmeasurable) {
        (_, Some(why)) => format!("nothing: {why}"),
        (Some(measure), None) => formula(measure),
        (None, None) => "no workload yet".into(),
    }
}

fn formula(measure: &Measure) -> String {
    let mut text = format!("{} of {}", measure.metric, measure.row);
    if let Some(over) = &measure.over {
        text = format!("{} of {over} / {} of {}", measure.metric, measure.metric, measure.row);
    }
    text = match measure.transform {
        Transform::None => text,
        Transform::Reciprocal | Transform::Inverse => format!("1 / ({text})"),
        Transform::PercentLess => format!("100 x (1 - 1 / ({text}))"),
        Transform::PercentMore => format!("100 x (({text}) - 1)"),
        Transform::Log => format!("ln({text})"),
    };
    if measure.scale != 1.0 {
        write!(text, " x {}", measure.scale).expect("a string takes it");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::model::Report;

    #[test]
    fn the_list_the_check_and_an_explanation_are_the_golden() {
        let record = fixture::record();
        let report = Report::of(&record);
        let look = Look::plain();
        let explained = ["pool.hit", "wire.cut", "ring.light", "arena.list"].map(|id| {
            let judged = report.target(id).unwrap();
            explain(&judged.claim, Some(judged), &look)
        });
        let parts =
            [list(&record.header.claims, &look), check(report.targets(), &look), explained.join("\n")];
        insta::assert_snapshot!(parts.join("\n"));
    }
}
