//! Sums verdicts up: false alarms, power, time, error and coverage of each tool on each piece of work, with exact 95 %
//! intervals; as Markdown and as JSON. Pure.

use crate::log::{Call, Effect, Known, Verdict};
use crate::neighbour::Neighbour;
use crate::tool::Tool;
use perfbench_harness::duel::record::Share;
use perfbench_harness::stats::proportion::clopper_pearson;
use perfbench_harness::stats::{median, quantile};
use serde::Serialize;
use std::fmt::Write;

/// Everything that the verdicts say.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// The injected slowdowns.
    pub effects: &'a [Effect],
    /// A row a tool and piece of work, and one for all pieces together.
    pub rows: Vec<Row>,
    /// What the rows were made of.
    pub verdicts: &'a [Verdict],
}

/// What one tool does on one piece of work beside one neighbour.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The tool and how its word is taken.
    pub tool: String,
    /// The piece of work, or `all`.
    pub work: String,
    /// What ran beside.
    pub neighbour: Neighbour,
    /// Identical code called slower.
    pub alarms: Share,
    /// Identical code called slower or faster.
    pub called_changed: Share,
    /// Slowdowns called slower, by their size in percent as asked for.
    pub found: Vec<(f64, Share)>,
    /// Mean wall time of a verdict on identical code, seconds.
    pub unchanged_s: f64,
    /// The same on slowed code.
    pub changed_s: f64,
    /// Of the time on identical code, the mean part in which the sides were compared; NaN where the tool does not say.
    pub comparing_s: f64,
    /// 95th percentile of what the stated change of identical code is off, percentage points.
    pub error_points: f64,
    /// Stated 95 % intervals that hold the truth.
    pub covered: Share,
}

/// How a tool's word is taken: a verdict's call is its own, or counts only once it is confirmed.
type Reading = (&'static str, fn(&Verdict) -> Call);

fn readings(tool: Tool) -> &'static [Reading] {
    const PLAIN: Reading = ("", |verdict| verdict.judged.call);
    const CONFIRMED: Reading = (", confirmed", |verdict| match verdict.judged.confirmed {
        Some(false) => Call::Unresolved,
        _ => verdict.judged.call,
    });
    if tool == Tool::Perfbench { &[PLAIN, CONFIRMED] } else { &[PLAIN] }
}

/// Sums everything up: neighbour by neighbour and tool by tool, each tool's `all` last.
pub fn summary(known: &Known) -> Summary<'_> {
    let mut keys: Vec<_> = known.verdicts.iter().map(|v| (v.neighbour, v.tool)).collect();
    keys.sort();
    keys.dedup();
    let mut rows = Vec::new();
    for (neighbour, tool) in keys {
        let mine: Vec<&Verdict> =
            known.verdicts.iter().filter(|v| v.tool == tool && v.neighbour == neighbour).collect();
        for (suffix, reading) in readings(tool) {
            let title = format!("{}{suffix}", tool.title());
            rows.extend(
                groups(&mine).into_iter().map(|(work, group)| row(known, &title, work, &group, *reading)),
            );
        }
    }
    Summary { effects: &known.effects, rows, verdicts: &known.verdicts }
}

/// The verdicts of each piece of work, and at last of all.
fn groups<'a>(verdicts: &[&'a Verdict]) -> Vec<(&'a str, Vec<&'a Verdict>)> {
    let mut works: Vec<&str> = verdicts.iter().map(|verdict| verdict.work.as_str()).collect();
    works.sort_unstable();
    works.dedup();
    let of = |work| verdicts.iter().copied().filter(|v| v.work == work).collect();
    let mut groups: Vec<(&str, Vec<&Verdict>)> = works.into_iter().map(|work| (work, of(work))).collect();
    groups.push(("all", verdicts.to_vec()));
    groups
}

