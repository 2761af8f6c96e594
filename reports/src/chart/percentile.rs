//! The distribution of single operations of each row of a group, stretched towards the tail.

use super::axis::{log_range, log_ticks, time_label};
use super::linear::Linear;
use super::plane::{self, Axis, log_scale};
use super::{Chart, Figure, Place, Words, pen};
use crate::model::{Group, Report};
use crate::words;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use perfbench_harness::claim::{Claim, Transform};
use plotters::style::RGBColor;

pub(super) const CHART: Chart = Chart {
    name: "percentile",
    about: "How slow the slowest operations are: the further right, the rarer, each step ten times. A line ends where fewer \
            than ten operations lie beyond it, since the rest would be anecdote. A dashed level is a documented target.",
    place: Place::Group,
    draw: |report, _| report.groups.iter().filter_map(|group| draw(report, group)).collect(),
};

/// Operations that must lie beyond a point for it to be drawn.
const BEYOND: f64 = 10.0;

/// Points drawn for each ten times rarer.
const STEPS: usize = 8;

struct Line {
    name: String,
    /// Decades of rarity (0: all, 2: the slowest hundredth) and ns.
    points: Vec<(f64, f64)>,
}

struct Level {
    name: String,
    ns: f64,
}

fn draw(report: &Report, group: &Group) -> Option<Figure> {
    let lines: Vec<Line> = group.rows.iter().filter_map(line).collect();
    let finding = finding(group)?;
    let levels = levels(report, group);
    let decades = lines.iter().flat_map(|l| l.points.last()).map(|p| p.0).fold(1.0, f64::max);
    let values = lines.iter().flat_map(|l| &l.points).map(|p| p.1).chain(levels.iter().map(|l| l.ns));
    let range = log_range(values, 1.15, 3.0);
    let x = Axis {
        scale: Linear { range: 0.0..decades, ticks: (0..=decades as i32).map(f64::from).collect() },
        label: &|decade| rarity_label(*decade),
        about: "share of operations that are at least as fast",
    };
    let y = Axis {
        scale: log_scale(&range, log_ticks(&range, 7)),
        label: &|ns| time_label(*ns),
        about: "time of one operation",
    };
    let words = Words {
        chart: "percentile",
        subject: group.name.clone(),
        title: format!("Percentiles of single operations of {}", group.name),
        finding,
    };
    Some(plane::draw(words, x, y, |plot| {
        for level in &levels {
            plot.line(&[(0.0, level.ns), (decades, level.ns)], pen::TARGET)?;
            plot.note(&level.name, (0.0, level.ns), pen::TARGET)?;
        }
        let pens: Vec<RGBColor> = pen::SERIES.into_iter().cycle().take(lines.len()).collect();
        lines.iter().zip(&pens).try_for_each(|(line, pen)| plot.line(&line.points, *pen))?;
        let ends =
            lines.iter().zip(&pens).map(|(l, pen)| (l.name.clone(), l.points[l.points.len() - 1], *pen));
        plot.name(&ends.collect::<Vec<_>>())
    }))
}

fn line(row: &crate::model::Row) -> Option<Line> {
    let latency = row.figures()?.latency.as_ref()?;
    let points = curve(&decode(&latency.histogram_v2)?);
    (points.len() > 1).then(|| Line { name: row.variant.clone(), points })
}

/// The histogram of a record; none where its text is damaged.
fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let last = (histogram.len() as f64 / BEYOND).log10();
    if (histogram.len() as f64) <= BEYOND {
        return Vec::new();
    }
    let steps = (last * STEPS as f64).ceil() as usize;
    let decades = (0..=steps).map(|i| last * i as f64 / steps as f64);
    let ns = |decade: f64| histogram.value_at_quantile(1.0 - 10f64.powf(-decade)) as f64 / 1000.0;
    decades.map(|decade| (decade, ns(decade).max(0.001))).collect()
}

fn rarity_label(decade: f64) -> String {
    let percent = 100.0 * (1.0 - 10f64.powf(-decade));
    let places = (decade as usize).saturating_sub(2);
    format!("{percent:.places$} %")
}

/// Documented percentiles of the group's rows, in ns.
fn levels(report: &Report, group: &Group) -> Vec<Level> {
    let claims = report.targets().map(|judged| &judged.claim);
    claims
        .filter_map(|claim| Some(Level { ns: documented(claim, group)?, name: level_name(claim) }))
        .collect()
}

fn documented(claim: &Claim, group: &Group) -> Option<f64> {
    let measure = claim.measure.as_ref()?;
    let plain = measure.over.is_none() && measure.transform == Transform::None && claim.value > 0.0;
    let percentile = measure.metric.starts_with('p') && measure.metric[1..].parse::<f64>().is_ok();
    let ours = group.rows.iter().any(|row| row.key == measure.row);
    (plain && percentile && ours).then(|| claim.value / measure.scale)
}

fn level_name(claim: &Claim) -> String {
    let metric = claim.measure.as_ref().map_or("", |m| m.metric.as_str());
    format!("{metric} {}", crate::verdict::target(claim))
}

fn finding(group: &Group) -> Option<String> {
    let told = |row: &crate::model::Row| {
        let latency = row.figures()?.latency.as_ref()?;
        let [p50, p99, p999] = [latency.p50_ns, latency.p99_ns, latency.p999_ns].map(words::time);
        Some(format!("{}: half within {p50}, 99 % within {p99}, 99.9 % within {p999}.", row.variant))
    };
    let sentences: Vec<String> = group.rows.iter().filter_map(told).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}
