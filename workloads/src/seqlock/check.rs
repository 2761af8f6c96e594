//! The one check of all versioned states: against a plain copy, then under threads, where every word of a read must belong
//! to one write and no reader may go back.

use super::{Read, State, Versioned, Write, state_of};
use crate::threads::{beside, together};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};

/// Writes under threads: many thousands, few where every step is interpreted.
const WRITES: u64 = if cfg!(miri) { 40 } else { 50_000 };

/// The check.
///
/// # Errors
/// The first read that no write explains.
pub fn check<V: Versioned>(setup: &Setup<'_>) -> Result<(), Broken> {
    agrees_with_a_copy::<V>(setup.seed)?;
    is_read_whole::<V>(2)
}

/// Random states and those of extreme words, each read back by two readers.
fn agrees_with_a_copy<V: Versioned>(seed: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let (mut writer, reader) = V::new(state_of(3));
    let other = reader.clone();
    ensure!(reader.read() == state_of(3), "the first state is {:?}", reader.read());
    for index in 0..if cfg!(miri) { 10 } else { 1000 } {
        let state: State = match index % 4 {
            0 => [0; super::WORDS],
            1 => [u64::MAX; super::WORDS],
            _ => std::array::from_fn(|_| random.bits()),
        };
        writer.write(state);
        let came = [reader.read(), other.read(), reader.read()];
        ensure!(came == [state; 3], "write {index}: {state:?} was read as {came:?}");
    }
    Ok(())
}

/// One writer counts up while readers hold every state that they see to its first word and to the one before.
fn is_read_whole<V: Versioned>(readers: usize) -> Result<(), Broken> {
    let (mut writer, reader) = V::new(state_of(0));
    let read = |_| {
        let reader = reader.clone();
        move || read_to_the_end(&reader)
    };
    let write = || (1..=WRITES).for_each(|n| writer.write(state_of(n)));
    let reading: Vec<_> = (0..readers).map(read).collect();
    beside(move || together(reading), write).0.into_iter().collect()
}

fn read_to_the_end(reader: &impl Read) -> Result<(), Broken> {
    let mut last = 0;
    // Enough reads to outlast any schedule: a state that never comes is a fault, not a wait.
    for _ in 0..1_000_000_000u64 {
        let state = reader.read();
        ensure!(state == state_of(state[0]), "a torn state: {state:?}");
        ensure!(state[0] >= last, "state {} was read after state {last}", state[0]);
        last = state[0];
        if last == WRITES {
            return Ok(());
        }
        if cfg!(miri) {
            std::thread::yield_now();
        }
    }
    Err(Broken(format!("state {WRITES} never came, the last was {last}")))
}
