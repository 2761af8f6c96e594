//! How often intervals hold the truth: every method on simulated launches of known median, as a table, and a promise of
//! 93 to 97 % for those that perfbench prints. `docs/statistics.md` shows the table.

use perfbench_harness::duel::record::PairLaunch;
use perfbench_harness::duel::rule::Rule;
use perfbench_harness::duel::{Fault, Pairs, trial};
use perfbench_harness::stats::bootstrap::{hierarchical, pooled_median};
use perfbench_harness::stats::distribution::{normal_quantile, student_quantile};
use perfbench_harness::stats::interval::{self, Interval, mean_and_sd, median};
use perfbench_harness::stats::random::Random;
use perfbench_harness::stats::rank::hodges_lehmann_interval;
use std::thread;

/// Simulated runs of each case; quick methods get more, because five launches lie close to the promise's edge.
const RUNS: usize = 1000;
const RUNS_OF_QUICK: usize = 10_000;

/// How the launches of one build differ, as the log of what each takes.
struct Shape {
    name: &'static str,
    draw: fn(&mut Random) -> f64,
    median: fn() -> f64,
}

const SHAPES: [Shape; 5] = [
    Shape { name: "normal", draw: |random| 0.02 * random.normal(), median: || 0.0 },
    Shape { name: "skewed", draw: |random| 0.02 * ((0.8 * random.normal()).exp() - 1.0), median: || 0.0 },
    Shape { name: "heavy tails", draw: |random| 0.01 * student_3(random), median: || 0.0 },
    Shape { name: "three modes", draw: three_modes, median: || 0.0 },
    Shape { name: "fast or slow", draw: fast_or_slow, median: || 0.002 * normal_quantile(0.5 / 0.6) },
];

fn student_3(random: &mut Random) -> f64 {
    let squares: f64 = (0..3).map(|_| random.normal().powi(2)).sum();
    random.normal() / (squares / 3.0).sqrt()
}

/// Clusters at -5 %, 0 and +5 % with chances 1/4, 1/2, 1/4, each 0.2 % wide.
fn three_modes(random: &mut Random) -> f64 {
    [-0.05, 0.0, 0.0, 0.05][random.below(4) as usize] + 0.002 * random.normal()
}

/// Six launches in ten are fast, four take 5 % more: the median lies at the edge of the fast ones.
fn fast_or_slow(random: &mut Random) -> f64 {
    (if random.unit() < 0.6 { 0.0 } else { 0.05 }) + 0.002 * random.normal()
}

