//! The tables as a whole: every variant passes its structure's check, and every name that one table uses of another exists.

use perfbench_harness::machine::limits;
use perfbench_harness::workload::key;
use perfbench_harness::{Granted, Isa, Reason, Setup, Variant, Workload};
use perfbench_workloads::{REGISTRY, YARDSTICKS, claims};
use std::collections::{BTreeMap, BTreeSet};

fn check(workload: &Workload, variant: &Variant) -> Option<String> {
    let row = format!("{}/{}", workload.name, variant.name);
    let granted = match Granted::check(variant.needs) {
        Ok(granted) => granted,
        Err(why) => {
            assert_eq!(why.reason, Reason::IsaAbsent);
            println!("skipped {row}: {why}");
            return None;
        }
    };
    let inputs = BTreeMap::new();
    let setup = Setup { point: &workload.points[0], granted, cpus: &[0, 0], seed: 1, inputs: &inputs };
    (variant.check)(&setup).err().map(|broken| format!("{row}: {broken}"))
}

#[test]
fn every_variant_that_this_cpu_has_passes_its_structures_check() {
    let all = REGISTRY.iter().chain(YARDSTICKS).flat_map(|w| w.variants.iter().map(move |v| (w, v)));
    let broken: Vec<String> = all.filter_map(|(workload, variant)| check(workload, variant)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn names_are_words_joined_by_underscores_and_unique_in_their_table() {
    let word = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let mut rows = BTreeSet::new();
    for workload in REGISTRY {
        for (point, variant) in
            workload.points.iter().flat_map(|p| workload.variants.iter().map(move |v| (p, v)))
        {
            let row = key(workload.name, point.name, variant.name);
            assert!(row.split('/').all(word), "{row}");
            assert!(rows.insert(row.clone()), "{row} stands twice");
        }
    }
    assert!(rows.len() > 40, "{}", rows.len());
}

#[test]
fn the_first_variant_of_every_workload_runs_on_every_cpu() {
    let wrong: Vec<&str> =
        REGISTRY.iter().filter(|w| w.variants[0].needs != Isa::NONE).map(|w| w.name).collect();
    assert!(
        wrong.is_empty(),
        "others are compared with the first variant; it must not need a feature: {wrong:?}"
    );
}

#[test]
fn every_row_names_the_limit_that_bounds_it_or_says_why_none_does() {
    let known: Vec<&str> = limits::names().collect();
    for (workload, point) in REGISTRY.iter().flat_map(|w| w.points.iter().map(move |p| (w, p))) {
        let row = format!("{}/{}", workload.name, point.name);
        match point.bound {
            Ok(bound) => {
                assert!(known.contains(&bound.limit), "{row}: no limit {}", bound.limit);
                assert!(bound.times > 0.0 && bound.why.contains(' '), "{row}: how many, and why?");
            }
            Err(why) => assert!(why.contains(' '), "{row}: why does no limit bound it?"),
        }
    }
}

#[test]
fn every_claim_is_tied_to_rows_and_limits_that_exist() {
    let rows: BTreeSet<String> = REGISTRY
        .iter()
        .flat_map(|w| {
            w.points.iter().flat_map(move |p| w.variants.iter().map(move |v| key(w.name, p.name, v.name)))
        })
        .collect();
    let known: Vec<&str> = limits::names().collect();
    for claim in claims() {
        let Some(measure) = &claim.measure else { continue };
        for row in [Some(&measure.row), measure.over.as_ref()].into_iter().flatten() {
            assert!(rows.contains(row), "{}: no row {row}", claim.id);
        }
        if let Some(floor) = &measure.floor {
            assert!(known.contains(&floor.limit.as_str()), "{}: no limit {}", claim.id, floor.limit);
        }
    }
}

#[test]
fn every_document_has_a_workload() {
    let documents: BTreeSet<&str> = REGISTRY.iter().map(|w| w.source).collect();
    assert_eq!(documents, BTreeSet::from(["000", "001", "002", "003", "004"]));
}
