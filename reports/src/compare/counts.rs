//! Counts of one row in two records: which of those that repeat have changed, and which cannot be compared because they
//! come from elsewhere.

use super::CountChange;
use crate::counts::origin;
use perfbench_harness::record::{Count, Row, RunRecord};
use std::collections::{BTreeMap, BTreeSet};

/// Counts that repeat on the same code, and by what share they may differ all the same; clocks, faults and switches of the
/// system do not repeat.
const REPEATED: &[(&str, f64)] = &[
    ("allocations", 0.0),
    ("reallocations", 0.0),
    ("frees", 0.0),
    ("allocated_bytes", 0.0),
    ("syscalls", 0.0),
    ("stepped_instructions", 0.0),
    ("instructions", 1e-3),
    ("instructions:u", 1e-3),
];

/// Counts that repeat, of one provenance, that differ; across provenances nothing is compared.
pub(super) fn count_changes(old: &[Count], new: &[Count]) -> Vec<CountChange> {
    let change = |count: &Count| {
        let (_, tolerated) = REPEATED.iter().find(|(name, _)| *name == count.name)?;
        let before = old.iter().find(|o| o.name == count.name && o.provenance == count.provenance)?;
        let (base, candidate) = (*before.per_op.as_ref().ok()?, *count.per_op.as_ref().ok()?);
        // Who waits for another thread spins for as long as that takes.
        let alone = count.threads.len() <= 1 && before.threads.len() <= 1;
        let differs = (candidate - base).abs() > tolerated * base.abs();
        let differs = differs && (alone || !count.name.contains("instructions"));
        differs.then(|| CountChange { name: count.name.clone(), base, candidate })
    };
    new.iter().filter_map(change).collect()
}

/// Counts that a row has in both runs and that are not compared, because they come from elsewhere: one sentence each.
pub(super) fn incomparable(base: &RunRecord, candidate: &RunRecord) -> BTreeSet<String> {
    let mut rows_by_change: BTreeMap<(&str, String, String), usize> = BTreeMap::new();
    for row in &candidate.rows {
        let then = base.rows.iter().find(|then| then.key() == row.key());
        let (Some(old), Some(new)) = (then.and_then(Row::measured), row.measured()) else { continue };
        for (name, was, is) in moved(&old.counts, &new.counts) {
            *rows_by_change.entry((name, was, is)).or_default() += 1;
        }
    }
    let told = |((name, was, is), rows): ((&str, String, String), usize)| {
        let rows = if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") };
        format!("{name} is not compared in {rows}: {was} in the base, {is} in the candidate")
    };
    rows_by_change.into_iter().map(told).collect()
}

/// Counts of both of which no two come from the same place: name, where from before, and now.
fn moved<'a>(old: &[Count], new: &'a [Count]) -> Vec<(&'a str, String, String)> {
    let known = |count: &&Count| count.per_op.is_ok();
    let mut moved: Vec<(&str, String, String)> = Vec::new();
    for count in new.iter().filter(known) {
        let mut then = old.iter().filter(known).filter(|then| then.name == count.name).peekable();
        let Some(first) = then.peek().map(|then| origin(&then.provenance)) else { continue };
        let seen = moved.iter().any(|(name, ..)| *name == count.name);
        let same = new
            .iter()
            .filter(known)
            .filter(|other| other.name == count.name)
            .any(|now| old.iter().any(|then| then.name == now.name && then.provenance == now.provenance));
        if !seen && !same {
            moved.push((&count.name, first, origin(&count.provenance)));
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use perfbench_harness::record::{Outcome, Provenance};

    #[test]
    fn a_count_that_changed_is_named_and_another_provenance_is_not_compared() {
        let count = |per_op, provenance| Count::new("allocations", Ok(per_op), provenance);
        use perfbench_harness::record::Provenance::{Scripted, Software};
        assert_eq!(count_changes(&[count(1.0, Software)], &[count(2.0, Software)])[0].candidate, 2.0);
        assert!(count_changes(&[count(1.0, Software)], &[count(1.0, Software)]).is_empty());
        assert!(count_changes(&[count(1.0, Software)], &[count(2.0, Scripted)]).is_empty());
    }

    #[test]
    fn instructions_that_differ_by_less_than_counters_repeat_are_the_same() {
        let count = |per_op| [Count::new("instructions", Ok(per_op), Provenance::HwGeneric)];
        assert!(count_changes(&count(1000.0), &count(1000.9)).is_empty());
        assert_eq!(count_changes(&count(1000.0), &count(1002.0)).len(), 1);
    }

    #[test]
    fn a_count_that_one_run_simulated_and_the_other_measured_is_refused_in_words() {
        let (base, mut candidate) = (fixture::record(), fixture::record());
        for row in &mut candidate.rows {
            let Outcome::Measured(measured) = &mut row.outcome else { continue };
            let fills = measured.counts.iter_mut().filter(|count| count.name == "fills_from_other_cores");
            fills.for_each(|count| count.provenance = Provenance::Simulated("host".into()));
        }
        let told = incomparable(&base, &candidate);
        let expected = [
            "fills_from_other_cores is not compared in 1 row: event, scaled up from 50.0 % of the time in the base, simulated: \
             host in the candidate",
            "fills_from_other_cores is not compared in 1 row: raw event in the base, simulated: host in the candidate",
        ];
        assert_eq!(told.into_iter().collect::<Vec<_>>(), expected);
        assert!(incomparable(&base, &base).is_empty());
    }
}
