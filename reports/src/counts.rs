//! The counts of a group as a table: one line a count and where it comes from, one cell a variant. Numbers of different
//! provenance never share a cell's line without saying so. How a line is drawn is the formats' and the page's affair.

use crate::model::{Group, Outcome, Row};
use crate::words;
use perfbench_harness::record::{Count, Provenance};
use perfbench_harness::{Reason, Unavailable};

/// The counts of the rows of a group that were measured or counted.
#[derive(Debug, Clone, PartialEq)]
pub struct CountTable<'a> {
    /// The measured variants, in the group's order.
    pub variants: Vec<&'a str>,
    /// Counts that some row has.
    pub lines: Vec<CountLine<'a>>,
    /// Counts that say the same in every row, each kind once: `None per operation in any row: frees`.
    pub notes: Vec<String>,
}

/// One count over the variants.
#[derive(Debug, Clone, PartialEq)]
pub struct CountLine<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its numbers come from: `raw event`, `simulated`.
    pub origin: String,
    /// With what exactly it was counted; empty where the name says all.
    pub method: &'a str,
    /// Whether it is a figure of the whole region, which more operations do not make more.
    pub whole: bool,
    /// A cell a variant.
    pub cells: Vec<CountCell>,
}

/// What one variant counted.
#[derive(Debug, Clone, PartialEq)]
pub struct CountCell {
    /// The count per operation, behind a `~` where it was scaled up, or the reason's code, or a dash where it was not
    /// asked for.
    pub text: String,
    /// What must stand beside it: the share that was scaled, what each thread counted, why it is absent.
    pub note: Option<String>,
}

impl<'a> CountTable<'a> {
    /// The table of a group.
    pub fn of(group: &'a Group) -> Self {
        let rows: Vec<(&str, &[Count])> = group
            .rows
            .iter()
            .filter(|row| !row.counts_and_facts().0.is_empty() || row.figures().is_some())
            .map(|row| (row.variant.as_str(), row.counts_and_facts().0))
            .collect();
        let (mut lines, mut notes) = (Vec::new(), Notes::default());
        for row in group.rows.iter().filter(|row| matches!(row.outcome, Outcome::Counted(_))) {
            notes.add("Counted on an emulated machine".into(), &row.variant);
        }
        for key in keys(&rows) {
            match in_common(&key, &rows) {
                Some(told) => notes.add(told, key.name),
                None => lines.push(line(&key, &rows)),
            }
        }
        Self { variants: rows.iter().map(|(variant, _)| *variant).collect(), lines, notes: notes.sentences() }
    }

    /// Where the numbers come from, each origin with its counts; what software counted exactly goes without saying.
    pub fn origins(&self) -> Vec<(&str, Vec<&'a str>)> {
        let mut origins: Vec<(&str, Vec<&'a str>)> = Vec::new();
        for line in self.lines.iter().filter(|line| line.origin != "software") {
            match origins.iter_mut().find(|(known, _)| *known == line.origin) {
                Some((_, names)) => names.push(line.name),
                None => origins.push((&line.origin, vec![line.name])),
            }
        }
        origins
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// What keeps two counts apart: their name, and where their numbers come from.
#[derive(Debug, Clone, PartialEq)]
struct Key<'a> {
    name: &'a str,
    /// None for a count that stands with whatever there is of its name: an absent one, or one that was scaled up.
    family: Option<String>,
}

impl CountLine<'_> {
    /// The name, with the machine that was simulated (`sim_l1d_misses @document-000`), and whether it is a figure of the
    /// whole region rather than of an operation.
    pub fn label(&self) -> String {
        let machine =
            self.origin.strip_prefix("simulated: ").map_or(String::new(), |name| format!(" @{name}"));
        format!("{}{machine}{}", self.name, if self.whole { " (region)" } else { "" })
    }
}

impl<'a> Key<'a> {
    fn of(count: &'a Count) -> Self {
        let joins = matches!(count.provenance, Provenance::HwScaled(_)) || count.per_op.is_err();
        Self { name: &count.name, family: (!joins).then(|| origin(&count.provenance)) }
    }

    fn find<'b>(&self, counts: &'b [Count]) -> Option<&'b Count> {
        let like = |count: &&Count| Key::of(count) == *self;
        let joining = |count: &&Count| count.name == self.name && Key::of(count).family.is_none();
        counts.iter().find(like).or_else(|| counts.iter().find(joining))
    }
}

