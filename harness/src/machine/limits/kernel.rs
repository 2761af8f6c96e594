//! Limits that the kernel sets: a system call, a page fault, a clock reading.

use super::mapping::{Mapping, Pages};
use super::repeat::{Gauge, Timed};
use super::{Bench, Way};
use crate::Unavailable;
use crate::case::solo;
use crate::clock::{Clock, ClockChoice};

/// Pages touched in one batch.
const PAGES: usize = 256;

/// Batches of fresh pages of which the fastest is one visit.
const BATCHES: usize = 6;

pub fn timer(bench: &Bench) -> Result<Way, Unavailable> {
    let same = Clock::inherit(ClockChoice::Best, &bench.clock.facts());
    Ok(Way::visits(Timed::new(solo(move |_| same.now_ns().to_bits()), 1, bench.clock)))
}

pub fn syscall(bench: &Bench) -> Result<Way, Unavailable> {
    let case = solo(|_| {
        // SAFETY: getppid takes nothing, touches no memory of ours and cannot fail.
        (unsafe { libc::syscall(libc::SYS_getppid) }) as u64
    });
    Ok(Way::visits(Timed::new(case, 1, bench.clock)))
}

pub fn page_fault(_: &Bench) -> Result<Way, Unavailable> {
    Ok(Way::visits(FirstTouch { page_bytes: rustix::param::page_size() }))
}

struct FirstTouch {
    page_bytes: usize,
}

impl Gauge for FirstTouch {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let touch = |_| first_touch_ns(bench.clock, self.page_bytes);
        (0..BATCHES).map(touch).try_fold(f64::INFINITY, |fastest, ns| Ok(fastest.min(ns?)))
    }

    fn note(&self, _: f64) -> Option<String> {
        Some(format!("pages of {} KiB", self.page_bytes / 1024))
    }
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
