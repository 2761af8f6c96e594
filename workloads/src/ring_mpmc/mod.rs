//! Bounded queues between many producers and many consumers: contract, table, and what is timed. Rings between one and
//! one are in `ring_spsc`, whose sides these share.

pub mod biased;
pub mod check;
mod crossbeam_array;
mod crossbeam_channel;
pub mod lanes;
mod locked_deque;
pub mod sequenced;
pub mod slots;

use crate::ring_spsc::waiting::OnePause;
use crate::ring_spsc::{CAPACITY, Pop, Push, Spsc, THROUGHPUT_BOUND, consume, produce, send_and_receive};
use crossbeam_array::CrossbeamArray;
use crossbeam_channel::CrossbeamChannel;
use locked_deque::LockedDeque;
use perfbench_harness::case::{Body, Case, fleet, pair, solo};
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// A bounded first-in-first-out queue each side of which may have many handles, one for a thread. Items of one producer
/// come out in the order in which it pushed them.
pub trait Mpmc<T>: Spsc<T, Producer: Clone + Send, Consumer: Clone + Send> {}

impl<T, S: Spsc<T, Producer: Clone + Send, Consumer: Clone + Send>> Mpmc<T> for S {}

/// The queues of many to many.
pub static WORKLOAD: Workload = Workload {
    name: "ring_mpmc",
    about: "What does it cost that many may push and many may pop, also while only one does?",
    source: "003",
    points: &[
        Point {
            name: "throughput",
            about: "one u64 from a thread to another, the queue never idle: one handle a side",
            unit_of_work: "item",
            size: CAPACITY as u64,
            cpus: 2,
            bound: THROUGHPUT_BOUND,
            latency: false,
            suite: Suite::Default,
        },
        Point {
            name: "contenders",
            about: "each of two threads pushes a u64 and pops one, of whichever thread",
            unit_of_work: "push+pop",
            size: CAPACITY as u64,
            cpus: 2,
            bound: Ok(Bound {
                limit: "atomic_rmw",
                times: 4.0,
                why: "a position of each end is drawn by an atomic addition, for two threads one after the other",
            }),
            latency: true,
            suite: Suite::Default,
        },
        Point {
            name: "same_thread",
            about: "push a u64 and pop it on one thread: one handle a side",
            unit_of_work: "push+pop",
            size: CAPACITY as u64,
            cpus: 1,
            bound: Ok(Bound {
                limit: "clock_add",
                times: 1.0,
                why: "each position grows by one dependent add an item",
            }),
            latency: false,
            suite: Suite::Full,
        },
    ],
    variants: &[
        variant::<LockedDeque>("locked_deque", locked_deque::ABOUT, Role::Baseline, Suite::Default),
        variant::<sequenced::Sequenced>("sequenced", sequenced::ABOUT, Role::Documented, Suite::Full),
        variant::<biased::Biased>("biased", biased::ABOUT, Role::Optimised, Suite::Default),
        variant::<lanes::Lanes>("lanes", lanes::ABOUT, Role::Optimised, Suite::Default),
        variant::<CrossbeamArray>("crossbeam_array", crossbeam_array::ABOUT, Role::Peer, Suite::Default),
        variant::<CrossbeamChannel>("crossbeam_channel", crossbeam_channel::ABOUT, Role::Peer, Suite::Full),
    ],
};

const fn variant<Q: Mpmc<u64>>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant {
    Variant { name, about, role, suite, needs: Isa::NONE, build: build::<Q>, check: check::check::<Q> }
}

fn build<Q: Mpmc<u64>>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (to, from) = Q::ring(CAPACITY, 0)?;
    match setup.point.name {
        "same_thread" => Ok(solo(send_and_receive::<u64, OnePause>(to, from))),
        "throughput" => {
            Ok(pair(setup.cpu_pair()?, 1.0, produce::<u64, OnePause>(to), consume::<u64, OnePause>(from)))
        }
        _ => {
            let other = contender(to.clone(), from.clone());
            Ok(fleet(&setup.cpu_pair()?, vec![contender(to, from), other]))
        }
    }
}

fn contender(to: impl Push<u64> + Send + 'static, from: impl Pop<u64> + Send + 'static) -> impl Body + Send {
    send_and_receive::<u64, OnePause>(to, from)
}

#[cfg(test)]
mod tests;
