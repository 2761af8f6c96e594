//! The first process of an emulated machine: runs perfbench's own counter path on its counters, tells on the console what
//! came of each check, and powers off. `ci/emulated` boots it and reads the console; what it checks is `checks`' affair.

mod boot;
mod checks;
mod loops;
mod suite;

use checks::Check;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stands before the first check and behind the last on the console.
const BEGIN: &str = "== perfbench guest";
const END: &str = "== end";

fn main() {
    if !boot::is_first_process() {
        return println!("this program is the first process of an emulated machine; ci/emulated boots it");
    }
    boot::mount();
    boot::set("kernel/perf_event_paranoid", "2");
    println!("{BEGIN}");
    match boot::asked().as_deref() {
        Some("suite") => suite::run(),
        Some("no-pmu") => checks::WITHOUT_PMU.iter().for_each(told),
        _ => checks::WITH_PMU.iter().for_each(told),
    }
    println!("{END}");
    boot::power_off();
}

/// One line a check: `ok NAME: what was found`, or `FAILED NAME: what was found instead`.
fn told((name, check): &(&str, Check)) {
    let found = catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| Err("it panicked".into()));
    match found {
        Ok(found) => println!("ok {name}: {found}"),
        Err(found) => println!("FAILED {name}: {found}"),
    }
}
