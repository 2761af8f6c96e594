//! What tests of the sampler make their tables of: variants, points, and a request on the scripted clock.

#![allow(dead_code, reason = "each test binary uses what it needs")]

use perfbench_harness::case::{Case, solo};
use perfbench_harness::clock::ClockChoice;
use perfbench_harness::counter::Selection;
use perfbench_harness::plan::Request;
use perfbench_harness::{Broken, Isa, Point, Role, Setup, Suite, Unavailable, Variant};
use std::collections::BTreeMap;

pub type Build = fn(&Setup<'_>) -> Result<Box<dyn Case>, Unavailable>;
pub type Check = fn(&Setup<'_>) -> Result<(), Broken>;

pub const fn variant(name: &'static str, needs: Isa, build: Build, check: Check) -> Variant {
    Variant {
        name,
        about: "a variant of a test",
        role: Role::Baseline,
        suite: Suite::Default,
        needs,
        build,
        check,
    }
}

pub const fn point(name: &'static str, cpus: usize) -> Point {
    Point {
        name,
        about: "a point of a test",
        unit_of_work: "op",
        size: 0,
        cpus,
        bound: Err("a test has no limit"),
        latency: true,
        suite: Suite::Default,
    }
}

pub fn count(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(|i: u64| i * 3))
}

pub fn pass(_: &Setup<'_>) -> Result<(), Broken> {
    Ok(())
}

pub fn request(filters: &[&str]) -> Request {
    Request {
        filters: filters.iter().map(|f| (*f).to_owned()).collect(),
        exact: false,
        skip: vec![],
        suite: Suite::Default,
        isa: Isa::ALL,
        cpus: vec![0, 1],
        budget_s: 30.0,
        launches: 4,
        precision: None,
        seed: 1,
        counters: Selection::scripted(),
        clock: ClockChoice::Scripted(9),
        test_only: false,
        evict_bytes: None,
        inputs: BTreeMap::new(),
    }
}
