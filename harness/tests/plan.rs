//! Which rows a run takes of a table that has more of them than a short run can measure.

mod table;

use perfbench_harness::case::solo;
use perfbench_harness::machine::Machine;
use perfbench_harness::plan::{Plan, Request, plan};
use perfbench_harness::{Isa, Point, Suite, Variant, Workload};
use table::{point, request, variant};

const fn plain(name: &'static str, suite: Suite) -> Variant {
    Variant { suite, ..variant(name, Isa::NONE, |_| Ok(solo(|i: u64| i)), |_| Ok(())) }
}

static POINTS: [Point; 2] = [point("question", 1), Point { suite: Suite::Full, ..point("every_size", 1) }];
static VARIANTS: [Variant; 2] = [plain("ours", Suite::Default), plain("theirs", Suite::Full)];
static WORKLOAD: Workload =
    Workload { name: "ring", about: "a test", source: "000", points: &POINTS, variants: &VARIANTS };

static REGISTRY: [&Workload; 1] = [&WORKLOAD];

fn rows(request: &Request) -> Vec<String> {
    let Plan { groups, .. } = plan(request, &Machine::scripted(), &REGISTRY);
    let of = |group: &perfbench_harness::plan::Group| {
        let name = group.name();
        group.variants.iter().map(move |p| format!("{name}/{}", p.variant.name)).collect::<Vec<_>>()
    };
    groups.iter().flat_map(of).collect()
}

#[test]
fn the_default_suite_has_only_what_is_of_it_in_point_and_variant() {
    assert_eq!(rows(&request(&[])), ["ring/question/ours"]);
    assert_eq!(rows(&request(&["ring"])), ["ring/question/ours"]);
}

#[test]
fn the_full_suite_has_everything() {
    let full = Request { suite: Suite::Full, ..request(&[]) };
    assert_eq!(rows(&full).len(), 4);
}

#[test]
fn a_filter_that_finds_nothing_in_the_default_suite_selects_from_the_full_one() {
    assert_eq!(rows(&request(&["every_size"])), ["ring/every_size/ours", "ring/every_size/theirs"]);
    assert_eq!(rows(&request(&["question/theirs"])), ["ring/question/theirs"]);
    assert!(rows(&request(&["nothing"])).is_empty());
}
