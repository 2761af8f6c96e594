//! Every count of every row, one line each, by RFC 4180: what the one-line-a-row format has no columns for.

use super::csv::line;
use crate::counts::{all, origin};
use crate::model::Report;

const HEADER: [&str; 9] =
    ["run", "row", "count", "per_op", "provenance", "method", "reason", "detail", "by_thread"];

/// The whole text.
pub fn render(report: &Report) -> String {
    let header = line(HEADER.iter().map(|name| (*name).to_owned()).collect());
    let lines = all(&report.groups).map(|(row, count)| {
        let (per_op, reason, detail) = match &count.per_op {
            Ok(value) => (value.to_string(), String::new(), String::new()),
            Err(why) => (String::new(), why.reason.to_string(), why.detail.clone()),
        };
        let threads: Vec<String> = count.threads.iter().map(ToString::to_string).collect();
        let (name, method) = (count.name.clone(), count.method.clone());
        let from = origin(&count.provenance);
        line(vec![
            report.run.clone(),
            row.key.clone(),
            name,
            per_op,
            from,
            method,
            reason,
            detail,
            threads.join(" "),
        ])
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
