//! A chase through memory: a random single cycle over lines, each load's address being what the load before it read.

use super::mapping::Mapping;
use crate::case::{Case, solo};
use crate::stats::random::Random;
use std::cell::RefCell;
use std::rc::Rc;

/// Distance of chased lines; a line of 128 bytes is chased at half its density, which its cache does not feel.
pub const LINE_BYTES: usize = 64;

/// Loads in one operation.
pub const LOADS: u64 = 1024;

/// A case of [`LOADS`] loads an operation around a fresh random cycle over the lines of `size_bytes` from `from_bytes`.
pub fn chase(
    memory: &Rc<RefCell<Mapping>>,
    from_bytes: usize,
    size_bytes: usize,
    seed: u64,
) -> Box<dyn Case> {
    let memory = memory.clone();
    link(&mut memory.borrow_mut(), from_bytes, &cycle(size_bytes / LINE_BYTES, seed));
    let mut at = memory.borrow().address() + from_bytes;
    solo(move |_| {
        // Naming it moves it in here: the mapping lives as long as the case chases through it.
        let _held = &memory;
        at = follow(at);
        at as u64
    })
}

/// Writes into the first word of each line the address of the line after it.
fn link(memory: &mut Mapping, from_bytes: usize, next: &[u32]) {
    let first = memory.address() + from_bytes;
    let lines = memory.words()[from_bytes / 8..].chunks_exact_mut(LINE_BYTES / 8);
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
    use super::super::mapping::Pages;
    use super::*;
    use crate::clock::Clock;

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
        let memory = Rc::new(RefCell::new(Mapping::new(128 << 10, Pages::Base).unwrap()));
        let start = memory.borrow().address() as u64 + 4096;
        let clock = Clock::open(crate::clock::ClockChoice::Scripted(1));
        assert_eq!(chase(&memory, 4096, LOADS as usize * LINE_BYTES, 3).batch(1, &clock).checksum, start);
    }
}
