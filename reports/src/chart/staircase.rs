//! A curve over working-set sizes (KiB in the record), with this machine's caches as lines: the limits it was read off are its treads.

use super::axis::{log_range, log_ticks, size_label, time_label};
use super::plane::{self, Axis, log_scale};
use super::{Chart, Figure, Place, Words, pen};
use crate::words;
use perfbench_harness::machine::{Cache, Machine};
use perfbench_harness::record::Limit;
use std::ops::Range;

pub(super) const CHART: Chart = Chart {
    name: "staircase",
    about: "Time of one dependent load against the memory it wanders over, both axes logarithmic. Upright lines are the \
            caches as the machine states them; each tread left of a line is that cache's latency.",
    place: Place::Machine,
    draw: |report, _| report.limits.iter().filter_map(|limit| draw(limit, &report.machine)).collect(),
};

fn draw(limit: &Limit, machine: &Machine) -> Option<Figure> {
    // A logarithm has no place for nought; a record from elsewhere may hold it all the same.
    let drawable =
        limit.curve.iter().filter(|[kib, ns]| (1e-3..1e15).contains(kib) && (1e-6..1e15).contains(ns));
    let points: Vec<(f64, f64)> = drawable.map(|[kib, ns]| (1024.0 * kib, *ns)).collect();
    let (first, last) = (points.first()?, points.last()?);
    let across = first.0 / 1.1..last.0 * 1.1;
    let up = log_range(points.iter().map(|p| p.1), 1.4, 4.0);
    let x = Axis {
        scale: log_scale(&across, binary_ticks(&across)),
        label: &|bytes| size_label(*bytes),
        about: "working set",
    };
    let y = Axis {
        scale: log_scale(&up, log_ticks(&up, 7)),
        label: &|ns| time_label(*ns),
        about: "time of one load",
    };
    let words = Words {
        chart: "staircase",
        subject: limit.name.clone(),
        title: limit.about.clone(),
        finding: finding(*first, *last),
    };
    Some(plane::draw(words, x, y, |plot| {
        for cache in data_caches(machine, &across) {
            let size = cache.size_bytes as f64;
            plot.line(&[(size, up.start), (size, up.end)], pen::NOUGHT)?;
            plot.note(&format!("L{} {}", cache.level, size_label(size)), (size, up.end), pen::MUTED)?;
        }
        plot.line(&points, pen::SERIES_0)?;
        points.iter().try_for_each(|point| plot.dot(*point, pen::SERIES_0))
    }))
}

fn data_caches<'a>(machine: &'a Machine, across: &'a Range<f64>) -> impl Iterator<Item = &'a Cache> {
    let shown = |cache: &&Cache| cache.kind != "instruction" && across.contains(&(cache.size_bytes as f64));
    machine.caches.iter().filter(shown)
}

/// Every third power of two.
fn binary_ticks(range: &Range<f64>) -> Vec<f64> {
    let exponents = range.start.log2().ceil() as i32..=range.end.log2().floor() as i32;
    exponents.filter(|e| e % 3 == 0).map(|e| 2f64.powi(e)).collect()
}

fn finding(first: (f64, f64), last: (f64, f64)) -> String {
    let told = |(bytes, ns): (f64, f64)| format!("{} at {}", words::time(ns), size_label(bytes));
    format!("From {} to {}.", told(first), told(last))
}
