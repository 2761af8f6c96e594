//! What a self-test found, shown: false alarms, power by size, coverage and known truths, a piece of work a line.

use super::sentences::{at_most, day, found, of};
use crate::format::markdown::{cells_line, table};
use crate::format::paint::Ink;
use crate::format::text::{Look, wrapped};
use crate::words;
use perfbench_harness::duel::record::{Achieved, Power, Share};
use perfbench_harness::machine::limits::truths::Truth;
use perfbench_harness::stats::Interval;
use serde::Serialize;

/// All that a self-test found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelfTest {
    /// The figures over all pieces of work, which the gate shows beside its verdicts.
    pub achieved: Achieved,
    /// The same by piece of work.
    pub rows: Vec<SelfTestRow>,
    /// What is known beforehand, and what was measured.
    pub truths: Vec<Truth>,
}

/// What was found on one piece of work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelfTestRow {
    /// `workload/point/variant`.
    pub name: String,
    /// Identical code called slower.
    pub false_alarms: Share,
    /// Power by size of the injected slowdown.
    pub power: Vec<Power>,
    /// Intervals that held the truth.
    pub coverage: Share,
    /// Mean time of a comparison of identical code, seconds.
    pub unchanged_s: f64,
    /// What a reader must know of it.
    pub notes: Vec<String>,
}

/// Slowdowns that are injected, percent: the columns. What was really injected is within a factor of 1.5 of one of them.
const SIZES: [f64; 4] = [1.0, 2.0, 5.0, 10.0];

const TITLES: [&str; 8] = ["", "alarms", "+1 %", "+2 %", "+5 %", "+10 %", "held", "takes"];

/// The self-test for a terminal, readable at 80 columns.
pub fn selftest_text(selftest: &SelfTest, look: &Look) -> String {
    let achieved = &selftest.achieved;
    let links = if achieved.relinked { "re-linked sides" } else { "sides with one link" };
    let title = format!("perfbench selftest   {}   {links}   {}", achieved.cpu, day(&achieved.measured));
    let mut text =
        look.paint.text(Ink::Strong, &title) + "\n" + &wrapped(LEGEND, "", "  ", look.width) + "\n";
    let name_width = selftest.rows.iter().map(|row| row.name.len()).max().unwrap_or(0).clamp(8, 32);
    text += &look.paint.text(Ink::Quiet, &line(&TITLES.map(String::from), name_width));
    text.push('\n');
    for row in &selftest.rows {
        text += &format!("{}\n", line(&cells(row), name_width));
        row.notes.iter().for_each(|note| text += &wrapped(note, "   ", "   ", look.width));
    }
    text += if selftest.truths.is_empty() { "" } else { "\n" };
    text += &selftest.truths.iter().map(|truth| truth_line(truth, look)).collect::<String>();
    text + "\n"
        + &totals(achieved).iter().map(|told| wrapped(told, " ", "   ", look.width)).collect::<String>()
}

const LEGEND: &str = "alarms: identical code called slower; +N %: injected slowdowns found; held: 95 % intervals that held \
    the truth; takes: time of comparing identical code";

fn line(cells: &[String; 8], name_width: usize) -> String {
    let figures: String = cells[1..].iter().map(|cell| format!(" {cell:>6}")).collect();
    format!(" {:name_width$}{figures}", cells[0])
}

fn cells(row: &SelfTestRow) -> [String; 8] {
    let power = SIZES.map(|size| found_at(row, size).map_or("-".into(), short));
    let [one, two, five, ten] = power;
    let takes = format!("{:.2} s", row.unchanged_s);
    [row.name.clone(), short(row.false_alarms), one, two, five, ten, short(row.coverage), takes]
}

/// What was found of the slowdowns nearest to a size.
fn found_at(row: &SelfTestRow, size: f64) -> Option<Share> {
    let near = |power: &&Power| {
        SIZES.into_iter().min_by(|a, b| apart(power, *a).total_cmp(&apart(power, *b))) == Some(size)
    };
    let found = row.power.iter().filter(near).map(|power| power.found);
    found.reduce(|a, b| Share { hits: a.hits + b.hits, of: a.of + b.of })
}

fn apart(power: &Power, size: f64) -> f64 {
    (power.percent / size).ln().abs()
}

