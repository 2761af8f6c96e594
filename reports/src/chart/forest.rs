//! Speed-up of each variant against its point's base row, with intervals, on a log2 axis that all workloads share.

use super::axis::{log_range, octave_ticks, ratio_label};
use super::lanes::{self, Axis, Lane};
use super::plane::log_scale;
use super::{Chart, Figure, Place, Words, by_workload, pen};
use crate::model::{Report, Row};
use crate::words;
use perfbench_harness::stats::Interval;
use plotters::style::RGBColor;
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "forest",
    about: "Each dot is how many times faster a variant is than the first variant measured at its point, paired launch by \
            launch, with its 95 % interval; right of the 1x line is faster. The shaded band is this run's noise floor. \
            All workloads share one axis.",
    place: Place::Comparison,
    draw: |report, _| draw_all(report),
};

/// The axis ends here even where single results lie further out; those become arrows.
const WIDEST: Range<f64> = 1.0 / 64.0..256.0;

struct Line {
    label: String,
    speedup: Interval,
}

fn draw_all(report: &Report) -> Vec<Figure> {
    let all: Vec<(&str, Vec<Line>)> = by_workload(report)
        .into_iter()
        .map(|(name, rows)| (name, lines(rows)))
        .filter(|(_, l)| !l.is_empty())
        .collect();
    let values = all.iter().flat_map(|(_, lines)| lines).flat_map(|l| [l.speedup.value, 1.0]);
    let range = log_range(values, 1.3, 4.0);
    let range = range.start.max(WIDEST.start)..range.end.min(WIDEST.end);
    let noise = report.cards.noise_floor.unwrap_or(0.0);
    all.iter().map(|(workload, lines)| draw(workload, lines, &range, noise)).collect()
}

fn lines(rows: Vec<(String, &Row)>) -> Vec<Line> {
    let line = |(label, row): (String, &Row)| Some(Line { label, speedup: row.figures()?.speedup? });
    rows.into_iter().filter_map(line).collect()
}

fn draw(workload: &str, lines: &[Line], range: &Range<f64>, noise: f64) -> Figure {
    let axis = Axis {
        scale: log_scale(range, octave_ticks(range, 8)),
        range: range.clone(),
        label: &|ratio| ratio_label(*ratio),
        about: "times as fast as the first variant at that point",
        lane_px: 22,
    };
    let note = |line: &Line| words::direction(&line.speedup);
    let lanes: Vec<Lane> = lines.iter().map(|l| Lane { label: l.label.clone(), note: note(l) }).collect();
    let words = Words {
        chart: "forest",
        subject: workload.to_owned(),
        title: format!("Speed-up of the variants of {workload}"),
        finding: finding(lines),
    };
    lanes::draw(words, &lanes, axis, |plot| {
        plot.band(0.0..lines.len() as f64, 1.0 / (1.0 + noise), 1.0 + noise, pen::BAND)?;
        plot.rule(lines.len(), 1.0, pen::NOUGHT)?;
        lines
            .iter()
            .enumerate()
            .try_for_each(|(i, line)| plot.interval(i, line.speedup, colour(&line.speedup)))
    })
}

fn colour(speedup: &Interval) -> RGBColor {
    match speedup {
        s if s.low > 1.0 => pen::GOOD,
        s if s.high < 1.0 => pen::BAD,
        _ => pen::EVEN,
    }
}

fn finding(lines: &[Line]) -> String {
    let fastest = lines.iter().max_by(|a, b| a.speedup.value.total_cmp(&b.speedup.value));
    let slowest = lines.iter().min_by(|a, b| a.speedup.value.total_cmp(&b.speedup.value));
    let told = |line: &Line| format!("{} {}", line.label, words::direction(&line.speedup));
    match (fastest, slowest) {
        (Some(best), Some(worst)) if lines.len() > 1 => {
            format!("Best: {}. Last: {}.", told(best), told(worst))
        }
        (Some(only), _) => format!("{}.", told(only)),
        _ => String::new(),
    }
}
