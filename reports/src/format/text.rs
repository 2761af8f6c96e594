//! The terminal's table: one result a line, readable at 80 columns, and the summary below it.

use super::cells;
use super::paint::{Ink, Paint};
use crate::counts::{CountCell, CountTable};
use crate::model::{Figures, Group, Report, Row};
use crate::verdict::{Judged, Verdict};
use crate::words::{self, plural};
use perfbench_harness::case::Fact;
use std::collections::BTreeMap;

/// How wide and how coloured the text is.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Colour.
    pub paint: Paint,
    /// Columns of the terminal.
    pub width: usize,
}

impl Look {
    /// Without colour, at 80 columns: what a pipe gets.
    pub fn plain() -> Look {
        Look { paint: Paint::Plain, width: 80 }
    }

    fn columns(&self) -> &'static [Column] {
        if self.width < WIDE_FROM { NARROW } else { WIDE }
    }
}

/// One column of figures.
struct Column {
    title: &'static str,
    width: usize,
    cell: fn(&Figures) -> String,
}

const fn column(title: &'static str, width: usize, cell: fn(&Figures) -> String) -> Column {
    Column { title, width, cell }
}

const NAME_WIDTH: usize = 24;
const WIDE_FROM: usize = 110;

const NARROW: &[Column] = &[
    column("median", 7, cells::median),
    column("95 % interval", 13, cells::interval),
    column("p99", 7, cells::p99),
    column("against first", 13, cells::short_direction),
];

const WIDE: &[Column] = &[
    column("median", 7, cells::median),
    column("95 % interval", 13, cells::interval),
    column("p99", 7, cells::p99),
    column("p99.9", 7, cells::p999),
    column("against first [95 %]", 31, cells::direction),
];

