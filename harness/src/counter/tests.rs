//! The passes over a source, on sources that do as they are told, and what every source promises.

use super::*;
use std::collections::BTreeSet;

#[test]
fn every_source_reads_each_of_its_events_in_order() {
    for source in SOURCES.iter().filter(|source| source.place() == Place::Shared) {
        let (all, mut anchor) = (Selection::all(), Anchor::default());
        let (_, readings) = readings(*source, &all, &mut anchor, 10, &mut |pass| pass.inside(|| ()));
        let names: Vec<_> = readings.iter().map(|r| r.name.trim_end_matches(":u")).collect();
        assert_eq!(names, source.events().iter().map(|e| e.name).collect::<Vec<_>>(), "{}", source.name());
    }
}

#[test]
fn no_two_counts_that_are_taken_together_share_a_name() {
    for selection in [Selection::all(), Selection::scripted()] {
        let names: Vec<_> = selection.sources().flat_map(|s| s.events()).map(|e| e.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    }
}

#[test]
fn a_count_without_a_value_has_a_sentence_and_no_provenance() {
    for count in count(&Selection::all().of(Place::Shared), 1, &mut |pass| pass.inside(|| ())) {
        let absent = count.provenance == Provenance::Unavailable;
        assert_eq!(count.per_op.is_err(), absent, "{count:?}");
        assert!(count.per_op.is_ok_and(|v| v.is_finite()) || absent);
    }
}

#[test]
fn each_available_source_gets_one_pass_of_its_own() {
    let mut passes = Vec::new();
    let counts = count(&Selection::scripted(), 50, &mut |pass| passes.push(pass.ops));
    let available =
        Selection::scripted().sources().filter(|s| s.open(&Selection::scripted()).is_ok()).count();
    assert_eq!(passes, [0, 0, 0, 50].repeat(available));
    assert_eq!(counts.len(), heap::Heap.events().len() + scripted::Scripted.events().len());
}

/// Counts what it is told that a region holds, beside five that each region costs.
struct Fixed(u64);

impl Counter for Fixed {
    fn start(&mut self) {}

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        vec![Reading::software("things", 5 + self.0 * ops)]
    }
}

#[test]
fn what_a_region_costs_by_itself_is_not_counted() {
    let of = |per_op| net(&mut Fixed(per_op), 100, &mut |_| ()).swap_remove(0).value;
    assert_eq!([of(3), of(0)], [Ok(300.0), Ok(0.0)]);
}

/// Wants to rehearse with one and two operations, then counts three.
struct Rehearsing(u64);

impl Counter for Rehearsing {
    fn start(&mut self) {}

    fn rehearsal(&mut self, _: u64) -> Option<u64> {
        self.0 += 1;
        (self.0 < 3).then_some(self.0)
    }

    fn counted_ops(&self, most: u64) -> u64 {
        self.0.min(most)
    }

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        vec![Reading::software("things", ops), Reading::software("lines", 4).of_the_region()]
    }
}

/// Wants its first pass twice, and then another.
struct Choosy(u32);

impl Counter for Choosy {
    fn start(&mut self) {}

    fn stop(&mut self, _: u64) -> Vec<Reading> {
        vec![Reading::software("pass", u64::from(self.0))]
    }

    fn judge(&mut self, _: &mut [Reading], _: &mut Anchor) -> Next {
        self.0 += 1;
        [Next::Again, Next::Further, Next::Done][self.0 as usize - 1]
    }
}

#[test]
fn a_source_rehearses_before_it_counts_over_as_many_operations_as_it_can() {
    let mut ran = Vec::new();
    let ops = rehearse(&mut Rehearsing(0), 100, &mut |pass| ran.push(pass.ops));
    assert_eq!((ran, ops), (vec![1, 2], 3));
}

#[test]
fn a_count_of_the_whole_region_is_not_divided_among_operations_nor_units() {
    let [things, lines] = <[Reading; 2]>::try_from(Rehearsing(2).stop(10)).unwrap();
    assert_eq!(things.per_op(10).each(2.0).per_op, Ok(0.5));
    assert_eq!(lines.per_op(10).each(2.0).per_op, Ok(4.0));
}

#[test]
fn a_pass_that_does_not_stand_is_run_again_and_leaves_no_reading() {
    let mut runs = Vec::new();
    let readings = passes(&mut Choosy(0), &mut Anchor::default(), 7, &mut |pass| runs.push(pass.ops));
    assert_eq!(runs, [0, 0, 0, 7].repeat(3));
    assert_eq!(readings.len(), 2);
}

#[test]
fn counts_beside_another_process_are_the_leaders_unless_they_are_the_machines() {
    let method = |name: &str| of_leader_alone(Count::new(name, Ok(1.0), Provenance::Software)).method;
    assert_eq!(method("syscalls"), "leader's process only");
    assert_eq!(method("package_energy_uj"), "");
}

#[test]
fn facts_name_the_facility_and_the_event() {
    let facts = facts();
    assert!(facts.iter().any(|f| f.name == "heap: allocations"), "{facts:?}");
    assert!(facts.iter().all(|f| !f.name.starts_with("script")));
}
