//! Prints every ring of `ring_spsc` under every waiting policy, in millions of items a second, with its hop and the line
//! bounce beside which all were taken; near and far are kept apart. For tuning: what is reported is measured by `run`.
//! Arguments: seconds (15), then parts of variant names; all rings without one.

use perfbench_harness::case::Bounce;
use perfbench_harness::case::placement::nearest_ns;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::{Granted, Setup, Variant, stats};
use perfbench_workloads::ring_spsc::WORKLOAD;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The columns, and the operations of a sample.
const POINTS: [(&str, u64); 9] = [
    ("throughput_spin", 1_000_000),
    ("throughput", 1_000_000),
    ("throughput_eight_pauses", 1_000_000),
    ("item_64_spin", 200_000),
    ("item_64", 200_000),
    ("item_64_eight_pauses", 200_000),
    ("hop_spin", 5_000),
    ("hop", 5_000),
    ("same_thread", 1_000_000),
];

struct Sample {
    variant: usize,
    point: usize,
    ns_per_unit: f64,
    bounce: Option<Bounce>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(15.0);
    let parts: Vec<String> = arguments.collect();
    let wanted = |v: &&Variant| parts.is_empty() || parts.iter().any(|part| v.name.contains(part.as_str()));
    let variants: Vec<&Variant> = WORKLOAD.variants.iter().filter(wanted).collect();
    let (begin, clock, mut samples) = (Instant::now(), Clock::open(ClockChoice::Best), Vec::new());
    while begin.elapsed() < Duration::from_secs_f64(seconds) {
        for (variant, ring) in variants.iter().enumerate() {
            for (point, (name, ops)) in POINTS.iter().enumerate() {
                let (ns_per_unit, bounce) = sample(ring, name, *ops, &clock);
                samples.push(Sample { variant, point, ns_per_unit, bounce });
            }
        }
    }
    print(&variants, &samples);
}

/// One batch after one that warms up, on fresh memory.
fn sample(ring: &Variant, point: &str, ops: u64, clock: &Clock) -> (f64, Option<Bounce>) {
    let point = WORKLOAD.points.iter().find(|p| p.name == point).expect("a point of the workload");
    let granted = Granted::check(ring.needs).expect("rings need no features");
    let setup = Setup { point, granted, cpus: &[0, 1], seed: 7, inputs: &BTreeMap::new() };
    let mut case = (ring.build)(&setup).expect("a ring is made");
    case.batch(ops / 10, clock);
    let batch = case.batch(ops, clock);
    (batch.elapsed_ns / (ops as f64 * case.units_per_op()), batch.bounce)
}

fn print(variants: &[&Variant], samples: &[Sample]) {
    let nearest = nearest_ns(samples.iter().filter_map(|sample| sample.bounce.as_ref()));
    for (class, name) in [('n', "near"), ('f', "far")] {
        let of_class: Vec<&Sample> =
            samples.iter().filter(|s| s.bounce.is_none_or(|bounce| bounce.class(nearest) == class)).collect();
        let bounces: Vec<f64> = of_class.iter().filter_map(|s| s.bounce.map(|b| b.mean_ns())).collect();
        if bounces.is_empty() {
            continue;
        }
        println!("{name}: bounce {:.1} ns, {} samples", stats::median(&bounces), bounces.len());
        println!("{:<16} M/s u64: spin  1p  8p | 64 B: spin  1p  8p | hop ns: spin  1p | same ns", "");
        for (variant, ring) in variants.iter().enumerate() {
            let cells: Vec<f64> = (0..POINTS.len()).map(|point| median(&of_class, variant, point)).collect();
            let rates: Vec<String> = cells[..6].iter().map(|ns| format!("{:6.0}", 1e3 / ns)).collect();
            println!(
                "{:<16} {} | {} | {:6.1} {:6.1} | {:5.2}",
                ring.name,
                rates[..3].join(" "),
                rates[3..].join(" "),
                cells[6],
                cells[7],
                cells[8]
            );
        }
    }
}

fn median(samples: &[&Sample], variant: usize, point: usize) -> f64 {
    let of = samples.iter().filter(|s| s.variant == variant && s.point == point);
    let times: Vec<f64> = of.map(|s| s.ns_per_unit).collect();
    if times.is_empty() { f64::NAN } else { stats::median(&times) }
}