/// The whole text: head, results, judged targets, summary.
pub fn render(report: &Report, look: &Look) -> String {
    let parts = [
        head(report, look),
        results(report, look),
        counts(report, look),
        targets(report, look),
        summary(report, look),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What was measured where, and every reservation.
pub fn head(report: &Report, look: &Look) -> String {
    let title = format!("perfbench {}   grade {}", report.version, report.grade);
    let mut text = format!("{}\n", look.paint.text(Ink::Strong, &title));
    text += &wrapped(&report.machine_line, "", "  ", look.width);
    for reservation in report.reservations.iter().chain(&report.warnings) {
        text += &look.paint.text(Ink::Doubt, wrapped(reservation, " ! ", "   ", look.width).trim_end());
        text.push('\n');
    }
    text
}

/// The table of results.
pub fn results(report: &Report, look: &Look) -> String {
    let titles: String = look.columns().iter().map(|c| format!(" {:>1$}", c.title, c.width)).collect();
    let title = format!("{:NAME_WIDTH$}{titles} target", "");
    let groups: String = report.groups.iter().map(|group| group_lines(report, group, look)).collect();
    format!("{}\n{groups}", look.paint.text(Ink::Quiet, &title))
}

fn group_lines(report: &Report, group: &Group, look: &Look) -> String {
    let last = group.rows.len() - 1;
    let row = |(i, row)| row_line(report, row, i == last, look) + &facts_line(group, row, look);
    let rows: String = group.rows.iter().enumerate().map(row).collect();
    format!(" {}\n{rows}", look.paint.text(Ink::Strong, &group.name))
}

/// What a row reports beside its time, where other rows of the group report another value of it.
fn facts_line(group: &Group, row: &Row, look: &Look) -> String {
    let others = || group.rows.iter().filter_map(Row::figures).flat_map(|figures| &figures.facts);
    let differs = |fact: &&Fact| others().any(|other| other.name == fact.name && other.value != fact.value);
    let facts = row.figures().map_or(&[][..], |figures| &figures.facts);
    let told: Vec<String> =
        facts.iter().filter(differs).map(|f| format!("{} {}", f.name, words::number(f.value))).collect();
    match told.is_empty() {
        true => String::new(),
        false => look.paint.text(Ink::Quiet, &wrapped(&told.join(", "), "      ", "      ", look.width)),
    }
}

fn row_line(report: &Report, row: &Row, last: bool, look: &Look) -> String {
    let name = format!(" {} {}", if last { "'-" } else { "|-" }, cells::name(row));
    let Some(figures) = row.figures() else { return reason_line(&name, row, look) };
    let figures: String =
        look.columns().iter().map(|c| format!(" {:>1$}", (c.cell)(figures), c.width)).collect();
    format!("{}{figures}{}\n", column_or_line(&name, NAME_WIDTH), verdict_cell(report, row, look))
}

fn verdict_cell(report: &Report, row: &Row, look: &Look) -> String {
    let verdict = report.row_verdict(row);
    verdict.map_or(String::new(), |v| format!(" {}", look.paint.text(Ink::of(v), v.word())))
}

fn reason_line(name: &str, row: &Row, look: &Look) -> String {
    let reason = cells::reason(row).unwrap_or_default();
    let indent = " ".repeat(NAME_WIDTH + 1);
    let text = wrapped(&reason, &format!("{} ", column_or_line(name, NAME_WIDTH)), &indent, look.width);
    format!("{}\n", look.paint.text(Ink::Quiet, text.trim_end()))
}

/// Points whose counts are told; a run of more has them on its page.
const COUNTED_GROUPS: usize = 2;

/// What the operations of a run of few points counted.
pub fn counts(report: &Report, look: &Look) -> String {
    if report.groups.len() > COUNTED_GROUPS {
        return String::new();
    }
    report.groups.iter().map(|group| count_lines(group, look)).collect()
}

fn count_lines(group: &Group, look: &Look) -> String {
    let table = CountTable::of(group);
    if table.is_empty() && table.notes.is_empty() {
        return String::new();
    }
    let title = format!("Counts of {} per {}", group.name, group.unit_of_work);
    let mut text = format!("{}\n", look.paint.text(Ink::Strong, &title));
    let room = look.width.saturating_sub(COUNT_NAME_WIDTH) / (COUNT_WIDTH + 1);
    let variants: Vec<usize> = (0..table.variants.len()).collect();
    for block in variants.chunks(room.max(1)).filter(|_| !table.is_empty()) {
        let titles = block.iter().map(|i| shortened(table.variants[*i], COUNT_WIDTH));
        text += &look.paint.text(Ink::Quiet, &count_line("", titles));
        for line in &table.lines {
            let cells = block.iter().map(|i| line.cells[*i].text.clone());
            text += &count_line(&format!(" {}", line.label()), cells);
        }
    }
    for (origin, names) in table.origins() {
        text += &wrapped(&format!("{origin}: {}", names.join(", ")), " ", "   ", look.width);
    }
    let scaled = |cell: &CountCell| cell.text.starts_with('~');
    if table.lines.iter().flat_map(|line| &line.cells).any(scaled) {
        text += " ~: scaled up, because it was on the counters for part of the time only\n";
    }
    text + &table.notes.iter().map(|note| wrapped(note, " ", "   ", look.width)).collect::<String>()
}

const COUNT_NAME_WIDTH: usize = 30;
const COUNT_WIDTH: usize = 15;

fn count_line(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!(" {cell:>COUNT_WIDTH$}")).collect();
    format!("{}{cells}\n", column_or_line(name, COUNT_NAME_WIDTH))
}

/// The first letters of a name that its column does not hold.
fn shortened(name: &str, width: usize) -> String {
    match name.chars().count() > width {
        true => name.chars().take(width - 1).chain(['~']).collect(),
        false => name.into(),
    }
}

/// One line a judged target under its verdict, what needs attention first; those without a value are counted by reason.
pub fn targets(report: &Report, look: &Look) -> String {
    let judged: Vec<&Judged> = report.targets().filter(|judged| judged.measured.is_some()).collect();
    let table = TargetTable::of(&judged, look.width);
    let verdicts = [Verdict::Implausible, Verdict::Missed, Verdict::Unresolved, Verdict::Met];
    let lines: String =
        verdicts.iter().map(|verdict| verdict_lines(*verdict, &judged, &table, look)).collect();
    let absent = absent_by_reason(report);
    let rest = match absent.is_empty() {
        true => String::new(),
        false => wrapped(&absent, " not measurable here: ", "   ", look.width),
    };
    let title =
        table.line(" Documented targets", ["documented", "measured", "95 % interval"].map(str::to_owned));
    let title = if judged.is_empty() { " Documented targets\n".to_owned() } else { title };
    format!("{}\n{lines}{rest}", look.paint.text(Ink::Strong, title.trim_end()))
}

fn verdict_lines(verdict: Verdict, judged: &[&Judged], table: &TargetTable, look: &Look) -> String {
    let lines: Vec<String> = judged
        .iter()
        .filter(|judged| judged.verdict == verdict)
        .map(|judged| table.line(&format!("   {}", judged.claim.id), target_cells(judged)))
        .collect();
    match lines.is_empty() {
        true => String::new(),
        false => format!(" {}\n{}", look.paint.text(Ink::of(verdict), verdict.word()), lines.concat()),
    }
}

fn target_cells(judged: &Judged) -> [String; 3] {
    let unit = &judged.claim.unit;
    let measured = judged.measured.as_ref();
    [
        judged.target(),
        // The documented figure names the unit, unless the number reads otherwise without it.
        measured.map_or(String::new(), |value| {
            words::measured_value(value, if ["x", "bool"].contains(&unit.as_str()) { unit } else { "" })
        }),
        measured.map_or(String::new(), words::measured_bounds),
    ]
}

/// How wide the columns of the targets are.
struct TargetTable {
    name: usize,
    cells: [usize; 3],
}

impl TargetTable {
    /// As wide as their longest cells; the names get what is left of the terminal where that is less.
    fn of(judged: &[&Judged], width: usize) -> TargetTable {
        let longest =
            |least: usize, lengths: &mut dyn Iterator<Item = usize>| lengths.fold(least, usize::max);
        let all: Vec<[String; 3]> = judged.iter().map(|judged| target_cells(judged)).collect();
        let titles = [10, 8, 13];
        let cells = [0, 1, 2].map(|i| longest(titles[i], &mut all.iter().map(|cells| cells[i].len())));
        let room = width.saturating_sub(cells.iter().sum::<usize>() + cells.len());
        let names = longest(20, &mut judged.iter().map(|judged| judged.claim.id.len() + 3));
        TargetTable { name: names.min(room), cells }
    }

    /// A name and its cells; a name that its column does not hold stands on a line of its own.
    fn line(&self, name: &str, cells: [String; 3]) -> String {
        let cells: String =
            cells.iter().zip(self.cells).map(|(cell, width)| format!(" {cell:>width$}")).collect();
        format!("{}{cells}\n", column_or_line(name, self.name))
    }
}

/// Text padded to a column, or on a line of its own above an empty column.
fn column_or_line(text: &str, width: usize) -> String {
    if text.len() <= width { format!("{text:width$}") } else { format!("{text}\n{:width$}", "") }
}

/// `97 no-workload-yet, 1 isa-absent`.
pub fn absent_by_reason(report: &Report) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    report
        .targets()
        .filter_map(|judged| judged.reason)
        .for_each(|r| *counts.entry(r.code()).or_default() += 1);
    counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect::<Vec<_>>().join(", ")
}

