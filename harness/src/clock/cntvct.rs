//! The ARM virtual counter, ordered with `isb`.

use super::Source;
use std::arch::asm;

/// The architectural virtual counter.
#[derive(Debug, Clone)]
pub struct Cntvct;

impl Source for Cntvct {
    #[inline(always)]
    fn start(&self) -> u64 {
        read()
    }

    #[inline(always)]
    fn stop(&self, _ops: u64) -> u64 {
        read()
    }
}

#[inline(always)]
fn read() -> u64 {
    let ticks: u64;
    // SAFETY: EL0 may read the virtual counter on every Linux arm64 kernel; `isb` orders it with the region.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) ticks, options(nostack)) };
    ticks
}

/// Tick length from the counter's own frequency register.
pub fn ns_per_tick() -> f64 {
    let hertz: u64;
    // SAFETY: EL0 may read the frequency register wherever it may read the counter.
    unsafe { asm!("mrs {}, cntfrq_el0", out(reg) hertz, options(nomem, nostack, preserves_flags)) };
    1e9 / hertz as f64
}
