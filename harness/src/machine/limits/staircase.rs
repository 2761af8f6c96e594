//! Load latency over size: a chase through a random single cycle over cache lines, each load's address being what the
//! load before it read. Four latencies and two cache sizes are read off one curve.

use super::mapping::{Mapping, Pages};
use super::steps::{Step, level, steps};
use super::{Bench, Found};
use crate::case::{Case, solo};
use crate::clock::Clock;
use crate::stats::interval::Interval;
use crate::stats::random::Random;
use crate::unavailable::{Reason, Unavailable};
use std::cell::RefCell;
use std::rc::Rc;

/// Smallest and largest chase.
const FROM_BYTES: usize = 8 << 10;
const TO_BYTES: usize = 64 << 20;

/// Up to here four sizes an octave, beyond it two, because a lap there takes long.
const FINE_TO_BYTES: usize = 8 << 20;

/// Distance of chased lines; a line of 128 bytes is chased at half its density, which its cache does not feel.
const LINE_BYTES: usize = 64;

/// Loads in one operation.
const LOADS: u64 = 1024;

/// Loads of one timing at least, beside one whole lap.
const LEAST_LOADS: u64 = 64 * LOADS;

/// Passes over all sizes, so that a neighbour's episode does not hit one size alone, and timings a pass.
const PASSES: usize = 3;
const TIMINGS: usize = 4;

/// No pass starts later than this after the first: on a busy machine one pass has to do.
const LAST_PASS_NS: f64 = 3e9;

/// The curve and the steps found on it.
#[derive(Clone)]
pub struct Staircase {
    curve: Vec<[f64; 2]>,
    steps: Vec<Step>,
}

pub fn l1_latency(bench: &Bench) -> Result<Found, Unavailable> {
    let found = latency(bench, 1)?;
    Ok(Found { curve: staircase(bench)?.curve.clone(), ..found })
}

pub fn l2_latency(bench: &Bench) -> Result<Found, Unavailable> {
    latency(bench, 2)
}

pub fn l3_latency(bench: &Bench) -> Result<Found, Unavailable> {
    let found = latency(bench, 3)?;
    let note = [found.note.clone(), size(bench, 3).ok().and_then(|found| found.note)];
    Ok(found.noted(note.into_iter().flatten().collect::<Vec<_>>().join("; ")))
}

pub fn dram_latency(bench: &Bench) -> Result<Found, Unavailable> {
    latency(bench, level::DRAM)
}

pub fn l1_size(bench: &Bench) -> Result<Found, Unavailable> {
    size(bench, 1)
}

pub fn l2_size(bench: &Bench) -> Result<Found, Unavailable> {
    size(bench, 2)
}

fn staircase<'a>(bench: &'a Bench) -> Result<&'a Staircase, Unavailable> {
    bench.staircase.get_or_init(|| climb(bench.clock)).as_ref().map_err(Clone::clone)
}

fn step(bench: &Bench, level: u8) -> Result<Step, Unavailable> {
    level::of(&staircase(bench)?.steps, level).ok_or_else(|| {
        Unavailable::new(Reason::Unsupported, "the staircase shows no such step up to 64 MiB on this machine")
    })
}

/// Latency of a step: the median and the quartiles of its points.
fn latency(bench: &Bench, level: u8) -> Result<Found, Unavailable> {
    let step = step(bench, level)?;
    let note = format!("chases of {} to {} KiB, quartiles shown", step.from_kib, step.to_kib);
    Ok(Found::new(step.latency_ns).noted(note))
}

/// Size at the end of a step, between the last chase on it and the first beyond it, beside what the kernel states.
fn size(bench: &Bench, level: u8) -> Result<Found, Unavailable> {
    let step = step(bench, level)?;
    let stated = bench.machine.cache(level).map(|cache| cache.size_bytes as f64 / 1024.0);
    let beyond = step.beyond_kib.unwrap_or(f64::INFINITY);
    let value = Interval { value: step.to_kib, low: step.to_kib, high: beyond };
    Ok(Found::new(value).noted(agreement(&step, stated)))
}

