//! The median of every launch and the rounds behind it, for each row of a group, as a share of the row's time: here it
//! shows when launches fall in two heaps, which a mean hides.

use super::axis::{log_range, share_ticks};
use super::lanes::{self, Axis, Lane, Plot};
use super::linear::Linear;
use super::svg::Drawn;
use super::{Chart, Figure, Place, Words, pen};
use crate::model::{Figures, Group, Row};
use crate::words;
use perfbench_harness::record::{Launch, RunRecord};
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "strip",
    about: "Each large dot is the median of one launch, a process of its own; the small dots beside it are that launch's \
            rounds (at most 12, evenly from the sorted ones), those left out for the placement of the cores included. Two heaps of large dots mean that launches \
            differ more than rounds tell; an arrow stands for rounds beyond the axis, which all rows of the group share.",
    place: Place::Group,
    draw: |report, record| report.groups.iter().filter_map(|group| draw(group, record)).collect(),
};

/// Most rounds drawn of one launch; a page of 500 rows has room for no more.
const ROUNDS_DRAWN: usize = 12;

struct Line<'a> {
    row: &'a Row,
    figures: &'a Figures,
    launches: &'a [Launch],
}

impl Line<'_> {
    fn relative(&self, ns: f64) -> f64 {
        ns / self.figures.time_ns.value
    }
}

fn lines<'a>(group: &'a Group, record: &'a RunRecord) -> Vec<Line<'a>> {
    let line = |row: &'a Row| {
        let launches = &record.row(&row.key)?.measured()?.launches;
        Some(Line { row, figures: row.figures()?, launches })
    };
    group.rows.iter().filter_map(line).collect()
}

fn draw(group: &Group, record: &RunRecord) -> Option<Figure> {
    let lines = lines(group, record);
    let range = shown(&lines);
    let lanes: Vec<Lane> = lines.iter().map(lane).collect();
    let axis = Axis {
        scale: Linear { range: range.clone(), ticks: share_ticks(&range, 7) },
        range: range.clone(),
        label: &|share| format!("{share:.3}").trim_end_matches('0').trim_end_matches('.').to_owned() + "x",
        about: "as a multiple of the row's time",
        lane_px: 40,
        margins_px: lanes::margins_px(&lanes),
    };
    let words = Words {
        chart: "strip",
        subject: group.name.clone(),
        title: format!("Launches and rounds of {}", group.name),
        finding: finding(&lines)?,
    };
    Some(lanes::draw(words, &lanes, axis, |plot| {
        lines.iter().enumerate().try_for_each(|(index, line)| marks(plot, index, line))
    }))
}

/// All medians, and the rounds that are not far out.
fn shown(lines: &[Line<'_>]) -> Range<f64> {
    const NEAR: Range<f64> = 0.75..1.35;
    let medians = lines.iter().flat_map(|l| l.figures.launches.iter().map(|(_, ns)| l.relative(*ns)));
    let rounds = lines.iter().flat_map(|l| {
        l.launches.iter().flat_map(|launch| &launch.rounds_ns_per_op).map(|ns| l.relative(*ns))
    });
    log_range(medians.chain(rounds.filter(|share| NEAR.contains(share))).chain([1.0]), 1.005, 1.04)
}

fn lane(line: &Line<'_>) -> Lane {
    let time = &line.figures.time_ns;
    let note = format!("{} [{}]", words::time(time.value), words::time_bounds(time));
    Lane { label: line.row.variant.clone(), note }
}

/// Rounds first, so that the medians lie on top.
fn marks(plot: &Plot<'_, '_, Linear>, index: usize, line: &Line<'_>) -> Drawn {
    let heights = heights(index as f64, line.launches.len());
    for (launch, y) in line.launches.iter().zip(&heights) {
        let mut shares: Vec<f64> = launch.rounds_ns_per_op.iter().map(|ns| line.relative(*ns)).collect();
        shares.sort_by(f64::total_cmp);
        let mut few = spaced(&shares, ROUNDS_DRAWN);
        few.dedup_by(|a, b| plot.side(*a).is_some() && plot.side(*a) == plot.side(*b));
        few.into_iter().try_for_each(|share| plot.dot(*y, share, 1, pen::FAINT))?;
    }
    for (launch, y) in line.launches.iter().zip(&heights) {
        if let Some((_, median)) = line.figures.launches.iter().find(|(number, _)| *number == launch.launch) {
            plot.dot(*y, line.relative(*median), 3, pen::SERIES_0)?;
        }
    }
    Ok(())
}

/// At most `most` of sorted values at equal steps, the ends included: they keep the shape of the whole.
fn spaced(sorted: &[f64], most: usize) -> Vec<f64> {
    if sorted.len() <= most {
        return sorted.to_vec();
    }
    (0..most).map(|i| sorted[i * (sorted.len() - 1) / (most - 1)]).collect()
}

/// The middle four fifths of a lane, divided among the launches.
fn heights(top: f64, launches: usize) -> Vec<f64> {
    let step = 0.8 / launches.max(1) as f64;
    (0..launches).map(|i| top + 0.1 + step * (i as f64 + 0.5)).collect()
}

fn finding(lines: &[Line<'_>]) -> Option<String> {
    let spread = |line: &Line<'_>| {
        let medians = line.figures.launches.iter().map(|(_, ns)| *ns);
        let range: Range<f64> = medians.fold(f64::INFINITY..0.0, |r, ns| r.start.min(ns)..r.end.max(ns));
        let count = line.figures.launches.len();
        let name = &line.row.variant;
        format!(
            "{name}: medians of {count} launches between {} and {}.",
            words::time(range.start),
            words::time(range.end)
        )
    };
    (!lines.is_empty()).then(|| lines.iter().map(spread).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_rounds_keep_both_ends_and_the_shape() {
        let rounds: Vec<f64> = (0..101).map(f64::from).collect();
        assert_eq!(spaced(&rounds, 5), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(spaced(&rounds[..3], 5), [0.0, 1.0, 2.0]);
    }
}