fn row(known: &Known, tool: &str, work: &str, verdicts: &[&Verdict], call: fn(&Verdict) -> Call) -> Row {
    let (same, slowed): (Vec<&Verdict>, Vec<&Verdict>) =
        verdicts.iter().partition(|v| v.asked_percent == 0.0);
    let slower = |verdict: &Verdict| call(verdict) == Call::Slower;
    let truth = |verdict: &Verdict| known.truth_percent(verdict);
    let with_interval = verdicts.iter().filter_map(|v| Some((v.judged.interval_percent?, truth(v)?)));
    let errors: Vec<f64> = same.iter().map(|verdict| verdict.judged.change_percent.abs()).collect();
    Row {
        tool: tool.into(),
        work: work.into(),
        neighbour: verdicts[0].neighbour,
        alarms: share(&same, |verdict| slower(verdict)),
        called_changed: share(&same, |verdict| slower(verdict) || call(verdict) == Call::Faster),
        found: sizes(&slowed)
            .into_iter()
            .map(|size| (size, share(slowed.iter().filter(|v| v.asked_percent == size), |v| slower(v))))
            .collect(),
        unchanged_s: mean(same.iter().map(|verdict| verdict.seconds)),
        changed_s: mean(slowed.iter().map(|verdict| verdict.seconds)),
        comparing_s: mean(same.iter().filter_map(|verdict| verdict.judged.comparing_s)),
        error_points: quantile(&errors, 0.95),
        covered: share(with_interval, |([low, high], truth)| (low..=high).contains(&truth)),
    }
}

