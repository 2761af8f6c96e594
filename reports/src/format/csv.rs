//! One line a row for spreadsheets, by RFC 4180.

use crate::counts::origin;
use crate::model::{Figures, Group, Outcome, Report, Row};
use perfbench_harness::case::Fact;
use perfbench_harness::record::{Count, Provenance};
use perfbench_harness::stats::Interval;

const HEADER: [&str; 28] = [
    "run",
    "group",
    "variant",
    "role",
    "source",
    "isa",
    "unit_of_work",
    "status",
    "reason",
    "detail",
    "median_ns",
    "low_ns",
    "high_ns",
    "launches",
    "rounds",
    "speedup",
    "speedup_low",
    "speedup_high",
    "limit",
    "limit_ns",
    "placement",
    "rounds_left_out",
    "p50_ns",
    "p99_ns",
    "p999_ns",
    "max_ns",
    "counts_per_op",
    "facts",
];

/// The results, one line each under a header line. Values that a row does not have are empty beside a status that
/// says why.
pub fn render(report: &Report) -> String {
    let rows = report.groups.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row)));
    let lines = rows.map(|(group, row)| line(fields(report, group, row)));
    std::iter::once(line(HEADER.map(String::from).to_vec())).chain(lines).collect()
}

fn fields(report: &Report, group: &Group, row: &Row) -> Vec<String> {
    let (status, reason, detail) = match &row.outcome {
        Outcome::Measured(_) => ("measured", "", ""),
        Outcome::Counted(c) => ("counted", c.untimed.reason.code(), c.untimed.detail.as_str()),
        Outcome::Unavailable(why) => ("unavailable", why.reason.code(), why.detail.as_str()),
        Outcome::Broke { message } => ("broke", "broke", message.as_str()),
    };
    let isa = if row.isa.is_empty() { "scalar".into() } else { row.isa.join("+") };
    let texts = [&report.run, &group.name, &row.variant, &row.role, &group.source, &isa, &group.unit_of_work];
    let mut fields: Vec<String> = texts.map(String::from).to_vec();
    fields.extend([status, reason, detail].map(String::from));
    if let Some(figures) = row.figures() {
        fields.extend(figures_fields(figures));
    }
    // Counts and facts are the last two columns; what a row has not is empty.
    fields.resize(HEADER.len() - 2, String::new());
    let (counts, facts) = row.counts_and_facts();
    fields.extend([told_counts(counts), told_facts(facts)]);
    fields
}

fn figures_fields(figures: &Figures) -> Vec<String> {
    let mut fields = interval(Some(&figures.time_ns));
    fields.extend([figures.launches.len().to_string(), figures.rounds.to_string()]);
    fields.extend(interval(figures.speedup.as_ref()));
    fields.push(optional(figures.limit.as_ref().map(|l| l.limit.clone())));
    fields.push(optional(figures.limit.as_ref().map(|l| l.best_ns)));
    fields.push(optional(figures.placement.as_ref().map(|p| p.class)));
    fields.push(optional(figures.placement.as_ref().map(|p| p.left_out)));
    let latency = figures.latency.as_ref();
    fields.push(optional(latency.map(|l| l.p50_ns)));
    fields.push(optional(latency.map(|l| l.p99_ns)));
    fields.push(optional(latency.map(|l| l.p999_ns)));
    fields.push(optional(latency.map(|l| l.max_ns)));
    fields
}

fn told_counts(counts: &[Count]) -> String {
    let counts = counts.iter().map(|count| match &count.per_op {
        Ok(value) if count.provenance == Provenance::Software => format!("{}={value}", count.name),
        Ok(value) => format!("{}={value} ({})", count.name, origin(&count.provenance)),
        Err(why) => format!("{}={}", count.name, why.reason),
    });
    counts.collect::<Vec<_>>().join("; ")
}

fn told_facts(facts: &[Fact]) -> String {
    facts.iter().map(|f| format!("{}={}", f.name, f.value)).collect::<Vec<_>>().join("; ")
}

fn interval(interval: Option<&Interval>) -> Vec<String> {
    [interval.map(|i| i.value), interval.map(|i| i.low), interval.map(|i| i.high)].map(optional).to_vec()
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

pub(super) fn line(fields: Vec<String>) -> String {
    fields.iter().map(|field| quoted(field)).collect::<Vec<_>>().join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_csv_of_the_fixture_is_the_golden() {
        insta::assert_snapshot!(render(&Report::of(&fixture::record())).replace("\r\n", "\n"));
    }

    #[test]
    fn a_field_with_a_comma_or_a_quote_is_quoted() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
    }

    #[test]
    fn there_is_a_line_for_every_row_under_the_header() {
        assert_eq!(render(&Report::of(&fixture::wide(500))).matches("\r\n").count(), 501);
    }

    #[test]
    fn every_line_has_every_column() {
        let report = Report::of(&fixture::record());
        for group in &report.groups {
            for row in &group.rows {
                assert_eq!(fields(&report, group, row).len(), HEADER.len(), "{}", row.key);
            }
        }
    }
}
