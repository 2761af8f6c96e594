//! The same ring in the same kind of mapping with its other side on a thread: what a process is compared with, and where
//! the system calls of both sides are counted.

use super::cached_index::CachedIndex;
use crate::ring_spsc::waiting::OnePause;
use crate::ring_spsc::{self, CAPACITY, Spsc};
use perfbench_harness::case::{Case, pair};
use perfbench_harness::{Setup, Unavailable};

/// What it is, for the table.
pub const ABOUT: &str = "the optimised ring, mapped, between two threads";

/// Two threads at the points of processes.
pub fn build(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    let (to, from) = CachedIndex::ring(CAPACITY, 0)?;
    match setup.point.name {
        "throughput" => Ok(pair(
            cpus,
            1.0,
            ring_spsc::produce::<u64, OnePause>(to),
            ring_spsc::consume::<u64, OnePause>(from),
        )),
        _ => {
            let (back, home) = CachedIndex::ring(CAPACITY, 0)?;
            Ok(pair(
                cpus,
                2.0,
                ring_spsc::send_and_receive::<u64, OnePause>(to, home),
                ring_spsc::echo::<u64, OnePause>(from, back),
            ))
        }
    }
}
