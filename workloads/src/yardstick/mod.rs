//! Six pieces of work with known content, on which the gate's own error rate and power are measured. They answer no
//! document and stand in no suite; what the structures themselves cost is the other workloads' affair.

pub mod aead;
pub mod chase;
mod check;
pub mod churn;
pub mod compute;
pub mod ring;
pub mod sharing;

use perfbench_harness::case::{Case, fleet, solo};
use perfbench_harness::{Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// The pieces of work, a variant each. One operation is some microseconds long, as the benchmarks that people gate are.
pub static WORKLOAD: Workload = Workload {
    name: "yardstick",
    about: "How often does a gate call identical code slower, and how small a slowdown does it find?",
    source: "",
    points: &[SOLO, SHARED],
    variants: &[
        variant("compute", compute::ABOUT, compute),
        variant("chase", chase::ABOUT, chase),
        variant("churn", churn::ABOUT, churn),
        variant("ring", ring::ABOUT, ring),
        variant("aead", aead::ABOUT, aead),
        variant("sharing", sharing::ABOUT, sharing),
    ],
};

/// Rows `workload/point/variant` in the order in which a self-test takes them.
pub const ROWS: [&str; 6] = [
    "yardstick/solo/compute",
    "yardstick/solo/chase",
    "yardstick/solo/churn",
    "yardstick/solo/ring",
    "yardstick/solo/aead",
    "yardstick/shared/sharing",
];

const SOLO: Point = Point {
    name: "solo",
    about: "one thread",
    unit_of_work: "operation",
    size: 0,
    cpus: 1,
    bound: Err("a yardstick is compared with itself, whatever the machine could do"),
    latency: false,
    suite: Suite::Default,
};

const SHARED: Point = Point { name: "shared", about: "two threads", cpus: 2, ..SOLO };

type Build = fn(&Setup<'_>) -> Result<Box<dyn Case>, Unavailable>;

const fn variant(name: &'static str, about: &'static str, build: Build) -> Variant {
    Variant {
        name,
        about,
        role: Role::Baseline,
        suite: Suite::Default,
        needs: Isa::NONE,
        build,
        check: check::check,
    }
}

fn compute(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(compute::Compute))
}

fn chase(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(chase::Chase::new(setup.seed)))
}

fn churn(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(churn::Churn::new(setup.seed)))
}

fn ring(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(ring::Ring::new()?))
}

fn aead(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(aead::Seals::new()?))
}

fn sharing(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    Ok(fleet(&cpus, sharing::owners()))
}
