//! Work of known content, one piece for each kind of event: a counter that stays at zero through it is blind, and its zero
//! is no count. The amounts are large enough for any CPU and small enough to go unnoticed.

use crate::counter::Group;
use crate::counter::canary::{MIGRATIONS, PAGES, SLEEPS};
use crate::machine::probe::{Pinned, cpus};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Additions in which a group that gets onto the counters is on them.
pub const TRIAL_ADDS: u64 = 200_000;

/// Larger than the last-level cache of any CPU of the tables but for the largest, so that most steps come from memory.
const CHASE_BYTES: usize = 64 << 20;
const CHASE_STEPS: usize = 200_000;
const LINE_BYTES: usize = 64;
const BOUNCES: u64 = 2_000;
const BRANCHES: u64 = 20_000;

/// Does what moves every event of the group.
pub fn work(group: Group) {
    match group {
        Group::Core | Group::Topdown => {
            add(TRIAL_ADDS);
            mispredict();
            chase(CHASE_BYTES / 16);
        }
        Group::Cache | Group::Memory | Group::Tlb | Group::Bandwidth => chase(CHASE_BYTES),
        Group::Sharing => share(),
        Group::Simd => super::vectors::work(),
        Group::Software => software(),
        _ => add(TRIAL_ADDS),
    }
}

/// Loop of additions that hang on each other: two instructions a round on the CPUs that have a known loop, whatever the
/// compiler thinks of it.
#[inline(never)]
pub fn add(rounds: u64) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: counts a register of its own down to zero, and touches nothing else.
    unsafe {
        std::arch::asm!("2:", "sub {0}, 1", "jnz 2b", inout(reg) rounds.max(1) => _, options(nomem, nostack));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: counts a register of its own down to zero, and touches nothing else.
    unsafe {
        std::arch::asm!("2:", "subs {0}, {0}, #1", "b.ne 2b", inout(reg) rounds.max(1) => _, options(nomem, nostack));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    (0..rounds).for_each(|round| _ = black_box(round));
}

/// Branches on bits of a generator that no predictor knows.
fn mispredict() {
    let (mut random, mut taken) = (0x9e37_79b9_7f4a_7c15u64, 0u64);
    for _ in 0..BRANCHES {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        if black_box(random) & 1 == 1 {
            taken = black_box(taken + 1);
        }
    }
    black_box(taken);
}

/// Steps from line to line of fresh memory, each to where the line before says: misses of every cache and TLB, loads and
/// stores that split lines among them.
fn chase(bytes: usize) {
    let lines = bytes / LINE_BYTES;
    let mut memory = vec![0u64; bytes / 8];
    // An odd stride through a power of two of lines visits each once, far from the one before.
    let stride = (lines / 2 + lines / 8) | 1;
    let mut at = 0;
    for step in 0..CHASE_STEPS.min(lines) {
        let value = memory[at * LINE_BYTES / 8];
        memory[at * LINE_BYTES / 8] = value + step as u64;
        at = (at + stride + black_box(value as usize)) % lines;
    }
    split(&mut memory);
    black_box(memory);
}

/// Loads that cross a line.
fn split(memory: &mut [u64]) {
    let bytes = memory.as_ptr().cast::<u8>();
    for line in 1..64 {
        let across = bytes.wrapping_add(line * LINE_BYTES - 4).cast::<u64>();
        // SAFETY: the memory is longer than 64 lines, and the read needs no alignment.
        black_box(unsafe { across.read_unaligned() });
    }
}

/// Two threads write to one line in turns, each by locked operations; on one CPU the operations alone remain.
fn share() {
    let (turns, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let others: Vec<usize> = cpus();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _pinned = others.last().map(|cpu| Pinned::to(*cpu));
            while !over.load(Ordering::SeqCst) {
                turns.fetch_add(1, Ordering::SeqCst);
            }
        });
        let _pinned = others.first().map(|cpu| Pinned::to(*cpu));
        for _ in 0..BOUNCES {
            turns.fetch_add(1, Ordering::SeqCst);
            std::thread::yield_now();
        }
        over.store(true, Ordering::SeqCst);
    });
}

/// A fault for each fresh page, waits that leave the CPU, and moves to another CPU and back.
fn software() {
    [PAGES, SLEEPS, MIGRATIONS].iter().for_each(|canary| _ = canary.plant());
}
