//! Limits of the core alone: chains of dependent instructions, which no compiler shortens because they are assembly,
//! and the empty timing loop.

use super::repeat::{REPEATS, fastest, ns_per_op, slice_ops, spread};
use super::{Bench, Found};
use crate::Unavailable;
use crate::case::{Case, solo};

/// Links in one operation: the few cycles that the timing loop adds to a chain are then below 0.2 %.
const LINKS: u64 = 4096;

/// What a dependent multiply costs in dependent adds on every x86-64 core of the last decade.
#[cfg(target_arch = "x86_64")]
const IMUL_TRUTH: f64 = 3.0;

pub fn clock_add(bench: &Bench) -> Result<Found, Unavailable> {
    let add = ns_per_op(&mut *adds(), bench.clock).map(|ns| ns / LINKS as f64);
    Ok(Found::new(add).noted(format!("{:.2} GHz while it was measured", 1.0 / add.value)))
}

pub fn imul_adds(bench: &Bench) -> Result<Found, Unavailable> {
    let (mut add, mut multiply) = (adds(), multiplies());
    let (add_ops, multiply_ops) = (slice_ops(&mut *add, bench.clock), slice_ops(&mut *multiply, bench.clock));
    let ratio =
        |_| fastest(&mut *multiply, multiply_ops, bench.clock) / fastest(&mut *add, add_ops, bench.clock);
    let value = spread(&(0..REPEATS).map(ratio).collect::<Vec<f64>>());
    Ok(Found::new(value).noted(imul_note(value.value)))
}

#[cfg(target_arch = "x86_64")]
fn imul_note(adds: f64) -> String {
    let agrees = (adds - IMUL_TRUTH).abs() <= 0.15;
    format!("architectural {IMUL_TRUTH:.2}: {}", if agrees { "agrees" } else { "disagrees" })
}

#[cfg(not(target_arch = "x86_64"))]
fn imul_note(_adds: f64) -> String {
    "no one figure holds for all cores of this architecture".into()
}

pub fn empty_body(bench: &Bench) -> Result<Found, Unavailable> {
    let value = ns_per_op(&mut *solo(|i| i), bench.clock);
    let agrees = value.value <= 1.0;
    Ok(Found::new(value).noted(format!("truth 0 +- 1 ns: {}", if agrees { "agrees" } else { "disagrees" })))
}

/// A loop of a chain of one instruction, 64 links a turn.
macro_rules! chain {
    ($case:ident, $x86_64:literal, $aarch64:literal, $portable:expr) => {
        fn $case() -> Box<dyn Case> {
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
