//! The judged gate for a terminal: rows under their verdict, worst first, readable at 80 columns.

use super::sentences::{achieved, direction, headline, looked_for, same, span, summary, times};
use super::{Gate, Row, Verdict};
use crate::format::paint::Ink;
use crate::format::text::{Look, wrapped};
use crate::words;

/// The whole text: what was compared, the rows, the summary with what the self-test achieved here.
pub fn render(gate: &Gate, look: &Look) -> String {
    let widest = gate.rows.iter().map(|row| row.key.len()).max().unwrap_or(0);
    let rows: String =
        Verdict::ALL.iter().map(|verdict| group(gate, *verdict, widest.min(NAME_MOST), look)).collect();
    [head(gate, look), rows, foot(gate, look)].join("\n")
}

const NAME_MOST: usize = 36;

fn head(gate: &Gate, look: &Look) -> String {
    let title = format!("perfbench {}   gate {}   grade {}", gate.version, gate.gate, gate.grade);
    let mut text = format!("{}\n", look.paint.text(Ink::Strong, &title));
    let sides = format!("{} compared with {}, {}", gate.candidate.name, gate.base.name, links(gate));
    text += &wrapped(&sides, "", "  ", look.width);
    text += &wrapped(&gate.machine, "", "  ", look.width);
    text += &wrapped(&looked_for(gate), "", "  ", look.width);
    for reservation in &gate.reservations {
        text += &painted(Ink::Doubt, &wrapped(reservation, " ! ", "   ", look.width), look);
    }
    text
}

fn links(gate: &Gate) -> String {
    let told = |links: usize| words::plural(links, "link");
    match (gate.candidate.links, gate.base.links) {
        (a, b) if a == b => format!("{} a side", told(a)),
        (a, b) => format!("{} against {}", told(a), told(b)),
    }
}

fn group(gate: &Gate, verdict: Verdict, name_width: usize, look: &Look) -> String {
    let (folded, told): (Vec<&Row>, Vec<&Row>) = gate.of(verdict).partition(|row| says_nothing(row));
    let mut rows: String = told.into_iter().map(|row| row_text(row, name_width, look)).collect();
    if !folded.is_empty() {
        let names: Vec<&str> = folded.iter().map(|row| row.key.as_str()).collect();
        rows += &wrapped(&format!("not timed: {}", names.join(", ")), "   ", "     ", look.width);
    }
    if rows.is_empty() {
        return rows;
    }
    let title = if verdict == Verdict::Same { same(gate) } else { verdict.word().into() };
    format!("{}{rows}", painted(ink(verdict), &format!(" {title}\n"), look))
}

/// Whether there is no more to say of a row than its verdict.
fn says_nothing(row: &Row) -> bool {
    row.verdict == Verdict::Unchanged && row.time.is_none() && row.notes.is_empty()
}

/// One line; below it, where the row is red or there is something to add, the evidence.
fn row_text(row: &Row, name_width: usize, look: &Look) -> String {
    let head = match row.time {
        Some(_) => format!("   {:name_width$} {:>7}  ", row.key, times(row)[1]),
        None => format!("   {:name_width$}  ", row.key),
    };
    let indent = " ".repeat(INDENT);
    let mut text =
        wrapped(&cell(row), &head, &" ".repeat(head.chars().count().min(look.width / 2)), look.width);
    for evidence in evidence(row) {
        text += &painted(Ink::Quiet, &wrapped(&evidence, &indent, &indent, look.width), look);
    }
    text
}

const INDENT: usize = 5;

/// What fits beside the time: the interval where there is one, else the reason.
fn cell(row: &Row) -> String {
    let Some(time) = &row.time else { return row.reason.clone() };
    match row.verdict {
        Verdict::Slower | Verdict::Faster => direction(&time.ratio),
        _ => span(&time.ratio),
    }
}

fn evidence(row: &Row) -> Vec<String> {
    let plain =
        row.time.is_none() || matches!(row.verdict, Verdict::Same | Verdict::Faster | Verdict::Unchanged);
    let mut all = if plain { vec![] } else { vec![row.reason.clone()] };
    all.extend(row.notes.iter().cloned());
    all
}

fn foot(gate: &Gate, look: &Look) -> String {
    let mut lines = vec![("Verdict", headline(gate)), ("Compared", summary(gate))];
    lines.extend(achieved(gate));
    if !gate.missed_targets.is_empty() {
        lines.push(("Targets", format!("missed: {}", gate.missed_targets.join(", "))));
    }
    lines.push(("Gate", run(gate)));
    let line =
        |(label, text): &(&str, String)| wrapped(text, &format!(" {label:10}"), &" ".repeat(11), look.width);
    lines.iter().map(line).collect()
}

fn run(gate: &Gate) -> String {
    let Some(end) = &gate.end else { return gate.gate.clone() };
    let (whole, building) = (words::duration(end.elapsed_s), words::duration(end.build_s));
    format!("{}, {}, {whole}, of which building {building}", gate.gate, end.status)
}

fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Broke | Verdict::Slower => Ink::Bad,
        Verdict::Unresolved => Ink::Doubt,
        Verdict::Faster => Ink::Good,
        Verdict::Same | Verdict::Unchanged => Ink::Strong,
        Verdict::Unavailable => Ink::Quiet,
    }
}

/// Whole lines in an ink, line breaks outside it.
fn painted(ink: Ink, lines: &str, look: &Look) -> String {
    lines.lines().map(|line| look.paint.text(ink, line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::paint::Paint;
    use crate::gate::fixture;

    #[test]
    fn the_text_of_a_gate_is_the_golden() {
        insta::assert_snapshot!(render(&fixture::gate(), &Look::plain()));
    }

    #[test]
    fn the_text_of_a_quiet_gate_without_a_selftest_is_the_golden() {
        insta::assert_snapshot!(render(&fixture::quiet_gate(), &Look::plain()));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_colour_changes_no_word() {
        for width in [80, 120] {
            let plain = render(&fixture::gate(), &Look { width, ..Look::plain() });
            let widest = plain.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= width, "{widest}");
            let coloured = render(&fixture::gate(), &Look { paint: Paint::Ansi, width });
            let codes = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"];
            assert_eq!(codes.iter().fold(coloured, |text, code| text.replace(code, "")), plain);
        }
    }
}
