//! Load latency over size: a chase through a random single cycle over cache lines, each load's address being what the
//! load before it read. Four latencies and two cache sizes are read off one curve.

use super::chase::{LINE_BYTES, LOADS, chase};
use super::mapping::{Mapping, Pages};
use super::steps::{Step, level, steps};
use super::{Bench, Found, Way};
use crate::clock::Clock;
use crate::stats::interval::{Interval, median, quantile};
use crate::unavailable::{Reason, Unavailable};
use std::cell::RefCell;
use std::rc::Rc;

/// Smallest and largest chase.
const FROM_BYTES: usize = 8 << 10;
const TO_BYTES: usize = 64 << 20;

/// Up to here four sizes an octave, beyond it two, because a lap there takes long.
const FINE_TO_BYTES: usize = 8 << 20;

/// Loads of one timing, short against a scheduler's tick: so many where most hit, and where most miss.
const TIMED_LOADS: u64 = 16 * LOADS;
const TIMED_MISSES: u64 = 2 * LOADS;

/// Loads of one visit to a size at least, beside one whole lap.
const LEAST_LOADS: u64 = 128 * LOADS;

/// Passes over all sizes, so that a neighbour's episode does not hit one size alone.
const PASSES: usize = 3;

/// No pass starts later than this after the first: on a busy machine one pass has to do.
const LAST_PASS_NS: f64 = 3e9;

/// The curve, the steps found on it, and the memory it was climbed in.
pub struct Staircase {
    pub curve: Vec<[f64; 2]>,
    pub memory: Rc<RefCell<Mapping>>,
    steps: Vec<Step>,
}

impl Staircase {
    /// The step of a level.
    ///
    /// # Errors
    /// Where the curve shows none.
    pub fn step(&self, level: u8) -> Result<Step, Unavailable> {
        level::of(&self.steps, level).ok_or_else(|| {
            Unavailable::new(
                Reason::Unsupported,
                "the staircase shows no such step up to 64 MiB on this machine",
            )
        })
    }
}

/// The staircase of this measurement, climbed when it is first asked for.
pub fn staircase<'a>(bench: &'a Bench) -> Result<&'a Staircase, Unavailable> {
    bench.staircase.get_or_init(|| climb(bench.clock)).as_ref().map_err(Clone::clone)
}

pub fn l1_size(bench: &Bench) -> Result<Way, Unavailable> {
    size(bench, 1)
}

pub fn l2_size(bench: &Bench) -> Result<Way, Unavailable> {
    size(bench, 2)
}

/// Size at the end of a step, between the last chase on it and the first beyond it, beside what the kernel states.
fn size(bench: &Bench, level: u8) -> Result<Way, Unavailable> {
    let step = staircase(bench)?.step(level)?;
    let beyond = step.beyond_kib.unwrap_or(f64::INFINITY);
    let value = Interval { value: step.to_kib, low: step.to_kib, high: beyond };
    Ok(Way::Once(Found::new(value).noted(size_note(bench, level, &step))))
}

/// What the machine states of a level's size and whether the step agrees.
pub fn size_note(bench: &Bench, level: u8, step: &Step) -> String {
    agreement(step, bench.machine.cache(level).map(|cache| cache.size_bytes as f64 / 1024.0))
}

fn agreement(step: &Step, stated_kib: Option<f64>) -> String {
    let found = format!("the step ends at {} KiB", step.to_kib);
    match stated_kib {
        None => format!("{found}; no other source states a size"),
        Some(kib) if step.ends_at(kib) && step.to_kib != kib => {
            format!("{found}; the machine states {kib} KiB: agrees within one size of the curve")
        }
        Some(kib) if step.ends_at(kib) => format!("{found}; the machine states {kib} KiB: agrees"),
        Some(kib) if step.beyond_kib.is_some() && (kib / 2.0..kib).contains(&step.to_kib) => {
            format!(
                "{found}; the machine states {kib} KiB: disagrees, as where a neighbour on the core has the rest"
            )
        }
        Some(kib) => format!("{found}; the machine states {kib} KiB: disagrees"),
    }
}

