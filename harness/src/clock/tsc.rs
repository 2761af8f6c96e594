//! The x86 time stamp counter, fenced with `lfence` (never `cpuid`, which traps for microseconds in a VM).

use super::{Source, monotonic};
use std::arch::x86_64::{_mm_lfence, _rdtsc};

/// The fenced time stamp counter.
#[derive(Debug, Clone)]
pub struct Tsc;

impl Source for Tsc {
    #[inline(always)]
    fn start(&self) -> u64 {
        fence();
        let now = read();
        fence();
        now
    }

    #[inline(always)]
    fn stop(&self, _ops: u64) -> u64 {
        fence();
        let now = read();
        fence();
        now
    }
}

#[inline(always)]
fn fence() {
    // SAFETY: SSE2, which holds `lfence`, is part of the x86-64 baseline.
    unsafe { _mm_lfence() }
}

#[inline(always)]
fn read() -> u64 {
    // SAFETY: `rdtsc` is part of the x86-64 baseline; a kernel that forbids it in user mode also lacks the vDSO clock.
    unsafe { _rdtsc() }
}

/// Nanoseconds per tick against `CLOCK_MONOTONIC` over 100 ms; none where the counter is not invariant, or where two
/// halves of the calibration disagree by more than 100 parts in a million.
pub fn calibrate() -> Option<f64> {
    if !invariant() {
        return None;
    }
    (0..3).find_map(|_| {
        let (first, second) = (span(50_000_000), span(50_000_000));
        ((first / second - 1.0).abs() < 1e-4).then_some((first + second) / 2.0)
    })
}

fn invariant() -> bool {
    raw_cpuid::CpuId::new().get_advanced_power_mgmt_info().is_some_and(|info| info.has_invariant_tsc())
}

fn span(length_ns: u64) -> f64 {
    let (ns_before, ticks_before) = stamp();
    while monotonic::now_ns() - ns_before < length_ns {
        std::hint::spin_loop();
    }
    let (ns_after, ticks_after) = stamp();
    (ns_after - ns_before) as f64 / (ticks_after - ticks_before) as f64
}

/// A pair of readings of both clocks, the tightest of several, so that an interrupt between the two does no harm.
fn stamp() -> (u64, u64) {
    (0..16)
        .map(|_| {
            let before = read();
            let ns = monotonic::now_ns();
            let after = read();
            (after - before, (ns, before + (after - before) / 2))
        })
        .min()
        .map(|(_, pair)| pair)
        .expect("sixteen readings were taken")
}
