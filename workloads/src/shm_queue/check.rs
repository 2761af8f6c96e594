//! The check of rings, and the same transfer once more from process to process.

use crate::ring_spsc::check::{carries, transfer};
use crate::ring_spsc::waiting::OnePause;
use crate::ring_spsc::{CAPACITY, Spsc, consume, produce};
use perfbench_harness::case::{fold, processes};
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::{Broken, Setup, Unavailable, ensure};

/// The check of queues between processes.
///
/// # Errors
/// The first difference from the oracle, or what the child process took out otherwise than it went in.
pub fn between_processes<S>(setup: &Setup<'_>) -> Result<(), Broken>
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    carries::<S, u64>(setup)?;
    carries_across_a_fork::<S>(setup)
}

/// Runs the timed bodies themselves: the child's checksum tells the order and content of what it popped.
fn carries_across_a_fork<S: Spsc<u64>>(setup: &Setup<'_>) -> Result<(), Broken> {
    let refused = |refusal: Unavailable| Broken(refusal.to_string());
    let cpus = setup.cpu_pair().map_err(refused)?;
    let (to, from) = S::ring(CAPACITY, 0).map_err(refused)?;
    let mut case = processes(cpus, 1.0, produce::<u64, OnePause>(to), consume::<u64, OnePause>(from))
        .map_err(refused)?;
    let items = transfer(CAPACITY);
    let carried = case.batch(items, &Clock::open(ClockChoice::Scripted(setup.seed))).checksum;
    let in_order = (0..items).fold(0, fold);
    let expected = in_order ^ in_order.rotate_left(32);
    ensure!(carried == expected, "across a fork: checksum {carried:016x}, not {expected:016x}");
    Ok(())
}
