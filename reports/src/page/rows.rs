//! A group's summary line, and what stands beside a row's figures.

use super::{Page, cells, words};
use crate::counts::CountTable;
use crate::model::{Figures, Group, Outcome, Row};

impl Page<'_> {
    /// The fastest row of a group in words.
    pub(super) fn group_summary(&self, group: &Group) -> String {
        let measured = group.rows.iter().filter_map(|row| Some((row, row.figures()?)));
        let fastest = measured.min_by(|(_, a), (_, b)| a.time_ns.value.total_cmp(&b.time_ns.value));
        match fastest {
            Some((row, figures)) => format!(
                "{} of {} rows measured; fastest {}, {} per {}",
                group.rows.iter().filter(|row| row.figures().is_some()).count(),
                group.rows.len(),
                row.variant,
                cells::median(figures),
                group.unit_of_work
            ),
            None if group.rows.iter().any(|row| matches!(row.outcome, Outcome::Counted(_))) => {
                "counted and not timed: emulated".into()
            }
            None => format!("none of {} measured", words::plural(group.rows.len(), "row")),
        }
    }

    /// What speed-ups of a group are against.
    pub(super) fn base<'b>(&self, group: &'b Group) -> &'b str {
        group.base.as_deref().unwrap_or("nothing measured")
    }

    /// The direction against the base; the base says that it is it.
    pub(super) fn against(&self, figures: &Figures) -> String {
        figures.speedup.as_ref().map_or("the base".into(), words::direction)
    }

    /// Median, 99th and 99.9th percentile as numbers to sort by; empty where the row has none.
    pub(super) fn sort_keys(&self, figures: &Figures) -> [String; 3] {
        let latency = figures.latency.as_ref();
        let values = [Some(figures.time_ns.value), latency.map(|l| l.p99_ns), latency.map(|l| l.p999_ns)];
        values.map(|value| value.map_or(String::new(), |ns| format!("{ns:.3}")))
    }

    /// Placement, limit and facts, one phrase each; counts have a table of their own.
    pub(super) fn details(&self, row: &Row, figures: &Figures) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        all.extend(figures.placement.as_ref().map(|p| format!("cores {}", cells::placement(p))));
        all.extend(figures.limit.as_ref().map(|_| cells::limit(figures)));
        all.extend(
            figures.facts.iter().map(|f| format!("{}: {}", f.name, words::quantity(f.value, &f.unit))),
        );
        all.push(format!("{} rounds in {} launches", figures.rounds, figures.launches.len()));
        if !row.isa.is_empty() {
            all.push(row.isa.join(" + "));
        }
        all
    }

    /// What the operations of a group counted.
    pub(super) fn count_table<'b>(&self, group: &'b Group) -> CountTable<'b> {
        CountTable::of(group)
    }

    /// Facts and features of a row without a time, one phrase each.
    pub(super) fn counted_details(&self, row: &Row) -> Vec<String> {
        let (_, facts) = row.counts_and_facts();
        let facts = facts.iter().map(|f| format!("{}: {}", f.name, words::quantity(f.value, &f.unit)));
        facts.chain((!row.isa.is_empty()).then(|| row.isa.join(" + "))).collect()
    }
}
