//! The report for pull requests and wikis: a sentence first, tables after it, long lists folded.

use super::cells;
use crate::model::{Group, Report, Row};
use crate::verdict::{Judged, Verdict};
use crate::words;

/// The report as GitHub-flavoured Markdown.
pub fn render(report: &Report) -> String {
    [head(report), look_at(report), targets(report), results(report), absent(report)].concat()
}

fn head(report: &Report) -> String {
    let mut text = format!("**{}**\n\n", escaped(&report.headline));
    text += &format!("{}, grade {}, run `{}`\n", escaped(&report.machine_line), report.grade, report.run);
    for reservation in report.reservations.iter().chain(&report.warnings) {
        text += &format!("\n- {}", escaped(reservation));
    }
    text + "\n"
}

fn look_at(report: &Report) -> String {
    let item = |item: &crate::model::LookAt| format!("1. `{}`: {}\n", item.name, escaped(&item.sentence));
    let items: String = report.look_at.iter().map(item).collect();
    if items.is_empty() { items } else { format!("\n### What to look at\n\n{items}") }
}

fn targets(report: &Report) -> String {
    let judged = report.targets().filter(|judged| judged.verdict != Verdict::NotMeasurable);
    let lines: Vec<String> = judged.map(target_line).collect();
    table("Documented targets", &["verdict", "target", "documented", "measured", "evidence"], &lines)
}

fn target_line(judged: &Judged) -> String {
    let measured = judged.measured.map_or(String::new(), |value| words::measured(&value, &judged.claim.unit));
    let word = judged.verdict.word();
    cells_line(&[word, &code(&judged.claim.id), &judged.target(), &measured, &judged.evidence])
}

fn results(report: &Report) -> String {
    let lines: Vec<String> =
        report.groups.iter().flat_map(|group| group.rows.iter().map(|row| row_line(group, row))).collect();
    let titles = ["row", "median", "95 % interval", "p99", "against the group's first", "share of limit"];
    table("Results", &titles, &lines)
}

fn row_line(group: &Group, row: &Row) -> String {
    let name = format!("{} {}", code(&group.name), cells::name(row));
    let Some(figures) = row.figures() else {
        return cells_line(&[&name, &cells::reason(row).unwrap_or_default(), "", "", "", ""]);
    };
    let placement = figures.placement.as_ref().map(|p| format!(" ({})", cells::placement(p)));
    cells_line(&[
        &name,
        &format!("{}{}", cells::median(figures), placement.unwrap_or_default()),
        &cells::interval(figures),
        &cells::p99(figures),
        &cells::direction(figures),
        &cells::limit(figures),
    ])
}

fn absent(report: &Report) -> String {
    let lines: Vec<String> = report.targets().filter_map(absent_line).collect();
    let table = table("", &["target", "documented", "reason", "detail"], &lines);
    folded(&format!("{} not measurable here", words::plural(lines.len(), "target")), &table)
}

/// A part that opens on a click; nothing where it is empty.
pub fn folded(summary: &str, body: &str) -> String {
    match body.is_empty() {
        true => String::new(),
        false => format!("\n<details><summary>{summary}</summary>\n{body}\n</details>\n"),
    }
}

fn absent_line(judged: &Judged) -> Option<String> {
    let reason = judged.reason?.code();
    Some(cells_line(&[&code(&judged.claim.id), &judged.target(), reason, &judged.evidence]))
}

/// A table under a heading; nothing where it has no line.
pub fn table(heading: &str, titles: &[&str], lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let heading = if heading.is_empty() { String::new() } else { format!("\n### {heading}\n") };
    let rule = "|---".repeat(titles.len());
    format!("{heading}\n{}{rule}|\n{}", cells_line(titles), lines.concat())
}

/// One line of a table; bars inside cells are escaped.
pub fn cells_line(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!(" {} |", escaped(cell))).collect();
    format!("|{cells}\n")
}

/// A name in code style.
pub fn code(name: &str) -> String {
    format!("`{name}`")
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_markdown_of_the_fixture_is_the_golden() {
        insta::assert_snapshot!(render(&Report::of(&fixture::record())));
    }

    #[test]
    fn what_would_break_a_table_or_become_markup_is_escaped() {
        assert_eq!(cells_line(&["a|b", "<= 3\nns"]), "| a\\|b | &lt;= 3 ns |\n");
    }
}
