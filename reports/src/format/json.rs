//! The report model as JSON, for programs.

use crate::model::Report;

/// The report as indented JSON. Bounds that are not finite become null.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("the model has string keys only");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_json_of_the_fixture_is_the_golden() {
        let mut record = fixture::record();
        record.rows.retain(|row| row.workload == "wire_message");
        let report = Report::of(&record);
        insta::assert_snapshot!(render(&report));
    }

    #[test]
    fn an_unbounded_interval_has_null_bounds_and_the_rest_survives_a_round_trip() {
        let mut record = fixture::record();
        record.rows.truncate(1);
        if let perfbench_harness::record::Outcome::Measured(measured) = &mut record.rows[0].outcome {
            measured.launches.truncate(1);
        }
        let value: serde_json::Value = serde_json::from_str(&render(&Report::of(&record))).unwrap();
        let figures = &value["groups"][0]["rows"][0]["outcome"]["measured"];
        assert!(figures["time_ns"]["high"].is_null());
        assert!(figures["time_ns"]["value"].is_f64());
    }
}