/// Measures the curve: for each size the fastest timing of all passes.
fn climb(clock: &Clock) -> Result<Staircase, Unavailable> {
    let memory = Rc::new(RefCell::new(Mapping::new(TO_BYTES, Pages::Huge)?));
    let sizes = sizes_bytes();
    let mut best = vec![f64::INFINITY; sizes.len()];
    let start_ns = clock.now_ns();
    for pass in (0..PASSES).take_while(|_| clock.now_ns() - start_ns < LAST_PASS_NS) {
        for (best_ns, size_bytes) in best.iter_mut().zip(&sizes) {
            *best_ns = best_ns.min(load_ns(&memory, *size_bytes, pass as u64, clock));
        }
    }
    let curve: Vec<[f64; 2]> = sizes.iter().zip(best).map(|(size, ns)| [*size as f64 / 1024.0, ns]).collect();
    Ok(Staircase { steps: steps(&curve), curve, memory })
}

fn sizes_bytes() -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut octave = FROM_BYTES;
    while octave < TO_BYTES {
        let quarters: &[usize] = if octave < FINE_TO_BYTES { &[4, 5, 6, 7] } else { &[4, 6] };
        sizes.extend(quarters.iter().map(|quarter| octave / 4 * quarter));
        octave *= 2;
    }
    sizes.push(TO_BYTES);
    sizes
}

/// Nanoseconds per load of one visit to a size. A lap before it warms the caches where they could hold it, and the
/// fastest timing counts; beyond, timings differ by what each happens to hit, and their median counts.
fn load_ns(memory: &Rc<RefCell<Mapping>>, size_bytes: usize, seed: u64, clock: &Clock) -> f64 {
    let (lap, fits) = ((size_bytes / LINE_BYTES) as u64, size_bytes <= FINE_TO_BYTES);
    let mut case = chase(memory, 0, size_bytes, seed);
    if fits {
        case.batch(lap.div_ceil(LOADS), clock);
    }
    let timed = if fits { TIMED_LOADS } else { TIMED_MISSES };
    let timings = lap.max(LEAST_LOADS) / timed;
    let ns: Vec<f64> =
        (0..timings).map(|_| case.batch(timed / LOADS, clock).elapsed_ns / timed as f64).collect();
    if fits { quantile(&ns, 0.0) } else { median(&ns) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_rise_from_8_kib_to_64_mib_and_hold_the_usual_cache_sizes() {
        let sizes = sizes_bytes();
        assert!(sizes.is_sorted() && sizes[0] == FROM_BYTES && sizes[sizes.len() - 1] == TO_BYTES);
        assert!(
            [32 << 10, 48 << 10, 512 << 10, 1 << 20, 2 << 20, 32 << 20].iter().all(|s| sizes.contains(s))
        );
    }

    #[test]
    fn the_note_tells_whether_the_sources_agree() {
        let latency_ns = Interval::exact(3.0);
        let step = Step { from_kib: 56.0, to_kib: 1024.0, beyond_kib: Some(1280.0), latency_ns };
        assert!(
            agreement(&step, Some(1024.0)).ends_with("agrees")
                && !agreement(&step, Some(1024.0)).ends_with("disagrees")
        );
        assert!(agreement(&step, Some(1280.0)).ends_with("agrees within one size of the curve"));
        assert!(agreement(&step, Some(512.0)).ends_with("disagrees"));
        assert!(
            agreement(&step, Some(1536.0))
                .ends_with("disagrees, as where a neighbour on the core has the rest")
        );
        assert!(agreement(&step, Some(2049.0)).ends_with("disagrees"));
        let endless = Step { beyond_kib: None, ..step.clone() };
        assert!(agreement(&endless, Some(1536.0)).ends_with("disagrees"));
        assert!(agreement(&step, None).contains("no other source"));
    }
}
