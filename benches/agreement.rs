//! Whether perfbench and criterion agree: three rows of different length, each timed in turn by criterion's own loop and
//! by the registry's case, in one process on one CPU. Ends with 1 where the medians differ by more than five percent.
//! It takes no arguments of criterion's: with any but `--test`, which runs each operation once, it stands aside.

mod common;

use common::Row;
use criterion::{Criterion, SamplingMode};
use perfbench_harness::case::{Body, Case};
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::machine::probe::{pin, probe};
use perfbench_harness::stats::median;
use perfbench_harness::{Setup, Unavailable};
use perfbench_workloads::{aead, arena};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Largest difference that passes.
const LIMIT_PERCENT: f64 = 5.0;

/// Turns that each side takes at a row, alternating; both build anew for each.
const ROUNDS: usize = 11;

/// Samples of a turn. Both sides take as many of the same length, which is short beside a time slice of the scheduler:
/// so most samples hold nothing of what else runs on the CPU, and the median is one of those.
const SAMPLES: usize = 500;

/// Length of a turn.
const TURN: Duration = Duration::from_millis(100);

/// Length of the warm-up before it.
const WARM_UP: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let bench = Bench::open(has("--test") || !has("--bench"));
    if arguments.iter().any(|argument| !["--bench", "--test"].contains(&argument.as_str())) {
        eprintln!("agreement stands aside: it takes no arguments but --test");
        return ExitCode::SUCCESS;
    }
    let results = [
        bench.compare("arena/holes_10k/first_fit_tree", arena::holes_first_fit_tree),
        bench.compare("arena/holes_100/first_fit_list", arena::holes_first_fit_list),
        bench.compare("aead/seal_210/portable", aead::seal_portable),
    ];
    let agree = results.into_iter().flatten().fold(true, |agree, result| agree & result.judge());
    if agree { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What all rows share.
struct Bench {
    cpu: usize,
    clock: Clock,
    folder: tempfile::TempDir,
    test_only: bool,
}

impl Bench {
    fn open(test_only: bool) -> Self {
        let cpu = probe().cpus[0];
        pin(cpu);
        let folder = tempfile::tempdir().expect("criterion needs a folder to write to");
        Self { cpu, clock: Clock::open(ClockChoice::Best), folder, test_only }
    }

    /// Times a row both ways; none where operations are only tried.
    fn compare<B: Body>(
        &self,
        name: &'static str,
        operation: fn(&Setup<'_>) -> Result<B, Unavailable>,
    ) -> Option<Compared> {
        let row = common::solo_rows().find(|row| row.name() == name).expect("the row is in the registry");
        let setup = row.setup(&self.cpu).expect("the row needs no special CPU");
        (row.variant.check)(&setup).unwrap_or_else(|broken| panic!("{name} broke: {broken}"));
        let body = || operation(&setup).expect("the operation can be had here");
        let case = || (row.variant.build)(&setup).expect("the case can be had here");
        if self.test_only {
            body().op(0);
            case().batch(1, &self.clock);
            return None;
        }
        let (mut criterion_ns, mut perfbench_ns) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            criterion_ns.push(self.criterion_ns(row, round, body()));
            perfbench_ns.push(self.perfbench_ns(case().as_mut()));
        }
        let [criterion_ns, perfbench_ns] = [criterion_ns, perfbench_ns].map(|turns| median(&turns));
        Some(Compared { name, criterion_ns, perfbench_ns })
    }

    /// One operation by criterion's own loop: the median of the estimates that it writes.
    fn criterion_ns(&self, row: Row, round: usize, mut body: impl Body) -> f64 {
        let mut criterion = Criterion::default()
            .sample_size(SAMPLES)
            .warm_up_time(WARM_UP)
            .measurement_time(TURN)
            .nresamples(1001)
            .without_plots()
            .output_directory(self.folder.path());
        let mut group = criterion.benchmark_group(row.name());
        group.sampling_mode(SamplingMode::Flat);
        group.bench_function(round.to_string(), |bencher| {
            let mut i = 0;
            bencher.iter(|| {
                i += 1;
                body.op(i)
            });
        });
        group.finish();
        estimate_ns(&self.folder.path().join(row.name().replace('/', "_")).join(round.to_string()))
    }

    /// One operation by perfbench's loop: the median of as many batches.
    fn perfbench_ns(&self, case: &mut dyn Case) -> f64 {
        let sample_ns = (TURN / SAMPLES as u32).as_nanos() as f64;
        let mut ops = case.cycle_ops();
        let mut warm_ns = 0.0;
        let mut batch_ns = 0.0;
        while warm_ns < WARM_UP.as_nanos() as f64 {
            ops = if batch_ns < sample_ns / 2.0 { ops * 2 } else { ops };
            batch_ns = case.batch(ops, &self.clock).elapsed_ns;
            warm_ns += batch_ns;
        }
        let batches = (0..SAMPLES).map(|_| case.batch(ops, &self.clock).elapsed_ns / ops as f64);
        median(&batches.collect::<Vec<_>>())
    }
}

/// The median in the folder of a benchmark.
fn estimate_ns(folder: &Path) -> f64 {
    let text = std::fs::read_to_string(folder.join("new/estimates.json")).expect("criterion wrote estimates");
    let estimates: serde_json::Value = serde_json::from_str(&text).expect("criterion writes JSON");
    estimates["median"]["point_estimate"].as_f64().expect("criterion estimates the median")
}

/// One operation's time by both loops: the median over the turns.
struct Compared {
    name: &'static str,
    criterion_ns: f64,
    perfbench_ns: f64,
}

impl Compared {
    /// Prints the row's line; whether it is within the limit.
    fn judge(&self) -> bool {
        let Self { name, criterion_ns, perfbench_ns } = self;
        let percent = (perfbench_ns / criterion_ns - 1.0) * 100.0;
        let (size, word) = (percent.abs(), if percent < 0.0 { "less" } else { "more" });
        println!(
            "{name:<32} criterion {criterion_ns:.2} ns, perfbench {perfbench_ns:.2} ns: {size:.1} % {word}"
        );
        let agrees = size <= LIMIT_PERCENT;
        if !agrees {
            eprintln!("{name}: perfbench and criterion differ by more than {LIMIT_PERCENT} %");
        }
        agrees
    }
}
