//! A stall of 10 ms every second, as a closed loop and as planned arrivals report it, beside what is true. Ends with 1
//! where planned arrivals miss the truth by more than a tenth. Takes six seconds; a busy machine adds stalls of its own.

use perfbench_harness::case::{Arrivals, Body, Case, Gaps, Rate, Stamps, open_loop, solo};
use perfbench_harness::clock::{Clock, ClockChoice};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const STALL: Duration = Duration::from_millis(10);
const PERIOD: Duration = Duration::from_secs(1);
const SERVICE: Duration = Duration::from_micros(1);
const ARRIVALS_PER_S: f64 = 100_000.0;
const SECONDS: f64 = 3.0;

/// Works for a microsecond, and once a second for ten milliseconds; stalls half a second into each.
fn stalling() -> impl Body + 'static {
    let mut next = Instant::now() + PERIOD / 2;
    move |i| {
        let start = Instant::now();
        let stalls = start >= next;
        next += if stalls { PERIOD } else { Duration::ZERO };
        let length = if stalls { STALL } else { SERVICE };
        while start.elapsed() < length {}
        i
    }
}

fn p999_ms(mut case: Box<dyn Case>, ops: f64, clock: &Clock) -> f64 {
    let mut into = Stamps::default();
    case.stamped(ops as u64, clock, &mut into);
    into.all.value_at_quantile(0.999) as f64 / 1e9
}

fn main() -> ExitCode {
    let clock = Clock::open(ClockChoice::Best);
    let load = ARRIVALS_PER_S * SERVICE.as_secs_f64();
    let truth_ms = 1e3 * (STALL.as_secs_f64() - 0.001 * PERIOD.as_secs_f64() * (1.0 - load));
    let arrivals = Arrivals::new(Rate::PerSecond(ARRIVALS_PER_S), Gaps::Even, 1);
    let open_ms = p999_ms(open_loop(arrivals, stalling()), SECONDS * ARRIVALS_PER_S, &clock);
    let closed_ms = p999_ms(solo(stalling()), SECONDS / SERVICE.as_secs_f64(), &clock);
    let error_percent = 100.0 * (open_ms / truth_ms - 1.0);
    println!("p99.9 of what arrivals feel {truth_ms:.3} ms");
    println!("planned arrivals            {open_ms:.3} ms, {error_percent:+.1} %");
    println!("closed loop                 {closed_ms:.3} ms");
    if error_percent.abs() <= 10.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
