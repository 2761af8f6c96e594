//! The judged gate as JSON, for programs: the head, the counts of verdicts, and one object a row.

use super::sentences::{headline, summary};
use super::{Gate, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;

/// The judgement with what every other output says in words.
#[derive(Serialize)]
struct Judgement<'a> {
    headline: String,
    summary: String,
    verdicts: BTreeMap<&'static str, usize>,
    #[serde(flatten)]
    gate: &'a Gate,
}

/// The whole judgement as indented JSON. Bounds that are not finite become null.
pub fn render(gate: &Gate) -> String {
    let verdicts = Verdict::ALL.iter().map(|verdict| (verdict.word(), gate.count(*verdict))).collect();
    let judgement = Judgement { headline: headline(gate), summary: summary(gate), verdicts, gate };
    serde_json::to_string_pretty(&judgement).expect("the model has string keys only") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture;

    #[test]
    fn the_json_of_a_gate_is_the_golden() {
        let mut gate = fixture::gate();
        gate.rows.retain(|row| ["slower", "one_more_allocation"].iter().any(|name| row.key.ends_with(name)));
        insta::assert_snapshot!(render(&gate));
    }

    #[test]
    fn every_row_is_one_object_with_its_verdict_and_reason() {
        let value: serde_json::Value = serde_json::from_str(&render(&fixture::gate())).unwrap();
        let rows = value["rows"].as_array().unwrap();
        assert_eq!(rows.len(), fixture::contests().len());
        assert!(rows.iter().all(|row| row["verdict"].is_string() && row["reason"].is_string()));
    }
}