/// Every count of any row, in the order of the rows that have the most.
fn keys<'a>(rows: &[(&'a str, &'a [Count])]) -> Vec<Key<'a>> {
    let mut keys: Vec<Key<'a>> = Vec::new();
    for key in rows.iter().flat_map(|(_, counts)| counts.iter()).map(Key::of) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let named = |name: &str| keys.iter().any(|key| key.name == name && key.family.is_some());
    let joined: Vec<bool> = keys.iter().map(|key| key.family.is_none() && named(key.name)).collect();
    keys.into_iter().zip(joined).filter(|(_, joined)| !joined).map(|(key, _)| key).collect()
}

/// What every row says of a count, where that is nought or one reason.
fn in_common(key: &Key<'_>, rows: &[(&str, &[Count])]) -> Option<String> {
    let all: Vec<&Count> = rows.iter().map(|(_, counts)| key.find(counts)).collect::<Option<_>>()?;
    let first = all.first()?;
    if !all.iter().all(|count| same(&count.per_op, &first.per_op)) {
        return None;
    }
    match &first.per_op {
        Ok(0.0) => {
            let per = if first.whole { "" } else { " per operation" };
            Some(format!("None{per} in any row ({})", how(&all)))
        }
        Ok(_) => None,
        Err(why) => Some(format!("Not measurable here in any row ({}: {})", why.reason, why.detail)),
    }
}

/// Where the numbers of some rows come from, and how they were counted.
fn how(counts: &[&Count]) -> String {
    let mut methods: Vec<&str> = counts.iter().map(|count| count.method.as_str()).collect();
    methods.sort_unstable();
    methods.dedup();
    let origin = origin(&counts[0].provenance);
    let told = std::iter::once(origin.as_str()).chain(methods).filter(|words| !words.is_empty());
    told.collect::<Vec<_>>().join(", ")
}

fn same(a: &Result<f64, Unavailable>, b: &Result<f64, Unavailable>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Err(a), Err(b)) => a.reason == b.reason,
        _ => false,
    }
}

fn line<'a>(key: &Key<'a>, rows: &[(&'a str, &'a [Count])]) -> CountLine<'a> {
    let counts: Vec<Option<&Count>> = rows.iter().map(|(_, counts)| key.find(counts)).collect();
    let scaled = |count: &&&Count| matches!(count.provenance, Provenance::HwScaled(_));
    let mut known: Vec<&&Count> = counts.iter().flatten().filter(|count| count.per_op.is_ok()).collect();
    known.sort_by_key(|count| scaled(count));
    let known = known.first().copied().or(counts.iter().flatten().next());
    CountLine {
        name: key.name,
        origin: known.map_or(String::new(), |count| origin(&count.provenance)),
        method: known.map_or("", |count| &count.method),
        whole: known.is_some_and(|count| count.whole),
        cells: counts.into_iter().map(cell).collect(),
    }
}

fn cell(count: Option<&Count>) -> CountCell {
    let Some(count) = count else { return CountCell { text: "-".into(), note: None } };
    match &count.per_op {
        Ok(per_op) => {
            let about = if matches!(count.provenance, Provenance::HwScaled(_)) { "~" } else { "" };
            CountCell { text: format!("{about}{}", words::number(*per_op)), note: remarks(count) }
        }
        Err(why) => CountCell { text: why.reason.to_string(), note: Some(why.detail.clone()) },
    }
}

fn remarks(count: &Count) -> Option<String> {
    let scaled = match &count.provenance {
        Provenance::HwScaled(share) => Some(format!("scaled up from {} of the time", words::percent(*share))),
        _ => None,
    };
    let threads = (count.threads.len() > 1).then(|| {
        let each = count.threads.iter().map(|value| words::number(*value));
        format!("by thread {}", each.collect::<Vec<_>>().join(", "))
    });
    let told: Vec<String> = scaled.into_iter().chain(threads).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Where a number comes from, in words.
pub fn origin(provenance: &Provenance) -> String {
    match provenance {
        Provenance::HwRaw => "raw event".into(),
        Provenance::HwGeneric => "generic event".into(),
        Provenance::HwScaled(share) => {
            format!("event, scaled up from {} of the time", words::percent(*share))
        }
        Provenance::Simulated(geometry) => format!("simulated: {geometry}"),
        Provenance::Software => "software".into(),
        Provenance::Scripted => "scripted".into(),
        Provenance::Unavailable => "not counted".into(),
    }
}

/// What is the same in all rows, and of which counts.
#[derive(Default)]
struct Notes<'a>(Vec<(String, Vec<&'a str>)>);

