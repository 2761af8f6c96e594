//! The check of arrays: every element holds what was written last, and beside a writer no reader sees a mixture or goes back.

use super::{Array, Read, Write};
use crate::seqlock::{State, state_of};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::thread;

/// The smallest, and some.
const ELEMENTS: [usize; 3] = [1, 2, 9];

/// Writes of each element beside readers.
const LAPS: u64 = if cfg!(miri) { 10 } else { 20_000 };

/// The whole check.
///
/// # Errors
/// The first broken promise.
pub fn check<A: Array>(setup: &Setup<'_>) -> Result<(), Broken> {
    ELEMENTS.iter().try_for_each(|&elements| {
        agrees_with_a_vector::<A>(elements, setup.seed)?;
        reads_whole_beside_a_writer::<A>(elements)
    })
}

fn agrees_with_a_vector<A: Array>(elements: usize, seed: u64) -> Result<(), Broken> {
    let (mut writer, reader) = A::on_heap(elements);
    let (mut oracle, mut random) = (vec![State::default(); elements], Random::new(seed));
    for step in 0..100 {
        for (index, expected) in oracle.iter().enumerate() {
            let found = reader.try_read(index);
            ensure!(found == Some(*expected), "step {step}, element {index}: {found:?}, not {expected:?}");
        }
        let index = random.below(elements as u64) as usize;
        oracle[index] = std::array::from_fn(|_| random.bits());
        writer.write(index, oracle[index]);
    }
    Ok(())
}

fn reads_whole_beside_a_writer<A: Array>(elements: usize) -> Result<(), Broken> {
    let (mut writer, reader) = A::on_heap(elements);
    (0..elements).for_each(|index| writer.write(index, state_of(0)));
    thread::scope(|scope| {
        let readers = [reader.clone(), reader].map(|reader| scope.spawn(move || read_all(&reader, elements)));
        for lap in 1..=LAPS {
            (0..elements).for_each(|index| writer.write(index, state_of(lap)));
        }
        readers.into_iter().try_for_each(|thread| thread.join().expect("a reader only compares"))
    })
}

fn read_all(reader: &impl Read, elements: usize) -> Result<(), Broken> {
    let mut seen = vec![0; elements];
    while seen.iter().any(|lap| *lap < LAPS) {
        for (index, lap) in seen.iter_mut().enumerate() {
            let Some(state) = reader.try_read(index) else { continue };
            ensure!(state == state_of(state[0]), "element {index} is a mixture: {state:?}");
            ensure!(state[0] >= *lap, "element {index} went back from {lap} to {}", state[0]);
            *lap = state[0];
        }
        thread::yield_now();
    }
    Ok(())
}
