//! Every count of every row, one line each, by RFC 4180: what the one-line-a-row format has no columns for.

use super::csv::line;
use crate::counts::{all, is_emulated, origin};
use crate::model::Report;

const HEADER: [&str; 11] = [
    "run",
    "row",
    "status",
    "count",
    "value",
    "per",
    "provenance",
    "method",
    "reason",
    "detail",
    "by_thread",
];

/// The whole text.
pub fn render(report: &Report) -> String {
    let header = line(HEADER.iter().map(|name| (*name).to_owned()).collect());
    let lines = all(&report.groups).map(|(row, count)| {
        let (value, reason, detail) = match &count.per_op {
            Ok(value) => (value.to_string(), String::new(), String::new()),
            Err(why) => (String::new(), why.reason.to_string(), why.detail.clone()),
        };
        let threads: Vec<String> = count.threads.iter().map(ToString::to_string).collect();
        let status = if is_emulated(row) { "emulated" } else { "measured" };
        let per = if count.whole { "region" } else { "operation" };
        let told = [report.run.as_str(), &row.key, status, &count.name, &value, per];
        let from = [&origin(&count.provenance), &count.method, &reason, &detail, &threads.join(" ")];
        line(told.into_iter().chain(from.map(String::as_str)).map(str::to_owned).collect())
    });
    header + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_counts_of_the_fixture_are_the_golden() {
        insta::assert_snapshot!(render(&Report::of(&fixture::record())).replace("\r\n", "\n"));
    }
}
