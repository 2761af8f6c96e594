//! A measurement against its documented target: how many times the target it is, on one axis for all targets.

use super::lanes::Plot;
use super::plane::{LogScale, log_scale};
use super::{Chart, Figure, Place, Words, pen, svg};
use crate::verdict::{Judged, Verdict};
use crate::words;
use perfbench_harness::stats::Interval;
use plotters::style::RGBColor;
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "bullet",
    about: "The upright line is the documented figure, at the same place in every row; the dot is the measurement with \
            its interval, on a logarithmic axis from an eighth of that figure to eight times it. The shaded side meets \
            the target; an arrow points at what lies further out.",
    place: Place::Target,
    draw: |report, _| report.targets().filter_map(bullet).collect(),
};

const AXIS: Range<f64> = 0.125..8.0;

/// None where there is no measurement, or no ratio to a target of zero.
fn bullet(judged: &Judged) -> Option<Figure> {
    let ratio = judged.measured?.map(|value| value / judged.claim.value);
    (ratio.value.is_finite() && ratio.value > 0.0).then(|| draw(judged, ratio))
}

fn draw(judged: &Judged, ratio: Interval) -> Figure {
    let words = Words {
        chart: "bullet",
        subject: judged.claim.id.clone(),
        title: format!("{} against its target", judged.claim.id),
        finding: finding(judged, &ratio),
    };
    svg::figure(words, (180, 20), |area| {
        let plot = Plot::<LogScale>::bare(area, log_scale(&AXIS, vec![]), AXIS)?;
        if let Some(side) = meeting_side(&judged.claim.op) {
            plot.band(0.2..0.8, side.start, side.end, pen::BAND)?;
        }
        plot.rule(1, 1.0, pen::TARGET)?;
        plot.interval(0, ratio, colour(judged.verdict))
    })
}

fn finding(judged: &Judged, ratio: &Interval) -> String {
    let times = words::measured(ratio, "x");
    format!("{}: {times} the documented figure ({}).", judged.verdict.word(), judged.target())
}

fn meeting_side(op: &str) -> Option<Range<f64>> {
    match op.chars().next() {
        Some('<') => Some(AXIS.start..1.0),
        Some('>') => Some(1.0..AXIS.end),
        _ => None,
    }
}

fn colour(verdict: Verdict) -> RGBColor {
    match verdict {
        Verdict::Met => pen::GOOD,
        Verdict::Missed => pen::BAD,
        Verdict::Unresolved | Verdict::Implausible | Verdict::NotMeasurable => pen::EVEN,
    }
}