fn share<T>(items: impl IntoIterator<Item = T>, condition: impl Fn(T) -> bool) -> Share {
    let answers: Vec<bool> = items.into_iter().map(condition).collect();
    Share { hits: answers.iter().filter(|answer| **answer).count() as u64, of: answers.len() as u64 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

/// The slowdowns that were asked for, ascending.
fn sizes(verdicts: &[&Verdict]) -> Vec<f64> {
    let mut sizes: Vec<f64> = verdicts.iter().map(|verdict| verdict.asked_percent).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    sizes
}

/// The summary as a page of Markdown: the injected slowdowns, then a table a neighbour.
pub fn markdown(known: &Known) -> String {
    let summary = summary(known);
    let mut page = effects(summary.effects);
    let mut neighbours: Vec<Neighbour> = summary.rows.iter().map(|row| row.neighbour).collect();
    neighbours.dedup();
    for neighbour in neighbours {
        let rows: Vec<&Row> = summary.rows.iter().filter(|row| row.neighbour == neighbour).collect();
        let loads: Vec<f64> =
            known.verdicts.iter().filter(|v| v.neighbour == neighbour).map(|v| v.load).collect();
        let (title, load) = (neighbour.title(), median(&loads));
        write!(page, "\n## {title}\n\nMedian load of the machine: {load:.2}.\n\n").expect("a string");
        page.push_str(&table(&rows));
    }
    page
}

fn effects(effects: &[Effect]) -> String {
    let mut text = String::from(
        "## Injected slowdowns\n\n| work | operation | spins after | asked | found (95 %) | steps |\n",
    );
    text.push_str("|---|---:|---|---:|---:|---:|\n");
    for Effect { work, injection, asked_percent, spins, percent, low_percent, high_percent, operation_ns } in
        effects
    {
        let after = format!("each {injection:?}").to_lowercase();
        let found = format!("{percent:.2} % ({low_percent:.2} to {high_percent:.2})");
        let length = format!("{:.1} us", operation_ns / 1e3);
        text.push_str(&format!("| {work} | {length} | {after} | {asked_percent} % | {found} | {spins} |\n"));
    }
    text
}

fn table(rows: &[&Row]) -> String {
    let mut sizes: Vec<f64> = rows.iter().flat_map(|row| row.found.iter().map(|(size, _)| *size)).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let mut heads: Vec<String> = ["tool", "work", "false alarms", "called changed"].map(String::from).into();
    heads.extend(sizes.iter().map(|size| format!("+{size} % found")));
    heads.extend(["s, unchanged", "s, slowed", "error, points", "coverage"].map(String::from));
    let rule = heads.iter().map(|_| "---".to_owned()).collect();
    let lines = [heads, rule].into_iter().chain(rows.iter().map(|row| cells(row, &sizes)));
    lines.map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
}

fn cells(row: &Row, sizes: &[f64]) -> Vec<String> {
    let found = |size: &f64| row.found.iter().find(|(found, _)| found == size).map(|(_, share)| *share);
    let mut cells = vec![row.tool.clone(), row.work.clone(), rate(Some(row.alarms))];
    cells.push(rate(Some(row.called_changed)));
    cells.extend(sizes.iter().map(|size| rate(found(size))));
    cells.push(time(row.unchanged_s, row.comparing_s));
    cells.extend([row.changed_s, row.error_points].map(number));
    cells.push(rate(Some(row.covered)));
    cells
}

/// A rate as `25 % (5-57), 3 of 12`.
fn rate(share: Option<Share>) -> String {
    let Some(Share { hits, of }) = share.filter(|share| share.of > 0) else { return "-".into() };
    let interval = clopper_pearson(hits as usize, of as usize, 0.95);
    let [value, low, high] =
        [hits as f64 / of as f64, interval.low, interval.high].map(|share| digits(share * 100.0));
    format!("{value} % ({low}-{high}), {hits} of {of}")
}

/// Seconds, and how many of them were spent on comparing, where that is known.
fn time(all_s: f64, comparing_s: f64) -> String {
    if comparing_s.is_nan() {
        return number(all_s);
    }
    format!("{} ({} comparing)", number(all_s), number(comparing_s))
}

fn number(value: f64) -> String {
    if value.is_nan() { "-".into() } else { format!("{value:.2}") }
}

/// Whole percents, and one decimal below ten and above ninety.
fn digits(percent: f64) -> String {
    let near_an_end = percent > 0.0 && percent < 9.95 || percent > 90.0 && percent < 100.0;
    if near_an_end { format!("{percent:.1}") } else { format!("{percent:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Injection;
    use crate::log::tests::verdict;
    use crate::log::{Judged, Line};

    fn effect(work: &str, injection: Injection, percent: f64) -> Line {
        Line::Effect(Effect {
            work: work.into(),
            injection,
            asked_percent: 2.0,
            spins: 190,
            percent,
            low_percent: percent - 0.01,
            high_percent: percent + 0.01,
            operation_ns: 13_210.0,
        })
    }

    /// A few verdicts of two tools on two pieces of work, one of them beside a spinner.
    fn known() -> Known {
        let mut known = Known::default();
        known.add(effect("chase", Injection::Batch, 1.97));
        known.add(effect("churn", Injection::Operation, 2.04));
        for (call, change) in
            [(Call::Silent, 0.2), (Call::Slower, 3.1), (Call::Faster, -2.5), (Call::Silent, 0.9)]
        {
            known.add(Line::Verdict(verdict(Tool::Tango, "chase", 0.0, call, change)));
            known.add(Line::Verdict(verdict(Tool::Tango, "churn", 2.0, call, change)));
        }
        for (call, asked_percent, confirmed) in
            [(Call::Slower, 0.0, Some(false)), (Call::Silent, 0.0, None), (Call::Slower, 2.0, Some(true))]
        {
            let plain = verdict(Tool::Perfbench, "chase", asked_percent, call, asked_percent);
            let interval_percent = Some([asked_percent - 0.5, asked_percent + 0.5]);
            let judged =
                Judged { interval_percent, confirmed, comparing_s: Some(0.4), ..plain.judged.clone() };
            known.add(Line::Verdict(Verdict { judged, ..plain }));
        }
        let beside = verdict(Tool::Tango, "chase", 0.0, Call::Silent, 0.1);
        known.add(Line::Verdict(Verdict { neighbour: Neighbour::Spinner, ..beside }));
        known
    }

    #[test]
    fn the_page_is_the_golden_one() {
        insta::assert_snapshot!(markdown(&known()));
    }

    #[test]
    fn an_alarm_that_the_repetition_takes_back_counts_only_without_confirmation() {
        let known = known();
        let rows = summary(&known).rows;
        let of = |title: &str| rows.iter().find(|row| row.tool == title && row.work == "chase").unwrap();
        assert_eq!(of("perfbench gate").alarms, Share { hits: 1, of: 2 });
        assert_eq!(of("perfbench gate, confirmed").alarms, Share { hits: 0, of: 2 });
    }

    #[test]
    fn intervals_are_held_against_the_calibrated_slowdown() {
        let mut known = known();
        known.effects[0].percent = 5.0;
        let rows = summary(&known).rows;
        let chase = rows.iter().find(|row| row.tool == "perfbench gate" && row.work == "chase").unwrap();
        assert_eq!(chase.covered, Share { hits: 2, of: 3 });
    }

    #[test]
    fn every_verdict_is_in_the_json() {
        let known = known();
        let json = serde_json::to_value(summary(&known)).unwrap();
        assert_eq!(json["verdicts"].as_array().unwrap().len(), 12);
        assert_eq!(json["rows"][0]["tool"], "perfbench gate");
    }
}
