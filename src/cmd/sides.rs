//! What `gate` and `selftest` share: how the two sides are made, and what they are compared with.

use crate::builds::{self, BuildOptions, Side};
use crate::error::Failure;
use crate::settings::Settings;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::Selection;
use perfbench_harness::duel;
use perfbench_harness::duel::contest::Ring;
use perfbench_harness::duel::rule::Rule;
use std::collections::BTreeMap;

/// Links of each side: enough that what remains of layout, averaged over them, is a few tenths of a percent.
pub const LINKS: usize = builds::MAX_LINKS;

/// Multiplications added for every operation of the candidate, so that other tools can be compared with this gate on the
/// same slowdown; unset in earnest. Where it is set, to 0 too, both sides are one code: it is timed all the same, and
/// nothing is allowed for layout.
const INJECT: &str = "PERFBENCH_INJECT";

/// What the candidate is slowed by, where another tool is compared with this gate.
pub fn injected() -> Option<u64> {
    std::env::var(INJECT).ok()?.parse().ok()
}

/// How sides are made for this store.
pub fn options(settings: &Settings, relink: bool, package: Option<&str>) -> BuildOptions {
    let package = package.map(str::to_owned);
    BuildOptions { relink, package, links: LINKS, ..BuildOptions::new(&settings.store) }
}

/// The running executable as it is: the candidate beside a base that is an executable, too.
///
/// # Errors
/// A system that does not say what is running.
pub fn running() -> Result<Side, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(crate::error::INTERNAL, format!("the running executable cannot be found: {error}"))
    })?;
    builds::side_of_binary(&program)
}

/// Two sides and a rule, with nothing else asked for.
pub fn ring<'a>(base: &'a Side, candidate: &'a Side, rule: Rule, clock: &Clock) -> Ring<'a> {
    Ring {
        base: &base.links,
        candidate: &candidate.links,
        worker: crate::WORKER,
        code_of: &|_, _| None,
        rule,
        confirming: None,
        spins: injected().unwrap_or(0),
        time_unchanged: injected().is_some(),
        seed: 1,
        inputs: BTreeMap::new(),
        counters: Selection::none(),
        clock: ClockChoice::Best,
        calibration: clock.facts(),
    }
}

/// The fingerprint of a side's machine code.
pub fn code_of(base: &Side, candidate: &Side, side: duel::Side, offset: u64) -> Option<u64> {
    match side {
        duel::Side::Base => base.code_of(offset),
        duel::Side::Candidate => candidate.code_of(offset),
    }
}