fn short(share: Share) -> String {
    format!("{}/{}", share.hits, share.of)
}

fn truth_line(truth: &Truth, look: &Look) -> String {
    let (word, ink) = agreement(truth);
    let told = format!("{}: {}; known {}", truth.name, measured(truth), known(truth));
    let line = wrapped(&told, &format!(" {word:10}"), &" ".repeat(11), look.width);
    line.lines().map(|line| look.paint.text(ink, line) + "\n").collect()
}

fn agreement(truth: &Truth) -> (&'static str, Ink) {
    match truth.agrees() {
        Some(true) => ("agrees", Ink::Good),
        Some(false) => ("disagrees", Ink::Bad),
        None => ("unknown", Ink::Quiet),
    }
}

fn measured(truth: &Truth) -> String {
    match &truth.measured {
        Ok(value) => words::measured_value(&exactly(truth, *value), &truth.unit),
        Err(why) => why.to_string(),
    }
}

/// A measured value with as many digits as what is known of it: a count is a whole number, a time is not.
fn exactly(truth: &Truth, value: f64) -> Interval {
    match truth.expected.low == truth.expected.high {
        true => Interval::exact(value),
        false => Interval { value, low: f64::MIN, high: f64::MAX },
    }
}

fn known(truth: &Truth) -> String {
    words::measured(&truth.expected, &truth.unit)
}

/// The figures over all pieces of work, a sentence each.
fn totals(achieved: &Achieved) -> Vec<String> {
    let again = at_most(achieved.confirmed_false_alarms, "comparison");
    let first = at_most(achieved.false_alarms, "comparison");
    let mut told =
        vec![format!("identical code was called slower in {first}, and again when repeated in {again}")];
    let power = |power: &Power| format!("{}, in {} on average", found(power), seconds(power.mean_s));
    told.extend(achieved.power.iter().map(power));
    told.push(format!("95 % intervals held the truth in {}", of(achieved.coverage)));
    told.push(format!("comparing identical code took {} on average", seconds(achieved.unchanged_s)));
    told.iter().map(|text| words::sentence(text)).collect()
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.2} s")
}

/// The self-test as Markdown, for documents.
pub fn selftest_markdown(selftest: &SelfTest) -> String {
    let achieved = &selftest.achieved;
    let totals: String = totals(achieved).iter().map(|told| format!("- {told}\n")).collect();
    let mut text = format!("{}, {}\n\n{totals}", achieved.cpu, day(&achieved.measured));
    let titles =
        ["", "identical code called slower", "+1 % found", "+2 % found", "+5 % found", "+10 % found"];
    let titles: Vec<&str> =
        titles.into_iter().chain(["intervals that held the truth", "time, identical code"]).collect();
    let lines: Vec<String> =
        selftest.rows.iter().map(|row| cells_line(&cells(row).each_ref().map(|c| c.as_str()))).collect();
    text += &table("", &titles, &lines);
    let notes =
        selftest.rows.iter().flat_map(|row| row.notes.iter().map(|note| format!("\n- {}: {note}", row.name)));
    text += &notes.collect::<String>();
    let truth =
        |truth: &Truth| cells_line(&[&truth.name, &known(truth), &measured(truth), agreement(truth).0]);
    let truths: Vec<String> = selftest.truths.iter().map(truth).collect();
    text + "\n" + &table("", &["truth", "known", "measured", ""], &truths)
}

/// The self-test as indented JSON.
pub fn selftest_json(selftest: &SelfTest) -> String {
    serde_json::to_string_pretty(selftest).expect("the model has string keys only") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::fixture;

    #[test]
    fn the_text_of_a_selftest_is_the_golden() {
        insta::assert_snapshot!(selftest_text(&fixture::selftest(), &Look::plain()));
    }

    #[test]
    fn the_markdown_of_a_selftest_is_the_golden() {
        insta::assert_snapshot!(selftest_markdown(&fixture::selftest()));
    }

    #[test]
    fn the_json_of_a_selftest_reads_back() {
        let value: serde_json::Value = serde_json::from_str(&selftest_json(&fixture::selftest())).unwrap();
        assert_eq!(value["rows"].as_array().unwrap().len(), 2);
    }
}