type Method = (&'static str, fn(&[f64]) -> Interval);

fn student_on_logs(logs: &[f64]) -> Interval {
    let ((mean, sd), n) = (mean_and_sd(logs), logs.len() as f64);
    let half = student_quantile(0.975, n - 1.0) * sd / n.sqrt();
    Interval { value: mean, low: mean - half, high: mean + half }
}

fn alone(logs: &[f64]) -> Interval {
    let times: Vec<f64> = logs.iter().map(|log| 20.0 * log.exp()).collect();
    interval::over_launches(&times).map(|time| (time / 20.0).ln())
}

/// Each launch doubles or halves both sides, which cancels.
fn paired(logs: &[f64]) -> Interval {
    let base: Vec<f64> = (0..logs.len()).map(|launch| if launch % 3 == 0 { 2.0 } else { 0.5 }).collect();
    let candidate: Vec<f64> = logs.iter().zip(&base).map(|(log, base)| base * log.exp()).collect();
    interval::paired_ratio(&candidate, &base).map(f64::ln)
}

fn percentiles(logs: &[f64]) -> Interval {
    let launches: Vec<Vec<f64>> = logs.iter().map(|log| vec![*log]).collect();
    let drawn = pooled_median(&launches, 400, 1);
    Interval { value: drawn.estimate, low: drawn.percentile(0.025), high: drawn.percentile(0.975) }
}

/// The share of simulated runs whose interval holds the truth, in percent.
fn coverage<T>(
    runs: usize,
    truth: f64,
    mut run: impl FnMut(&mut Random) -> T,
    of: impl Fn(&T) -> Interval,
) -> f64 {
    let mut random = Random::new(2026);
    let covered = (0..runs).filter(|_| of(&run(&mut random)).holds(truth)).count();
    100.0 * covered as f64 / runs as f64
}

fn print_table(title: &str, columns: &[&str], rows: &[(String, Vec<f64>)]) {
    println!("\n| {title} | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()));
    for (name, shares) in rows {
        let shares: Vec<String> = shares.iter().map(|share| format!("{share:.1}")).collect();
        println!("| {name} | {} |", shares.join(" | "));
    }
}

fn promise(rows: &[(String, Vec<f64>)], promised: usize) {
    let broken: Vec<_> = rows
        .iter()
        .filter(|row| row.1[..promised].iter().any(|share| !(93.0..=97.0).contains(share)))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
}

/// One row for each shape and number of launches, the shapes at the same time.
fn table(counts: &[usize], row: impl Fn(&Shape, usize) -> Vec<f64> + Sync) -> Vec<(String, Vec<f64>)> {
    let row = &row;
    thread::scope(|scope| {
        let rows = |shape: &'static Shape| {
            let named = move |count: &usize| (format!("{}, {count}", shape.name), row(shape, *count));
            scope.spawn(move || counts.iter().map(named).collect::<Vec<_>>())
        };
        let running: Vec<_> = SHAPES.iter().map(rows).collect();
        running.into_iter().flat_map(|rows| rows.join().unwrap()).collect()
    })
}

#[test]
fn the_printed_intervals_over_launches_hold_the_median_in_93_to_97_percent_of_runs() {
    const METHODS: [Method; 5] = [
        ("over_launches", alone),
        ("paired_ratio", paired),
        ("Student on logs", student_on_logs),
        ("Hodges-Lehmann", |logs| hodges_lehmann_interval(logs, 0.95)),
        ("bootstrap percentiles", percentiles),
    ];
    let rows = table(&[5, 8, 16, 32], |shape, count| {
        let launches = |random: &mut Random| (0..count).map(|_| (shape.draw)(random)).collect::<Vec<_>>();
        let share = |(index, method): (usize, &Method)| {
            let runs = if index < 3 { RUNS_OF_QUICK } else { RUNS };
            coverage(runs, (shape.median)(), launches, |logs| (method.1)(logs))
        };
        METHODS.iter().enumerate().map(share).collect()
    });
    print_table("launches", &METHODS.map(|method| method.0), &rows);
    promise(&rows, 2);
}

/// A launch of three blocks, each with noise of its own of 3 %.
fn launch_of_blocks(shape: &Shape, random: &mut Random) -> Vec<f64> {
    let level = (shape.draw)(random);
    (0..3).map(|_| level + 0.03 * random.normal()).collect()
}

/// The median of all blocks of very many launches.
fn median_of_blocks(shape: &Shape) -> f64 {
    let mut random = Random::new(99);
    median(&(0..60_000).flat_map(|_| launch_of_blocks(shape, &mut random)).collect::<Vec<_>>())
}

#[test]
fn the_gates_bootstrap_over_launches_holds_the_median_of_blocks_in_93_to_97_percent_of_runs() {
    let rows = table(&[8, 16, 32], |shape, count| {
        let truth = median_of_blocks(shape);
        let launches =
            |random: &mut Random| (0..count).map(|_| launch_of_blocks(shape, random)).collect::<Vec<_>>();
        let percentiles = |launches: &Vec<Vec<f64>>| {
            let drawn = pooled_median(launches, 400, 3);
            Interval { value: drawn.estimate, low: drawn.percentile(0.025), high: drawn.percentile(0.975) }
        };
        let both_levels = |launches: &Vec<Vec<f64>>| {
            hierarchical(launches, |drawn| median(&drawn.concat()), 100, 3).interval(0.95)
        };
        vec![
            coverage(RUNS, truth, launches, |launches| pooled_median(launches, 400, 3).interval(0.95)),
            coverage(RUNS, truth, launches, percentiles),
            coverage(RUNS, truth, launches, both_levels),
        ]
    });
    print_table("launches of 3 blocks", &["expanded percentiles", "plain percentiles", "both levels"], &rows);
    promise(&rows, 1);
}

/// Both sides of a gate born by one shape, the candidate slower by `effect` on the log scale.
struct Simulated<'a> {
    shape: &'a Shape,
    effect: f64,
    random: Random,
}

impl Pairs for Simulated<'_> {
    fn launch(&mut self, link: u32) -> Result<PairLaunch, Fault> {
        let mut born = || (self.shape.draw)(&mut self.random).exp();
        let (base_ns, candidate_ns) = (vec![born()], vec![born() * self.effect.exp()]);
        Ok(PairLaunch { link, candidate_link: link, base_ns, candidate_ns, dropped: 0 })
    }

    fn now_s(&self) -> f64 {
        0.0
    }
}

/// Comparisons by the gate's rule, of which each stops where its own launches tell it to.
const GATES: usize = 60;

#[test]
fn the_gates_interval_holds_the_truth_in_93_to_97_percent_wherever_the_rule_stopped() {
    let rule = Rule::relinked(0.02);
    let held = |shape: &Shape, effect: f64| {
        let runs = (0..GATES as u64).map(|seed| {
            let random = Random::new(seed + 1 + (1e6 * effect) as u64);
            trial::run(&rule, &mut Simulated { shape, effect, random }, 0).expect("both sides run").ratio
        });
        runs.filter(|ratio| ratio.holds(effect.exp())).count()
    };
    println!("{:14} {:>6} {:>6} {:>6} {:>6}", "gate", "0 %", "1 %", "2 %", "5 %");
    let mut all = 0;
    for shape in &SHAPES {
        let counts = [0.0, 0.01, 0.02, 0.05f64].map(|effect| held(shape, effect.ln_1p()));
        let shares = counts.map(|count| format!("{:6.1}", 100.0 * count as f64 / GATES as f64));
        println!("{:14} {}", shape.name, shares.join(" "));
        all += counts.iter().sum::<usize>();
    }
    let share = all as f64 / (4 * SHAPES.len() * GATES) as f64;
    assert!((0.93..=0.97).contains(&share), "{share}");
}
