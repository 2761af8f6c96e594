//! Every row that takes one CPU as a criterion benchmark: criterion's arguments, statistics and output over the timing
//! loop and clock of perfbench. How far criterion's own loop agrees with it, `agreement` tells.

mod common;

use common::Row;
use criterion::Criterion;
use perfbench_harness::Unavailable;
use perfbench_harness::case::Case;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::machine::probe::{pin, probe};
use std::time::Duration;

fn main() {
    let cpu = probe().cpus[0];
    pin(cpu);
    let clock = Clock::open(ClockChoice::Best);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500))
        .nresamples(10_000)
        .without_plots()
        .configure_from_args();
    for row in common::solo_rows() {
        if let Err(why) = bench(&mut criterion, &clock, row, cpu) {
            eprintln!("{}: not here: {why}", row.name());
        }
    }
    criterion.final_summary();
}

/// Hands a row to criterion. Its check runs first, in the rows that criterion selects.
fn bench(criterion: &mut Criterion, clock: &Clock, row: Row, cpu: usize) -> Result<(), Unavailable> {
    let setup = row.setup(&cpu)?;
    let mut case = (row.variant.build)(&setup)?;
    let mut is_checked = false;
    criterion.bench_function(&row.name(), |bencher| {
        if !std::mem::replace(&mut is_checked, true) {
            (row.variant.check)(&setup).unwrap_or_else(|broken| panic!("{} broke: {broken}", row.name()));
        }
        bencher.iter_custom(|operations| elapsed(case.as_mut(), operations, clock));
    });
    Ok(())
}

/// What `operations` take by a batch of whole repetitions.
fn elapsed(case: &mut dyn Case, operations: u64, clock: &Clock) -> Duration {
    let whole = operations.next_multiple_of(case.cycle_ops());
    let ns = case.batch(whole, clock).ns_per_unit(whole as f64) * operations as f64;
    // Criterion takes no benchmark that needs no time at all.
    Duration::from_nanos(ns.max(1.0) as u64)
}
