//! Bounded queues between two processes (document 003): table and what is timed. The contract and the timed bodies are
//! those of `ring_spsc`, so that a process can be compared with a thread.

pub mod cached_index;
pub mod check;
pub mod head_tail;
pub mod lifeline;
pub mod mpmc;
pub mod named;
pub mod pipe;
mod threads;
pub mod unix_seqpacket;
pub mod unix_socket;

use crate::ring_spsc::waiting::OnePause;
use crate::ring_spsc::{CAPACITY, HOP, Spsc, THROUGHPUT_BOUND, consume, echo, produce, send_and_receive};
use perfbench_harness::case::{Case, processes};
use perfbench_harness::{Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// The queues from one process to another, in memory that both had mapped before the fork.
pub static WORKLOAD: Workload = Workload {
    name: "shm_queue",
    about: "What does a message between two processes cost, and must it cost more than between threads?",
    source: "003",
    points: &[
        Point {
            name: "throughput",
            about: "one u64 from a process to another, the queue never idle",
            unit_of_work: "item",
            size: CAPACITY as u64,
            cpus: 2,
            bound: THROUGHPUT_BOUND,
            latency: false,
            suite: Suite::Default,
        },
        HOP,
    ],
    variants: &[
        variant::<head_tail::HeadTail>("head_tail", head_tail::ABOUT, Role::Documented),
        variant::<cached_index::CachedIndex>("cached_index", cached_index::ABOUT, Role::Optimised),
        Variant {
            build: threads::build,
            ..variant::<cached_index::CachedIndex>("threads", threads::ABOUT, Role::Baseline)
        },
        in_full(variant::<mpmc::Mpmc>("mpmc", mpmc::ABOUT, Role::Optimised)),
        variant::<unix_socket::UnixSocket>("unix_socket", unix_socket::ABOUT, Role::Peer),
        in_full(variant::<unix_seqpacket::UnixSeqpacket>(
            "unix_seqpacket",
            unix_seqpacket::ABOUT,
            Role::Peer,
        )),
        in_full(variant::<pipe::Pipe>("pipe", pipe::ABOUT, Role::Peer)),
    ],
};

const fn variant<S>(name: &'static str, about: &'static str, role: Role) -> Variant
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: Isa::NONE,
        build: build::<S>,
        check: check::between_processes::<S>,
    }
}

/// The same line, in the full suite alone.
const fn in_full(variant: Variant) -> Variant {
    Variant { suite: Suite::Full, ..variant }
}

fn build<S: Spsc<u64>>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    let (to, from) = S::ring(CAPACITY, 0)?;
    match setup.point.name {
        "throughput" => processes(cpus, 1.0, produce::<u64, OnePause>(to), consume::<u64, OnePause>(from)),
        _ => {
            let (back, home) = S::ring(CAPACITY, 0)?;
            processes(
                cpus,
                2.0,
                send_and_receive::<u64, OnePause>(to, home),
                echo::<u64, OnePause>(from, back),
            )
        }
    }
}

#[cfg(test)]
mod tests;
