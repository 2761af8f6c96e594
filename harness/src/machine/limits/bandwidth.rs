//! One thread against memory beyond the caches: reading, filling, copying. A figure that no core could reach means that
//! the work was not done, and is refused.

use super::mapping::{Mapping, Pages};
use super::repeat::spread;
use super::{Bench, Found};
use crate::Isa;
use crate::case::{Case, solo};
use crate::unavailable::{Reason, Unavailable};

/// Repeats, each the fastest of a few passes over the memory.
const REPEATS: usize = 5;
const PASSES: usize = 3;

pub fn read(bench: &Bench) -> Result<Found, Unavailable> {
    let mut memory = touched(size_bytes(bench))?;
    stream(bench, move |_| memory.words().iter().fold(0, |sum: u64, word| sum.wrapping_add(*word)))
}

pub fn write(bench: &Bench) -> Result<Found, Unavailable> {
    let mut memory = touched(size_bytes(bench))?;
    stream(bench, move |pass| {
        let bytes = memory.bytes();
        bytes.fill(pass as u8);
        u64::from(bytes[bytes.len() / 2])
    })
}

pub fn copy(bench: &Bench) -> Result<Found, Unavailable> {
    let size_bytes = size_bytes(bench);
    let (mut from, mut to) = (touched(size_bytes)?, touched(size_bytes)?);
    stream(bench, move |_| {
        to.bytes().copy_from_slice(from.bytes());
        u64::from(to.bytes()[size_bytes / 2])
    })
}

/// Four times the last cache, but no more than 128 MiB or an eighth of the memory, so that the run stays short.
fn size_bytes(bench: &Bench) -> usize {
    let last = (1..=3).rev().find_map(|level| bench.machine.cache(level)).map_or(32 << 20, |c| c.size_bytes);
    let most = (bench.machine.memory_bytes / 8).clamp(8 << 20, 128 << 20);
    (4 * last).min(most) as usize & !0x1f_ffff
}

fn touched(size_bytes: usize) -> Result<Mapping, Unavailable> {
    let mut memory = Mapping::new(size_bytes, Pages::Huge)?;
    memory.bytes().fill(1);
    Ok(memory)
}

/// Bytes per nanosecond of a body that goes over the whole memory once an operation.
fn stream(bench: &Bench, pass: impl FnMut(u64) -> u64 + 'static) -> Result<Found, Unavailable> {
    let size_bytes = size_bytes(bench);
    let mut case = solo(pass);
    case.batch(1, bench.clock);
    let repeats: Vec<f64> = (0..REPEATS).map(|_| size_bytes as f64 / fastest_ns(&mut *case, bench)).collect();
    let found = Found::new(spread(&repeats)).noted(format!("over {} MiB", size_bytes >> 20));
    believable(found, super::chain::clock_add(bench)?.value.value, vector_bytes(bench.machine.isa()))
}

fn fastest_ns(case: &mut dyn Case, bench: &Bench) -> f64 {
    (0..PASSES).map(|_| case.batch(1, bench.clock).elapsed_ns).fold(f64::INFINITY, f64::min)
}

/// Two vector loads a cycle are the most that any core does.
fn believable(found: Found, cycle_ns: f64, vector_bytes: f64) -> Result<Found, Unavailable> {
    let most = 2.0 * vector_bytes / cycle_ns;
    if found.value.value <= most {
        return Ok(found);
    }
    let detail = format!("{:.0} GB/s is impossible: two vectors a cycle are {most:.0}", found.value.value);
    Err(Unavailable::new(Reason::Broke, detail))
}

fn vector_bytes(isa: Isa) -> f64 {
    match isa {
        isa if isa.contains(Isa::AVX512F) => 64.0,
        isa if isa.contains(Isa::AVX2) => 32.0,
        _ => 16.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::interval::Interval;

    #[test]
    fn a_bandwidth_beyond_two_vectors_a_cycle_is_refused() {
        let found = |value| Found::new(Interval::exact(value));
        assert!(believable(found(500.0), 0.25, 64.0).is_ok());
        assert_eq!(believable(found(9_362_000.0), 0.25, 64.0).err().unwrap().reason, Reason::Broke);
        assert!(believable(found(200.0), 0.25, 16.0).is_err());
    }
}
