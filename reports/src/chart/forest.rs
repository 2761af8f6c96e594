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
const WIDEST: Range<f64> = 1.0 / 1024.0..4096.0;

struct Line {
    lane: Lane,
    speedup: Interval,
}

fn draw_all(report: &Report) -> Vec<Figure> {
    let all: Vec<(&str, Vec<Line>)> = by_workload(report)
        .into_iter()
        .map(|(name, rows)| (name, lines(rows)))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let values = all.iter().flat_map(|(_, lines)| lines).flat_map(|line| [line.speedup.value, 1.0]);
    let range = log_range(values, 1.3, 4.0);
    let frame = Frame {
        range: range.start.max(WIDEST.start)..range.end.min(WIDEST.end),
        margins_px: lanes::margins_px(all.iter().flat_map(|(_, lines)| lines).map(|line| &line.lane)),
        noise: report.cards.noise_floor.unwrap_or(0.0),
    };
    all.into_iter().map(|(workload, lines)| draw(workload, &lines, &frame)).collect()
}

/// What all workloads share.
struct Frame {
    range: Range<f64>,
    margins_px: (i32, i32),
    noise: f64,
}

fn lines(rows: Vec<(String, &Row)>) -> Vec<Line> {
    let line = |(label, row): (String, &Row)| {
        let speedup = row.figures()?.speedup?;
        Some(Line { lane: Lane { label, note: words::direction(&speedup) }, speedup })
    };
    rows.into_iter().filter_map(line).collect()
}

fn draw(workload: &str, lines: &[Line], frame: &Frame) -> Figure {
    let axis = Axis {
        scale: log_scale(&frame.range, octave_ticks(&frame.range, 8)),
        range: frame.range.clone(),
        label: &|ratio| ratio_label(*ratio),
        about: "times as fast as the first variant at that point",
        lane_px: 22,
        margins_px: frame.margins_px,
    };
    let lanes: Vec<Lane> = lines.iter().map(|line| line.lane.clone()).collect();
    let words = Words {
        chart: "forest",
        subject: workload.to_owned(),
        title: format!("Speed-up of the variants of {workload}"),
        finding: finding(lines),
    };
    lanes::draw(words, &lanes, axis, |plot| {
        let above = 1.0 + frame.noise;
        plot.band(0.0..lines.len() as f64, above.recip(), above, pen::BAND)?;
        plot.rule(lines.len(), 1.0, pen::NOUGHT)?;
        let mut numbered = lines.iter().enumerate();
        numbered.try_for_each(|(index, line)| plot.interval(index, line.speedup, colour(&line.speedup)))
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
    let told = |line: &Line| format!("{} {}", line.lane.label, line.lane.note);
    match (fastest, slowest) {
        (Some(best), Some(worst)) if lines.len() > 1 => {
            format!("From {} to {}.", told(worst), told(best))
        }
        (Some(only), _) => format!("{}.", told(only)),
        _ => String::new(),
    }
}
