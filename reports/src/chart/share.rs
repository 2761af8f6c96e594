//! Speed of light: each result as a share of the machine limit that bounds it, measured in the same run.

use super::lanes::{self, Axis, Lane};
use super::linear::Linear;
use super::{Chart, Figure, Place, Words, by_workload, pen};
use crate::model::{LimitShare, Row};
use crate::words;
use perfbench_harness::stats::Interval;
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "share",
    about: "The bar is the best time that the named limit allows, as a share of the time measured: 100 % is as fast as this \
            machine could do it. An arrow at the right end contradicts the bound: the operation needs less of that limit \
            than was assumed.",
    place: Place::Limits,
    draw: |report, _| {
        by_workload(report).into_iter().filter_map(|(name, rows)| draw(name, &lines(rows))).collect()
    },
};

const AXIS: Range<f64> = 0.0..1.0;

struct Line {
    label: String,
    share: Interval,
    limit: LimitShare,
}

fn lines(rows: Vec<(String, &Row)>) -> Vec<Line> {
    let line = |(label, row): (String, &Row)| {
        let figures = row.figures()?;
        let limit = figures.limit.clone()?;
        Some(Line { label, share: figures.time_ns.map(|ns| limit.best_ns / ns), limit })
    };
    rows.into_iter().filter_map(line).collect()
}

fn draw(workload: &str, lines: &[Line]) -> Option<Figure> {
    let best = lines.iter().max_by(|a, b| a.share.value.total_cmp(&b.share.value))?;
    let axis = Axis {
        scale: Linear { range: AXIS, ticks: vec![0.0, 0.25, 0.5, 0.75, 1.0] },
        range: AXIS,
        label: &|share| format!("{:.0} %", 100.0 * share),
        about: "share of the machine's limit",
        lane_px: 22,
    };
    let note = |line: &Line| format!("{} of {}", words::percent(line.share.value), line.limit.limit);
    let lanes: Vec<Lane> = lines.iter().map(|l| Lane { label: l.label.clone(), note: note(l) }).collect();
    let words = Words {
        chart: "share",
        subject: workload.to_owned(),
        title: format!("{workload} as a share of the machine's limits"),
        finding: format!("Nearest to its limit: {} with {}; {}.", best.label, note(best), best.limit.why),
    };
    Some(lanes::draw(words, &lanes, axis, |plot| {
        lines.iter().enumerate().try_for_each(|(i, line)| {
            let y = i as f64;
            plot.band(y + 0.22..y + 0.78, 0.0, line.share.value, pen::SHARE)?;
            plot.interval(i, line.share, pen::INK)
        })
    }))
}
