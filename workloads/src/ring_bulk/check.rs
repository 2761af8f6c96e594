//! The one check of rings in bulk: against a `VecDeque`, batch by batch and by look alone, then from thread to thread.

use super::{Bulk, Read, Timed, Write};
use crate::ring_spsc::check::{CAPACITIES, transfer};
use crate::ring_spsc::payload::{Block, Item};
use crate::ring_spsc::waiting::{OnePause, Wait};
use crate::threads::beside;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::collections::VecDeque;

/// The check, for numbers and for whole lines.
///
/// # Errors
/// The first difference from the oracle.
pub fn check<B: Timed>(setup: &Setup<'_>) -> Result<(), Broken> {
    carries::<B, u64>(setup.seed)?;
    carries::<B, Block>(setup.seed)
}

fn carries<B: Bulk<T>, T: Item>(seed: u64) -> Result<(), Broken> {
    for capacity in CAPACITIES {
        agrees_with_a_deque::<B, T>(capacity, &mut Random::new(seed))?;
        carries_across_threads::<B, T>(capacity, &mut Random::new(seed))?;
    }
    Ok(())
}

/// Batches of every length up to more than fit.
fn agrees_with_a_deque<B: Bulk<T>, T: Item>(capacity: usize, random: &mut Random) -> Result<(), Broken> {
    let mut length = || random.below(capacity as u64 + 3) as usize;
    let rounds = if cfg!(miri) { 10 } else { 200 };
    agrees::<B, T>(capacity, &mut (0..rounds).map(|_| (length(), length())))
}

/// Batches of these lengths to be written, by copy and in place by turns, each followed by one to be read.
///
/// # Errors
/// The first difference from the oracle.
pub(super) fn agrees<B: Bulk<T>, T: Item>(
    capacity: usize,
    batches: &mut dyn Iterator<Item = (usize, usize)>,
) -> Result<(), Broken> {
    let (mut writer, mut reader) = B::ring(capacity).map_err(|refused| Broken(refused.to_string()))?;
    let (mut oracle, mut total) = (VecDeque::new(), 0);
    for (round, (wanted, asked)) in batches.enumerate() {
        let items: Vec<T> = (0..wanted as u64).map(|index| T::of(total + index)).collect();
        let written = match round % 2 {
            0 => writer.push_bulk(&items),
            _ => writer.write(wanted, |index| items[index]),
        };
        let free = |holds: usize| holds.saturating_sub(oracle.len()).min(wanted);
        let (least, most) = (free(*B::holds(capacity).start()), free(*B::holds(capacity).end()));
        ensure!((least..=most).contains(&written), "capacity {capacity}: {written} of {wanted} written");
        total += written as u64;
        oracle.extend(&items[..written]);
        ensure!(writer.total_written() == total, "capacity {capacity}: {} written", writer.total_written());
        reads_alike(&mut reader, &mut oracle, asked)?;
    }
    reads_alike(&mut reader, &mut oracle, 3 * capacity)?;
    ensure!(oracle.is_empty(), "capacity {capacity}: items were lost");
    Ok(())
}

/// What the reader shows and takes is what the oracle holds. A look may end where the row does.
fn reads_alike<T: Item>(
    reader: &mut impl Read<T>,
    oracle: &mut VecDeque<T>,
    asked: usize,
) -> Result<(), Broken> {
    let due: Vec<T> = oracle.iter().take(asked).copied().collect();
    for _ in 0..2 {
        let mut seen = Vec::new();
        let count = reader.peek(asked, |item| seen.push(*item));
        ensure!(count == seen.len() && due.starts_with(&seen), "a look shows {seen:?}, not {due:?}");
        ensure!(seen.is_empty() == due.is_empty(), "a look shows nothing of {} items", due.len());
    }
    let (half, mut taken) = (due.len() / 2, vec![T::of(0); due.len()]);
    let copied = reader.pop_bulk(&mut taken[..half]);
    let mut rest = Vec::new();
    let read = reader.read(asked - half, |item| rest.push(*item));
    taken.truncate(copied);
    taken.extend(&rest);
    ensure!(copied == half && read == rest.len() && taken == due, "took {taken:?}, not {due:?}");
    oracle.drain(..due.len());
    Ok(())
}

/// Random batches on both sides; the reader knows every item.
fn carries_across_threads<B: Bulk<T>, T: Item>(capacity: usize, random: &mut Random) -> Result<(), Broken> {
    let (mut writer, mut reader) = B::ring(capacity).map_err(|refused| Broken(refused.to_string()))?;
    let (items, most) = (transfer(capacity), 1 + random.below(capacity as u64) as usize);
    let send = move || {
        let (mut next, mut waiting) = (0, OnePause::default());
        while next < items {
            let now = writer.write(most.min((items - next) as usize), |index| T::of(next + index as u64));
            next += now as u64;
            if now == 0 { waiting.wait() } else { waiting = OnePause::default() }
        }
    };
    let receive = || {
        let (mut next, mut wrong, mut waiting) = (0, None, OnePause::default());
        while next < items {
            let now = reader.read(most + 1, |item| {
                if *item != T::of(next) {
                    wrong = wrong.or(Some((next, *item)));
                }
                next += 1;
            });
            if now == 0 { waiting.wait() } else { waiting = OnePause::default() }
        }
        ensure!(wrong.is_none(), "capacity {capacity}: item and what came: {wrong:?}");
        Ok(())
    };
    beside(send, receive).1
}
