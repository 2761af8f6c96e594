//! The pieces of work under tango, with tango's own command line. Both of its processes have one environment, so the
//! one that tango started as the candidate takes the spin.

use perfbench_side_by_side::work::{WORKS, spins_from_environment};
use tango_bench::{Benchmark, benchmark_fn, tango_benchmarks};

fn works() -> Vec<Benchmark> {
    let candidate = std::env::args().any(|argument| argument == "candidate");
    let spins = if candidate { spins_from_environment() } else { 0 };
    WORKS
        .iter()
        .map(|work| benchmark_fn(work.name, move |bencher| bencher.iter(work.with_spins(spins))))
        .collect()
}

tango_benchmarks!(works());