impl<'a> Notes<'a> {
    fn add(&mut self, told: String, name: &'a str) {
        match self.0.iter_mut().find(|(known, _)| *known == told) {
            Some((_, names)) => names.push(name),
            None => self.0.push((told, vec![name])),
        }
    }

    fn sentences(self) -> Vec<String> {
        self.0.into_iter().map(|(told, names)| format!("{told}: {}.", names.join(", "))).collect()
    }
}

/// Whether the counts of a row come from an emulated machine.
pub fn is_emulated(row: &Row) -> bool {
    matches!(row.outcome, Outcome::Counted(_))
}

/// Every count of every row that was measured or counted, for formats that list them.
pub fn all(groups: &[Group]) -> impl Iterator<Item = (&Row, &Count)> {
    groups
        .iter()
        .flat_map(|group| &group.rows)
        .flat_map(|row| row.counts_and_facts().0.iter().map(move |count| (row, count)))
}

/// The reason of a count that is absent.
pub fn reason(count: &Count) -> Option<Reason> {
    count.per_op.as_ref().err().map(|why| why.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::model::Report;

    fn table(name: &str, check: impl FnOnce(CountTable<'_>)) {
        let report = Report::of(&fixture::record());
        let group = report.groups.iter().find(|group| group.name == name).unwrap();
        check(CountTable::of(group));
    }

    #[test]
    fn counts_of_one_name_from_two_geometries_keep_lines_of_their_own() {
        table("wire_message/serialise", |table| {
            let simulated = |line: &&CountLine<'_>| line.name == "sim_l1d_misses";
            let origins: Vec<_> =
                table.lines.iter().filter(simulated).map(|line| line.origin.as_str()).collect();
            assert_eq!(origins, ["simulated: host", "simulated: document-000"]);
        });
    }

    #[test]
    fn what_was_scaled_and_what_each_thread_counted_stands_beside_the_number() {
        table("wire_message/serialise", |table| {
            let misses = table.lines.iter().find(|line| line.name == "fills_from_other_cores").unwrap();
            assert_eq!(misses.origin, "raw event");
            assert_eq!(misses.method, "event 0x44 umask 0x14");
            let notes: Vec<_> = misses.cells.iter().map(|cell| cell.note.as_deref()).collect();
            assert_eq!(notes, [Some("by thread 1.10, 1.30"), Some("scaled up from 50.0 % of the time")]);
        });
    }

    #[test]
    fn a_count_that_is_nought_everywhere_is_a_note_and_says_who_counted() {
        table("wire_message/serialise", |table| {
            assert!(
                table.notes.contains(
                    &"None per operation in any row (software, seccomp trap): syscalls.".to_owned()
                )
            );
            assert!(table.lines.iter().all(|line| line.name != "syscalls"));
        });
    }

    #[test]
    fn a_figure_of_the_whole_region_says_that_it_is_none_of_an_operation() {
        let mut report = Report::of(&fixture::record());
        let group = report.groups.iter_mut().find(|group| group.name == "wire_message/serialise").unwrap();
        for row in &mut group.rows {
            let Outcome::Measured(figures) = &mut row.outcome else { continue };
            figures.counts.iter_mut().for_each(|count| count.whole = true);
        }
        let table = CountTable::of(group);
        assert!(table.lines.iter().all(|line| line.label().ends_with(" (region)")), "{table:?}");
        assert!(table.notes.iter().all(|note| !note.contains("per operation")), "{:?}", table.notes);
    }

    #[test]
    fn an_absent_count_beside_a_known_one_keeps_its_reason() {
        table("wire_message/serialise", |table| {
            let cycles = table.notes.iter().find(|note| note.ends_with("cycles.")).unwrap();
            assert!(cycles.starts_with("Not measurable here in any row (no-pmu: this VM"), "{cycles}");
        });
    }
}
