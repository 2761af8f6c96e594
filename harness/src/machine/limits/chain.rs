//! Limits of the core alone: chains of dependent instructions, which no compiler shortens because they are assembly,
//! and the empty timing loop.

use super::repeat::{Gauge, Timed};
use super::{Bench, Way, truths};
use crate::Unavailable;
use crate::case::{Case, solo};
use std::sync::atomic::{AtomicU64, Ordering};

/// Links in one operation: the few cycles that the timing loop adds to a chain are then below 0.2 %.
pub const LINKS: u64 = 4096;

/// Atomic additions in one operation.
const RMW_LINKS: u64 = 64;

pub fn clock_add(bench: &Bench) -> Result<Way, Unavailable> {
    let gauge = Timed::new(adds(), LINKS, bench.clock);
    Ok(Way::visits(gauge.noted(|ns| Some(format!("{:.2} GHz while it was measured", 1.0 / ns)))))
}

pub fn imul_adds(bench: &Bench) -> Result<Way, Unavailable> {
    let timed = |case| Timed::new(case, LINKS, bench.clock);
    Ok(Way::visits(Adds { add: timed(adds()), multiply: timed(multiplies()) }))
}

/// A multiply in adds, both timed in one visit, so that the clock's speed cancels.
struct Adds {
    add: Timed,
    multiply: Timed,
}

impl Gauge for Adds {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        Ok(self.multiply.fastest_ns(bench.clock) / self.add.fastest_ns(bench.clock))
    }

    fn note(&self, adds: f64) -> Option<String> {
        Some(truths::multiply_note(adds))
    }
}

pub fn empty_body(bench: &Bench) -> Result<Way, Unavailable> {
    Ok(Way::visits(Timed::new(solo(|i| i), 1, bench.clock).noted(|ns| Some(truths::empty_body_note(ns)))))
}

/// Atomic additions that nobody contends, each result thrown away: the cheapest read-modify-write there is.
pub fn atomic_rmw(bench: &Bench) -> Result<Way, Unavailable> {
    let word = AtomicU64::new(0);
    let case = solo(move |i| {
        // The word is nobody else's: Relaxed pairs with nothing, and costs what every ordering costs on x86-64.
        (0..RMW_LINKS).for_each(|_| _ = word.fetch_add(i, Ordering::Relaxed));
        i
    });
    Ok(Way::visits(Timed::new(case, RMW_LINKS, bench.clock)))
}

/// A loop of a chain of one instruction, 64 links a turn.
macro_rules! chain {
    ($case:ident, $x86_64:literal, $aarch64:literal, $portable:expr) => {
        pub fn $case() -> Box<dyn Case> {
            let mut link = 0x9e37_79b9_7f4a_7c15_u64;
            solo(move |_| {
                link = turns(link);
                return link;

                #[cfg(all(target_arch = "x86_64", not(miri)))]
                fn turns(mut link: u64) -> u64 {
                    // SAFETY: the loop touches the three registers that it declares and no memory.
                    unsafe {
                        std::arch::asm!(
                            "2:", ".rept 64", $x86_64, ".endr", "dec {turns}", "jnz 2b",
                            link = inout(reg) link, other = in(reg) 3_u64, turns = inout(reg) LINKS / 64 => _,
                            options(nomem, nostack)
                        );
                    }
                    link
                }

                #[cfg(all(target_arch = "aarch64", not(miri)))]
                fn turns(mut link: u64) -> u64 {
                    // SAFETY: the loop touches the three registers that it declares and no memory.
                    unsafe {
                        std::arch::asm!(
                            "2:", ".rept 64", $aarch64, ".endr", "subs {turns}, {turns}, #1", "b.ne 2b",
                            link = inout(reg) link, other = in(reg) 3_u64, turns = inout(reg) LINKS / 64 => _,
                            options(nomem, nostack)
                        );
                    }
                    link
                }

                #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
                fn turns(link: u64) -> u64 {
                    (0..LINKS).fold(link, |link, _| crate::case::opaque($portable(link, 3_u64)))
                }
            })
        }
    };
}

chain!(adds, "add {link}, {other}", "add {link}, {link}, {other}", u64::wrapping_add);
chain!(multiplies, "imul {link}, {other}", "mul {link}, {link}, {other}", u64::wrapping_mul);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ClockChoice};

    #[test]
    fn the_chains_compute_what_their_links_say() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        let start = 0x9e37_79b9_7f4a_7c15_u64;
        assert_eq!(adds().batch(1, &clock).checksum, start.wrapping_add(3 * LINKS));
        assert_eq!(
            multiplies().batch(1, &clock).checksum,
            start.wrapping_mul(3_u64.wrapping_pow(LINKS as u32))
        );
    }
}
