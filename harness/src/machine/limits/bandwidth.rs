//! One thread against memory beyond the caches: reading, filling, copying. A figure that no core could reach means that
//! the work was not done, and is refused.

use super::mapping::{Mapping, Pages};
use super::repeat::{Gauge, Timed, fastest};
use super::{Bench, Way, chain};
use crate::Isa;
use crate::case::{Case, solo};
use crate::unavailable::{Reason, Unavailable};
use std::ops::Range;

/// What is read and copied is gone over in so many chunks, each about the last cache and short against a scheduler's tick.
/// A fill takes the whole: the C library writes past the caches only for blocks far larger than they are.
const CHUNKS: usize = 4;

/// How often a visit goes over all of them.
const PASSES: usize = 2;

pub fn read(bench: &Bench) -> Result<Way, Unavailable> {
    stream(bench, CHUNKS, |size_bytes| {
        let (mut memory, mut chunks) = (touched(size_bytes)?, chunks(size_bytes));
        Ok(solo(move |_| memory.words()[chunks(8)].iter().fold(0, |sum: u64, word| sum.wrapping_add(*word))))
    })
}

pub fn write(bench: &Bench) -> Result<Way, Unavailable> {
    stream(bench, 1, |size_bytes| {
        let mut memory = touched(size_bytes)?;
        Ok(solo(move |_| {
            let bytes = memory.bytes();
            bytes.fill(2);
            u64::from(bytes[0])
        }))
    })
}

pub fn copy(bench: &Bench) -> Result<Way, Unavailable> {
    stream(bench, CHUNKS, |size_bytes| {
        let (mut from, mut to, mut chunks) = (touched(size_bytes)?, touched(size_bytes)?, chunks(size_bytes));
        Ok(solo(move |_| {
            let chunk = chunks(1);
            let copied = &mut to.bytes()[chunk.clone()];
            copied.copy_from_slice(&from.bytes()[chunk]);
            u64::from(copied[0])
        }))
    })
}

/// Goes from chunk to chunk, round and round, each as a range in units of so many bytes.
fn chunks(size_bytes: usize) -> impl FnMut(usize) -> Range<usize> {
    let mut at = 0;
    move |unit_bytes| {
        let (start, chunk_bytes) = (at, size_bytes / CHUNKS);
        at = (at + chunk_bytes) % size_bytes;
        start / unit_bytes..(start + chunk_bytes) / unit_bytes
    }
}

/// Four times the last cache, but no more than 128 MiB or an eighth of the memory, so that the run stays short.
fn size_bytes(bench: &Bench) -> usize {
    let last = (1..=3).rev().find_map(|level| bench.machine.cache(level)).map_or(32 << 20, |c| c.size_bytes);
    let most = (bench.machine.memory_bytes / 8).min(128 << 20);
    (4 * last).min(most).max(8 << 20) as usize & !0x1f_ffff
}

fn touched(size_bytes: usize) -> Result<Mapping, Unavailable> {
    let mut memory = Mapping::new(size_bytes, Pages::Huge)?;
    memory.bytes().fill(1);
    Ok(memory)
}

/// A body over `size_bytes` that goes over a chunk of it an operation.
type Make = fn(usize) -> Result<Box<dyn Case>, Unavailable>;

/// Bytes per nanosecond, over memory that is mapped afresh for every visit: which pages one gets moves the figure.
struct Stream {
    make: Make,
    chunks: usize,
    size_bytes: usize,
    most_per_ns: f64,
}

fn stream(bench: &Bench, chunks: usize, make: Make) -> Result<Way, Unavailable> {
    let cycle_ns = Timed::new(chain::adds(), chain::LINKS, bench.clock).fastest_ns(bench.clock);
    let most_per_ns = most_per_ns(cycle_ns, vector_bytes(bench.machine.isa()));
    Ok(Way::visits(Stream { make, chunks, size_bytes: size_bytes(bench), most_per_ns }))
}

impl Gauge for Stream {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let mut case = (self.make)(self.size_bytes)?;
        let ns = fastest(&mut *case, 1, PASSES * self.chunks, bench.clock);
        believable((self.size_bytes / self.chunks) as f64 / ns, self.most_per_ns)
    }

    fn note(&self, _: f64) -> Option<String> {
        let mebibytes = self.size_bytes >> 20;
        Some(format!("the fastest {} of {mebibytes} MiB at each visit", mebibytes / self.chunks))
    }
}

/// Two vector loads a cycle are the most that any core does.
fn most_per_ns(cycle_ns: f64, vector_bytes: f64) -> f64 {
    2.0 * vector_bytes / cycle_ns
}

fn believable(per_ns: f64, most_per_ns: f64) -> Result<f64, Unavailable> {
    if per_ns <= most_per_ns {
        return Ok(per_ns);
    }
    let detail = format!("{per_ns:.0} GB/s is impossible: two vectors a cycle are {most_per_ns:.0}");
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

    #[test]
    fn a_bandwidth_beyond_two_vectors_a_cycle_is_refused() {
        assert!(believable(500.0, most_per_ns(0.25, 64.0)).is_ok());
        let refused = believable(9_362_000.0, most_per_ns(0.25, 64.0));
        assert_eq!(refused.err().unwrap().reason, Reason::Broke);
        assert!(believable(200.0, most_per_ns(0.25, 16.0)).is_err());
    }
}
