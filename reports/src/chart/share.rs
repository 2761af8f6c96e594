//! Speed of light: each result as a share of the machine limit that bounds it, measured in the same run.

use super::lanes::{self, Axis, Lane};
use super::linear::Linear;
use super::{Chart, Figure, Place, Words, by_workload, pen};
use crate::format::cells;
use crate::model::{Report, Row};
use perfbench_harness::stats::Interval;
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "share",
    about: "The bar is the best time that the named limit allows, as a share of the time measured: 100\u{a0}% is as fast as this \
            machine could do it. A row's own line bounce is the one measured around the very rounds that count, on the same two cores. An arrow at the right end contradicts the bound: the operation needs less of that limit \
            than was assumed.",
    place: Place::Limits,
    draw: |report, _| draw_all(report),
};

const AXIS: Range<f64> = 0.0..1.0;

struct Line {
    lane: Lane,
    share: Interval,
    why: String,
}

fn draw_all(report: &Report) -> Vec<Figure> {
    let all: Vec<(&str, Vec<Line>)> =
        by_workload(report).into_iter().map(|(name, rows)| (name, lines(rows))).collect();
    let margins_px = lanes::margins_px(all.iter().flat_map(|(_, lines)| lines).map(|line| &line.lane));
    all.into_iter().filter_map(|(workload, lines)| draw(workload, &lines, margins_px)).collect()
}

fn lines(rows: Vec<(String, &Row)>) -> Vec<Line> {
    let line = |(label, row): (String, &Row)| {
        let figures = row.figures()?;
        let limit = figures.limit.as_ref()?;
        let lane = Lane { label, note: cells::limit(figures) };
        Some(Line { lane, share: figures.time_ns.map(|ns| limit.best_ns / ns), why: limit.why.clone() })
    };
    rows.into_iter().filter_map(line).collect()
}

fn draw(workload: &str, lines: &[Line], margins_px: (i32, i32)) -> Option<Figure> {
    let best = lines.iter().max_by(|a, b| a.share.value.total_cmp(&b.share.value))?;
    let axis = Axis {
        scale: Linear { range: AXIS, ticks: vec![0.0, 0.25, 0.5, 0.75, 1.0] },
        range: AXIS,
        label: &|share| format!("{:.0} %", 100.0 * share),
        about: "share of the machine's limit",
        lane_px: 22,
        margins_px,
    };
    let lanes: Vec<Lane> = lines.iter().map(|line| line.lane.clone()).collect();
    let words = Words {
        chart: "share",
        subject: workload.to_owned(),
        title: format!("{workload} as a share of the machine's limits"),
        finding: format!("Nearest to its limit: {} with {}; {}.", best.lane.label, best.lane.note, best.why),
    };
    Some(lanes::draw(words, &lanes, axis, |plot| {
        lines.iter().enumerate().try_for_each(|(index, line)| {
            let y = index as f64;
            plot.band(y + 0.22..y + 0.78, 0.0, line.share.value, pen::SHARE)?;
            plot.interval(index, line.share, pen::INK)
        })
    }))
}
