//! The one check of all queues of many to many: with one handle a side it is a ring and is held to the check of rings;
//! with several, every item comes out once and those of a producer in its order.

use super::Mpmc;
use crate::ring_spsc::check::{CAPACITIES, carries, transfer};
use crate::ring_spsc::waiting::OnePause;
use crate::ring_spsc::{Pop, Push};
use crate::threads::{beside, together};
use perfbench_harness::{Broken, Setup, ensure};

/// Threads of each side: with three and three more than most machines for tests have CPUs.
const SIDES: usize = 3;

/// The check.
///
/// # Errors
/// The first difference.
pub fn check<Q: Mpmc<u64>>(setup: &Setup<'_>) -> Result<(), Broken> {
    carries::<Q, u64>(setup)?;
    for capacity in CAPACITIES {
        carries_among_many::<Q>(capacity)?;
        shrinks_to_one::<Q>(capacity)?;
    }
    Ok(())
}

/// An item that tells who pushed it, and as which.
fn item(producer: usize, index: u64) -> u64 {
    (producer as u64) << 32 | index
}

/// Several producers push numbered items, several consumers pop as many in all.
///
/// # Errors
/// An item that was lost, came twice, or out of its producer's order.
pub fn carries_among_many<Q: Mpmc<u64>>(capacity: usize) -> Result<(), Broken> {
    let each = transfer(capacity) / SIDES as u64;
    let (to, from) = Q::ring(capacity, 0).map_err(|refused| Broken(refused.to_string()))?;
    let produce = |producer: usize| {
        let mut to = to.clone();
        move || (0..each).for_each(|index| to.push::<OnePause>(item(producer, index)))
    };
    let consume = |_| {
        let mut from = from.clone();
        move || (0..each).map(|_| from.pop::<OnePause>()).collect::<Vec<u64>>()
    };
    let producers: Vec<_> = (0..SIDES).map(produce).collect();
    let (_, taken) = beside(move || together(producers), || together((0..SIDES).map(consume)));
    ensure!(from.is_empty(), "capacity {capacity}: more came out than went in");
    taken.iter().try_for_each(|taken| in_order(taken))?;
    let mut all = taken.concat();
    all.sort_unstable();
    let pushed = (0..SIDES).flat_map(|producer| (0..each).map(move |index| item(producer, index)));
    ensure!(all.iter().copied().eq(pushed), "capacity {capacity}: items were lost or came twice");
    Ok(())
}

/// Items of each producer must rise.
fn in_order(taken: &[u64]) -> Result<(), Broken> {
    for producer in 0..SIDES as u64 {
        let own: Vec<u64> = taken.iter().copied().filter(|item| item >> 32 == producer).collect();
        ensure!(own.is_sorted_by(|a, b| a < b), "items of producer {producer} came out of order");
    }
    Ok(())
}

/// Handles that come and go: after each round one of a side is left, which goes on where the others stopped.
///
/// # Errors
/// The first item that is not the one that was due.
fn shrinks_to_one<Q: Mpmc<u64>>(capacity: usize) -> Result<(), Broken> {
    let (mut to, mut from) = Q::ring(capacity, 0).map_err(|refused| Broken(refused.to_string()))?;
    for round in 0..capacity.min(64) as u64 {
        let (mut other_to, mut other_from) = (to.clone(), from.clone());
        let (_, first) =
            beside(move || other_to.push::<OnePause>(2 * round), move || other_from.pop::<OnePause>());
        to.push::<OnePause>(2 * round + 1);
        let got = [first, from.pop::<OnePause>()];
        ensure!(got == [2 * round, 2 * round + 1], "round {round}: {got:?} came out");
    }
    ensure!(from.try_pop().is_none(), "capacity {capacity}: more came out than went in");
    Ok(())
}
