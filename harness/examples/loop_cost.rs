//! Whether the cost of the timing loop should be subtracted: operations of known cost (unrolled 64 times in one turn of the
//! loop) against the same operations one a turn, with and without the cost of an empty turn taken off.

use perfbench_harness::case::{Case, opaque, overhead::loop_ns_per_op, solo};
use perfbench_harness::clock::{Clock, ClockChoice};

/// The statement four, sixteen and sixty-four times.
macro_rules! four { ($($s:tt)*) => { $($s)* $($s)* $($s)* $($s)* }; }
macro_rules! sixteen { ($($s:tt)*) => { four!(four!($($s)*);) }; }
macro_rules! sixty_four { ($($s:tt)*) => { four!(sixteen!($($s)*);) }; }

const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Operations of one batch.
const OPS: u64 = 200_000;

/// Batches of which the quickest counts.
const BATCHES: usize = 21;

/// Each operation needs the result of the one before.
fn dependent() -> [Box<dyn Case>; 2] {
    let (mut one, mut many) = (1, 1);
    [
        solo(move |_| {
            one = opaque(u64::wrapping_mul(one, FACTOR));
            one
        }),
        solo(move |_| {
            sixty_four!(many = opaque(u64::wrapping_mul(many, FACTOR)););
            many
        }),
    ]
}

/// No operation needs another's result.
fn independent() -> [Box<dyn Case>; 2] {
    [
        solo(|i: u64| opaque(opaque(i).wrapping_mul(FACTOR))),
        solo(|i: u64| {
            sixty_four!(opaque(opaque(i).wrapping_mul(FACTOR)););
            i
        }),
    ]
}

/// Chains of sixteen, independent of each other.
fn chains() -> [Box<dyn Case>; 2] {
    [
        solo(|i: u64| {
            let mut link = i;
            sixteen!(link = opaque(link.wrapping_mul(FACTOR)););
            link
        }),
        solo(|i: u64| {
            let mut last = 0;
            sixty_four!(
                let mut link = i;
                sixteen!(link = opaque(link.wrapping_mul(FACTOR)););
                last = opaque(last ^ link);
            );
            last
        }),
    ]
}

fn ns_per_op(case: &mut dyn Case, ops: u64, clock: &Clock) -> f64 {
    let batches = (0..BATCHES).map(|_| case.batch(ops, clock).elapsed_ns / ops as f64);
    batches.fold(f64::MAX, f64::min)
}

fn main() {
    let clock = Clock::open(ClockChoice::Best);
    let empty = loop_ns_per_op(&clock);
    println!("a turn of the loop around nothing: {empty:.3} ns\n");
    println!("operation                 unrolled  in the loop  less the empty turn");
    type Pair = fn() -> [Box<dyn Case>; 2];
    let kinds: [(&str, Pair); 3] = [
        ("multiply, dependent", dependent),
        ("multiply, independent", independent),
        ("chain of 16 multiplies", chains),
    ];
    for (name, kind) in kinds {
        let [mut one, mut many] = kind();
        let truth = ns_per_op(many.as_mut(), OPS / 64, &clock) / 64.0;
        let measured = ns_per_op(one.as_mut(), OPS, &clock);
        println!("{name:<24} {truth:>6.3} ns    {measured:>6.3} ns            {:>6.3} ns", measured - empty);
    }
}
