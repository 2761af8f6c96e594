//! Limits of the core alone: chains of dependent instructions, which no compiler shortens because they are assembly,
//! and the empty timing loop.

use super::repeat::{self, Gauge, Timed};
use super::{Bench, Found, Way, truths};
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
    let timed = |case| Timed::short(case, LINKS, bench.clock);
    Ok(Way::visits(Adds { add: timed(adds()), multiply: timed(multiplies()), fastest: Vec::new() }))
}

/// A multiply in adds. Who shares the core only ever adds to either, and to the add the greater share: the fastest slices
/// of all visits of a repeat are set against each other, and the two alternate so that the clock's speed cancels.
struct Adds {
    add: Timed,
    multiply: Timed,
    /// Of each visit, the fastest add and the fastest multiply.
    fastest: Vec<[f64; 2]>,
}

/// Pairs of short slices in a visit.
const PAIRS: usize = 256;

impl Gauge for Adds {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let pairs = (0..PAIRS).map(|_| [self.add.slice_ns(bench.clock), self.multiply.slice_ns(bench.clock)]);
        let [add, multiply] =
            pairs.fold([f64::INFINITY; 2], |best, now| [best[0].min(now[0]), best[1].min(now[1])]);
        self.fastest.push([add, multiply]);
        Ok(multiply / add)
    }

    fn found(&self, _: &[f64]) -> Found {
        let of = |which: usize| self.fastest.iter().map(|pair| pair[which]).collect::<Vec<f64>>();
        let (adds, multiplies) = (repeat::repeats(&of(0), 0.0), repeat::repeats(&of(1), 0.0));
        let found =
            Found::repeated(adds.iter().zip(multiplies).map(|(add, multiply)| multiply / add).collect());
        let note = truths::multiply_note(found.value.value);
        found.noted(note)
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

    #[test]
    fn a_neighbour_at_another_time_for_adds_than_for_multiplies_changes_no_ratio() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        let laps = (0..repeat::LAPS).map(|lap| if lap < repeat::LAPS / 2 { [1.2, 3.0] } else { [1.0, 3.3] });
        let timed = |case| Timed::short(case, LINKS, &clock);
        let gauge = Adds { add: timed(adds()), multiply: timed(multiplies()), fastest: laps.collect() };
        assert_eq!(gauge.found(&[]).repeats, [3.0; repeat::REPEATS]);
    }
}
