//! Limits that the kernel sets: a system call, a page fault, a clock reading.

use super::mapping::{Mapping, Pages};
use super::repeat::{REPEATS, ns_per_op, spread};
use super::{Bench, Found};
use crate::Unavailable;
use crate::case::solo;
use crate::clock::{Clock, ClockChoice};

/// Pages touched in one batch.
const PAGES: usize = 256;

/// Batches of fresh pages of which the fastest is one repeat.
const BATCHES: usize = 6;

pub fn timer(bench: &Bench) -> Result<Found, Unavailable> {
    let same = Clock::inherit(ClockChoice::Best, &bench.clock.facts());
    Ok(Found::new(ns_per_op(&mut *solo(move |_| same.now_ns().to_bits()), bench.clock)))
}

pub fn syscall(bench: &Bench) -> Result<Found, Unavailable> {
    let mut case = solo(|_| {
        // SAFETY: getppid takes nothing, touches no memory of ours and cannot fail.
        (unsafe { libc::syscall(libc::SYS_getppid) }) as u64
    });
    Ok(Found::new(ns_per_op(&mut *case, bench.clock)))
}

pub fn page_fault(bench: &Bench) -> Result<Found, Unavailable> {
    let page_bytes = rustix::param::page_size();
    let mut repeats = Vec::new();
    for _ in 0..REPEATS {
        let mut fastest = f64::INFINITY;
        for _ in 0..BATCHES {
            fastest = fastest.min(first_touch_ns(bench.clock, page_bytes)?);
        }
        repeats.push(fastest);
    }
    Ok(Found::new(spread(&repeats)).noted(format!("pages of {} KiB", page_bytes / 1024)))
}

fn first_touch_ns(clock: &Clock, page_bytes: usize) -> Result<f64, Unavailable> {
    let mut fresh = Mapping::new(PAGES * page_bytes, Pages::Base)?;
    let mut case = solo(move |page: u64| {
        let word = &mut fresh.words()[page as usize * page_bytes / 8];
        *word = page + 1;
        *word
    });
    Ok(case.batch(PAGES as u64, clock).elapsed_ns / PAGES as f64)
}
