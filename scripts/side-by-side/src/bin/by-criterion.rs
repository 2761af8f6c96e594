//! The pieces of work under criterion, with criterion's own command line.

use criterion::Criterion;
use perfbench_side_by_side::work::{WORKS, spins_from_environment};

fn main() {
    let spins = spins_from_environment();
    let mut criterion = Criterion::default().configure_from_args();
    for work in &WORKS {
        let mut built = None;
        criterion.bench_function(work.name, |bencher| {
            bencher.iter(built.get_or_insert_with(|| work.with_spins(spins)));
        });
    }
    criterion.final_summary();
}
