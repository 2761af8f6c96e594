//! The judged gate for a pull request's comment and GitHub's job summary: the verdict first, what changed, the rest folded.

use super::sentences::{achieved, headline, looked_for, same, summary, times, typed, visible};
use super::{Gate, Row, Verdict};
use crate::format::markdown::{cells_line, code, folded, table};
use crate::words;

/// Stands at the end of every comment, unseen, so that a workflow finds its own comment again.
pub const MARK: &str = "<!-- perfbench gate -->";

/// Rows that a table holds at most: GitHub refuses a comment of more than 65,536 characters.
const ROWS_MOST: usize = 100;

/// The gate as GitHub-flavoured Markdown.
pub fn render(gate: &Gate) -> String {
    let red = [Verdict::Broke, Verdict::Slower, Verdict::Unresolved, Verdict::Faster];
    let mut text = head(gate);
    text += &rows_table("What changed or is not resolved", gate, &red);
    text += &targets(gate);
    for (verdicts, summary) in [
        (&[Verdict::Same][..], same(gate)),
        (&[Verdict::Unchanged], "unchanged machine code".into()),
        (&[Verdict::Unavailable], "not compared".into()),
    ] {
        let count = verdicts.iter().map(|verdict| gate.count(*verdict)).sum();
        text +=
            &folded(&format!("{}: {summary}", words::plural(count, "row")), &rows_table("", gate, verdicts));
    }
    text + &folded("What this gate reaches here, and how to repeat it", &reach(gate)) + "\n" + MARK + "\n"
}

fn head(gate: &Gate) -> String {
    let sides = format!("{} compared with {}", code(&gate.candidate.name), code(&gate.base.name));
    let mut text = format!("**{}**\n\n{sides}. Compared {}.\n", safe(&headline(gate)), summary(gate));
    for reservation in &gate.reservations {
        text += &format!("\n- {}", safe(reservation));
    }
    text
}

fn rows_table(heading: &str, gate: &Gate, verdicts: &[Verdict]) -> String {
    let rows: Vec<&Row> = gate.rows.iter().filter(|row| verdicts.contains(&row.verdict)).collect();
    let mut lines: Vec<String> = rows.iter().take(ROWS_MOST).map(|row| row_line(row)).collect();
    if let Some(more @ 1..) = rows.len().checked_sub(ROWS_MOST) {
        lines.push(cells_line(&[&format!("and {more} more: `--format json` has all"), "", "", "", ""]));
    }
    table(heading, &["row", "verdict", "base", "now", "why"], &lines)
}

fn row_line(row: &Row) -> String {
    let [base, now] = times(row);
    let why = [vec![row.reason.clone()], row.notes.clone()].concat().join("; ");
    cells_line(&[&code(&row.key), row.verdict.word(), &base, &now, &calls_nobody(&why)])
}

fn targets(gate: &Gate) -> String {
    let lines: Vec<String> = gate.missed_targets.iter().map(|id| cells_line(&[&code(id)])).collect();
    table("Documented targets missed", &["target"], &lines)
}

fn reach(gate: &Gate) -> String {
    let told = achieved(gate).into_iter().map(|(label, text)| format!("- {label}: {}\n", safe(&text)));
    let links = format!("{} and {}", gate.candidate.links, gate.base.links);
    format!(
        "\n{}- Rule: {}\n- Links: {links} of the candidate and the base\n- Machine: {}, grade {}\n- Gate: {}\n\n```sh\n{}\n```\n\
         `--exact` and the name of a row repeat one row alone.",
        told.collect::<String>(),
        looked_for(gate),
        safe(&gate.machine),
        gate.grade,
        code(&gate.gate),
        visible(&typed(&gate.command)).replace('`', "'"),
    )
}

/// Text that is no markup and notifies nobody.
fn safe(text: &str) -> String {
    calls_nobody(&visible(text)).replace('<', "&lt;")
}

/// An @ that notifies no person of that name.
fn calls_nobody(text: &str) -> String {
    text.replace('@', "&#64;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture;

    #[test]
    fn the_markdown_of_a_gate_is_the_golden() {
        insta::assert_snapshot!(render(&fixture::gate()));
    }

    #[test]
    fn the_markdown_of_a_quiet_gate_without_a_selftest_is_the_golden() {
        insta::assert_snapshot!(render(&fixture::quiet_gate()));
    }

    #[test]
    fn a_comment_on_a_thousand_rows_stays_within_what_github_takes() {
        let mut gate = fixture::gate();
        let all = gate.rows.clone();
        gate.rows = (0..1000).map(|i| all[i % all.len()].clone()).collect();
        gate.rows.sort_by_key(|row| row.verdict);
        let text = render(&gate);
        assert!(text.len() < 65_536, "{}", text.len());
        assert!(text.contains("more: `--format json` has all"));
    }
}