fn agreement(step: &Step, stated_kib: Option<f64>) -> String {
    let found = format!("the step ends at {} KiB", step.to_kib);
    match stated_kib {
        None => format!("{found}; no other source states a size"),
        Some(kib) if step.ends_at(kib) && step.to_kib != kib => {
            format!("{found}; the machine states {kib} KiB: agrees within one size of the curve")
        }
        Some(kib) if step.ends_at(kib) => format!("{found}; the machine states {kib} KiB: agrees"),
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
    Ok(Staircase { steps: steps(&curve), curve })
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

/// Nanoseconds per load of the fastest timing of one pass over one size. A lap before it warms the caches where
/// they could hold it.
fn load_ns(memory: &Rc<RefCell<Mapping>>, size_bytes: usize, seed: u64, clock: &Clock) -> f64 {
    let lines = size_bytes / LINE_BYTES;
    let ops = (lines as u64).max(LEAST_LOADS).div_ceil(LOADS);
    let mut case = chase(memory.clone(), lines, seed);
    if size_bytes <= FINE_TO_BYTES {
        case.batch((lines as u64).div_ceil(LOADS), clock);
    }
    let timings = if size_bytes > FINE_TO_BYTES { 1 } else { TIMINGS };
    let fastest = (0..timings).map(|_| case.batch(ops, clock).elapsed_ns).fold(f64::INFINITY, f64::min);
    fastest / (ops * LOADS) as f64
}

/// A case of [`LOADS`] loads an operation around a fresh random cycle over the first `lines` lines.
fn chase(memory: Rc<RefCell<Mapping>>, lines: usize, seed: u64) -> Box<dyn Case> {
    link(&mut memory.borrow_mut(), &cycle(lines, seed));
    let mut at = memory.borrow().address();
    solo(move |_| {
        // Naming it moves it in here: the mapping lives as long as the case chases through it.
        let _held = &memory;
        at = follow(at);
        at as u64
    })
}

/// Writes into the first word of each line the address of the line after it.
fn link(memory: &mut Mapping, next: &[u32]) {
    let first = memory.address();
    let lines = memory.words().chunks_exact_mut(LINE_BYTES / 8);
    for (line, next) in lines.zip(next) {
        line[0] = (first + *next as usize * LINE_BYTES) as u64;
    }
}

/// Follows [`LOADS`] links.
#[cfg(all(target_arch = "x86_64", not(miri)))]
fn follow(mut at: usize) -> usize {
    // SAFETY: every word met is the address of another linked line of a mapping that the caller holds.
    unsafe {
        std::arch::asm!(
            "2:", ".rept 64", "mov {at}, [{at}]", ".endr", "dec {turns}", "jnz 2b",
            at = inout(reg) at, turns = inout(reg) LOADS / 64 => _, options(readonly, nostack)
        );
    }
    at
}

/// Follows [`LOADS`] links.
#[cfg(all(target_arch = "aarch64", not(miri)))]
fn follow(mut at: usize) -> usize {
    // SAFETY: every word met is the address of another linked line of a mapping that the caller holds.
    unsafe {
        std::arch::asm!(
            "2:", ".rept 64", "ldr {at}, [{at}]", ".endr", "subs {turns}, {turns}, #1", "b.ne 2b",
            at = inout(reg) at, turns = inout(reg) LOADS / 64 => _, options(readonly, nostack)
        );
    }
    at
}

/// Follows [`LOADS`] links.
#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
fn follow(at: usize) -> usize {
    (0..LOADS).fold(at, |at, _| {
        // SAFETY: every word met is the address of another linked line of a mapping that the caller holds.
        unsafe { std::ptr::with_exposed_provenance::<usize>(at).read_volatile() }
    })
}

/// A random order in which a single cycle visits every line once (Sattolo's algorithm): `next[line]`.
fn cycle(lines: usize, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut next: Vec<u32> = (0..lines as u32).collect();
    for last in (1..lines).rev() {
        next.swap(last, random.below(last as u64) as usize);
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_visits_every_line_once_before_it_returns() {
        for lines in [1, 2, 3, 64, 1000] {
            let next = cycle(lines, 7);
            let mut seen = vec![false; lines];
            let mut at = 0;
            for _ in 0..lines {
                assert!(!std::mem::replace(&mut seen[at], true));
                at = next[at] as usize;
            }
            assert_eq!(at, 0);
        }
    }

    #[test]
    fn a_chase_of_a_whole_number_of_laps_ends_where_it_began() {
        let memory = Rc::new(RefCell::new(Mapping::new(64 << 10, Pages::Base).unwrap()));
        let start = memory.borrow().address() as u64;
        let clock = Clock::open(crate::clock::ClockChoice::Scripted(1));
        assert_eq!(chase(memory, LOADS as usize, 3).batch(1, &clock).checksum, start);
    }

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
        assert!(agreement(&step, None).contains("no other source"));
    }
}
