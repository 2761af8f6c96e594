//! What stands in one cell of a results table, in words; shared by the terminal's table, Markdown and the page.

use crate::bound::LimitSource;
use crate::model::{Figures, LimitShare, Outcome, Placement, Row};
use crate::words;
use perfbench_harness::record::{Count, Counted};

/// Counts that stand in a row's line where it has no time.
const COUNTS_BESIDE: usize = 3;

/// Stands where a row has no such value by its nature.
pub const NONE: &str = "-";

/// The variant, with its role where it is a peer and the cores' placement where it is not near.
pub fn name(row: &Row) -> String {
    let placement = row.figures().and_then(|figures| figures.placement.as_ref()).map(|p| p.class);
    let marks = [(row.role == "peer").then_some("peer"), placement.filter(|class| *class != "near")];
    let marks: Vec<&str> = marks.into_iter().flatten().collect();
    if marks.is_empty() { row.variant.clone() } else { format!("{} ({})", row.variant, marks.join(", ")) }
}

/// Median time per operation.
pub fn median(figures: &Figures) -> String {
    words::time(figures.time_ns.value)
}

/// The 95 % interval in the unit of the median.
pub fn interval(figures: &Figures) -> String {
    words::time_bounds(&figures.time_ns)
}

/// 99th percentile of single operations.
pub fn p99(figures: &Figures) -> String {
    figures.latency.as_ref().map_or(NONE.into(), |latency| words::time(latency.p99_ns))
}

/// 99.9th percentile of single operations.
pub fn p999(figures: &Figures) -> String {
    figures.latency.as_ref().map_or(NONE.into(), |latency| words::time(latency.p999_ns))
}

/// The direction against the group's first row, with its interval.
pub fn direction(figures: &Figures) -> String {
    figures.speedup.as_ref().map_or(NONE.into(), words::direction)
}

/// The direction without its interval, for narrow tables.
pub fn short_direction(figures: &Figures) -> String {
    figures.speedup.as_ref().map_or(NONE.into(), words::short_direction)
}

/// The share of the machine limit: `44.0 % of own line_bounce (42.0 ns)`.
pub fn limit(figures: &Figures) -> String {
    let told = |l: &LimitShare| {
        let own = if l.source == LimitSource::Row { "own " } else { "" };
        format!("{} of {own}{} ({})", words::percent(l.share), l.limit, words::time(l.best_ns))
    };
    figures.limit.as_ref().map_or(NONE.into(), told)
}

/// Where the cores were, if two took part and anything is worth saying: `near, 5 of 40 rounds left out`.
pub fn placement(placement: &Placement) -> String {
    match placement.left_out {
        0 => placement.class.into(),
        left_out => format!("{}, {left_out} of {} rounds left out", placement.class, placement.of),
    }
}

/// Why there are no times: `isa-absent: this CPU lacks avx2`, or what was counted instead; none for a measured row.
pub fn reason(row: &Row) -> Option<String> {
    match &row.outcome {
        Outcome::Measured(_) => None,
        Outcome::Counted(counted) => {
            Some(format!("{}, not timed: {}", counted.untimed.reason, counts(counted)))
        }
        Outcome::Unavailable(why) => Some(format!("not measurable here, {why}")),
        Outcome::Broke { message } => Some(format!("broke: {message}")),
    }
}

/// The first counts that there are, per operation: `instructions 72.0, allocations 1`; the rest stands in the table of counts.
fn counts(counted: &Counted) -> String {
    let told = |count: &Count| {
        let value = count.per_op.as_ref().ok().filter(|value| **value > 0.0)?;
        Some(format!("{} {}", count.name, words::number(*value)))
    };
    let told: Vec<String> = counted.counts.iter().filter_map(told).take(COUNTS_BESIDE).collect();
    if told.is_empty() { "nothing counted".into() } else { told.join(", ") }
}