/// The last lines: counts, noise floor, what to look at, the run.
pub fn summary(report: &Report, look: &Look) -> String {
    let label = |label: &str| format!(" {label:9}");
    let mut text = wrapped(&results_sentence(report), &label("Results"), &label(""), look.width);
    text += &wrapped(&targets_sentence(report), &label("Targets"), &label(""), look.width);
    for (index, item) in report.look_at.iter().enumerate() {
        let first = label(if index == 0 { "Look at" } else { "" });
        let sentence = format!("{}: {}", item.name, item.sentence);
        text += &wrapped(&sentence, &first, &label(""), look.width);
    }
    text + &wrapped(&run_sentence(report), &label("Run"), &label(""), look.width)
}

fn results_sentence(report: &Report) -> String {
    let cards = &report.cards;
    let noise =
        cards.noise_floor.map_or(String::new(), |floor| format!(", noise floor {}", words::percent(floor)));
    let counted = match cards.rows_counted {
        0 => String::new(),
        counted => format!("{counted} counted and not timed, "),
    };
    format!(
        "{} measured, {counted}{} not measurable here, {} broke{noise}",
        cards.rows_measured, cards.rows_unavailable, cards.rows_broke
    )
}

fn targets_sentence(report: &Report) -> String {
    let cards = &report.cards;
    format!(
        "{}: {} met, {} missed, {} unresolved, {} implausible, {} not measurable here",
        report.targets().count(),
        cards.met,
        cards.missed,
        cards.unresolved,
        cards.implausible,
        cards.not_measurable
    )
}

fn run_sentence(report: &Report) -> String {
    let length = report.elapsed_s.map_or(String::new(), |s| format!(", {}", words::duration(s)));
    let launches = report.rows().filter_map(Row::figures).map(|f| f.launches.len()).max().unwrap_or(0);
    let most = match launches {
        0 => String::new(),
        most => format!(", at most {} a group", plural(most, "launch")),
    };
    format!("{}, {}{length}{most}", report.run, report.status)
}

/// Text broken at spaces to a width, the first line behind `first`, the others behind `next`; ends with a line break.
pub fn wrapped(text: &str, first: &str, next: &str, width: usize) -> String {
    let mut lines = vec![first.to_owned()];
    let mut is_empty = true;
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a first line");
        if is_empty {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{next}{word}"));
        }
        is_empty = false;
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_text_of_the_fixture_is_the_golden() {
        insta::assert_snapshot!(render(&Report::of(&fixture::record()), &Look::plain()));
    }

    #[test]
    fn the_wide_text_of_the_fixture_is_the_golden() {
        let look = Look { width: 130, ..Look::plain() };
        insta::assert_snapshot!(render(&Report::of(&fixture::record()), &look));
    }

    #[test]
    fn the_counts_of_a_run_of_one_point_are_the_golden() {
        let mut report = Report::of(&fixture::record());
        assert_eq!(counts(&report, &Look::plain()), "", "a run of many points has them on its page");
        report.groups.retain(|group| group.name == "wire_message/serialise");
        insta::assert_snapshot!(counts(&report, &Look::plain()));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let report = Report::of(&fixture::record());
        for width in [80, 100, 120] {
            let text = render(&report, &Look { width, ..Look::plain() });
            let widest = text.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= width, "{widest}");
        }
    }

    #[test]
    fn colour_changes_no_word() {
        let report = Report::of(&fixture::record());
        let coloured = render(&report, &Look { paint: Paint::Ansi, ..Look::plain() });
        let codes = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m"];
        let stripped = codes.iter().fold(coloured.clone(), |text, code| text.replace(code, ""));
        assert_ne!(coloured, stripped);
        assert_eq!(stripped, render(&report, &Look::plain()));
    }
}
