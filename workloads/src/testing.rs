//! What the tests of every workload share: a variant is checked and its cases are built and run as the harness does it.

use perfbench_harness::case::Case;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::{Broken, Granted, Isa, Point, Reason, Role, Setup, Unavailable, Variant, Workload};
use std::collections::BTreeMap;
#[cfg(not(miri))]
use std::io::{self, Write as _};

/// Holds every variant to its check and runs its case at every point. Variants whose features this CPU lacks are left
/// out, and so, where every step is interpreted, are cases of several threads and what is not ours.
pub fn every_variant_is_checked_and_runs(workload: &'static Workload) {
    let ours = |v: &&Variant| !cfg!(miri) || v.role != Role::Peer;
    for variant in workload.variants.iter().filter(|v| Granted::check(v.needs).is_ok()).filter(ours) {
        if let Err(broken) = check(workload, variant) {
            panic!("{}/{}: {broken}", workload.name, variant.name);
        }
        for point in workload.points.iter().filter(|p| p.cpus == 1 || !cfg!(miri)) {
            let mut case = match build(variant, point) {
                Err(why) if why.reason == Reason::NotAtThisPoint => continue,
                built => built.expect("a granted variant is built"),
            };
            case.batch(20, &Clock::open(ClockChoice::Scripted(1)));
            // Facts are of many operations and of files, where there is an interpreter for neither.
            let facts = if cfg!(miri) { Vec::new() } else { case.facts() };
            assert!(facts.iter().all(|fact| fact.value.is_finite()), "{}", variant.name);
        }
    }
}

/// Runs a variant's check at the workload's first point.
pub fn check(workload: &'static Workload, variant: &Variant) -> Result<(), Broken> {
    with_setup(&workload.points[0], variant.needs, |setup| (variant.check)(setup))
}

/// Builds a variant's case for a point.
pub fn build(variant: &Variant, point: &'static Point) -> Result<Box<dyn Case>, Unavailable> {
    with_setup(point, variant.needs, |setup| (variant.build)(setup))
}

/// Hands a set-up for a point to `run`: two CPUs, a fixed seed, no inputs.
pub fn with_setup<T>(point: &'static Point, needs: Isa, run: impl FnOnce(&Setup<'_>) -> T) -> T {
    let granted = Granted::check(needs).expect("the caller took a variant that can run here");
    run(&Setup { point, granted, cpus: &[0, 1], seed: 7, inputs: &BTreeMap::new() })
}

/// Whether a test is to be left out, and says so, because an emulator of single processes stands between it and the kernel
/// (`ci/aarch64` tells by `QEMU_CPU`): that knows nothing of what the test asks about.
#[cfg(not(miri))]
pub fn skipped_in_an_emulated_process(asks_about: &str) -> bool {
    let emulated = std::env::var_os("QEMU_CPU").is_some();
    if emulated {
        writeln!(io::stderr(), "skipped: an emulated process cannot ask about {asks_about}").unwrap();
    }
    emulated
}
