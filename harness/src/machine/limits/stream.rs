//! Core to core at best: words streamed through a ring that the caches hold, handed over a chunk at a time with one store.
//! What a queue of items adds to it is the workloads' affair.

use super::repeat::Gauge;
use super::{Bench, Found, Way};
use crate::case::placement::is_far;
use crate::case::{Body, pair};
use crate::unavailable::{Reason, Unavailable};
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Words of the ring: 8 KiB, a part of every first-level cache.
const WORDS: usize = 1024;

/// Words that are handed over at a time: which of them is fastest depends on the machine and on the episode.
const CHUNKS: [usize; 4] = [WORDS / 2, WORDS / 4, WORDS / 8, WORDS / 16];

/// What one batch streams: long against the start of two threads, short against a scheduler's tick.
const BATCH_BYTES: usize = 4 << 20;

pub fn line_stream(bench: &Bench) -> Result<Way, Unavailable> {
    let &[lead, follow, ..] = bench.cpus else {
        let detail = format!("needs 2 CPUs; the run may use {}", bench.cpus.len());
        return Err(Unavailable::new(Reason::TooFewCores, detail));
    };
    Ok(Way::visits(Streams { cpus: [lead, follow], bounces_ns: Vec::new() }))
}

/// The two CPUs, and the line bounce around each visit: virtual cores wander.
struct Streams {
    cpus: [usize; 2],
    bounces_ns: Vec<f64>,
}

impl Gauge for Streams {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let chunks = CHUNKS.map(|chunk| stream(self.cpus, chunk, bench));
        self.bounces_ns.push(chunks.iter().map(|(_, bounce_ns)| *bounce_ns).fold(0.0, f64::max));
        Ok(chunks.iter().map(|(bytes_per_ns, _)| *bytes_per_ns).fold(0.0, f64::max))
    }

    fn found(&self, visits: &[f64]) -> Found {
        let (kept, class) = commoner(visits, &self.bounces_ns);
        let [lead, follow] = self.cpus;
        let note = format!(
            "CPU {lead} to {follow}: {class} in {} of {} visits; the fastest of chunks of {} to {} bytes through {} KiB",
            kept.len(),
            visits.len(),
            8 * CHUNKS[CHUNKS.len() - 1],
            8 * CHUNKS[0],
            8 * WORDS / 1024
        );
        Found::of(&kept).noted(note)
    }
}

/// The visits of the commoner class and its name; the others are never mixed in.
fn commoner(visits: &[f64], bounces_ns: &[f64]) -> (Vec<f64>, &'static str) {
    let nearest_ns = bounces_ns.iter().copied().fold(f64::INFINITY, f64::min);
    let (far, near): (Vec<_>, Vec<_>) =
        visits.iter().zip(bounces_ns).partition(|(_, bounce_ns)| is_far(**bounce_ns, nearest_ns));
    let (kept, class) = if far.len() > near.len() { (far, "far") } else { (near, "near") };
    (kept.into_iter().map(|(bytes_per_ns, _)| *bytes_per_ns).collect(), class)
}

/// Bytes per nanosecond by chunks of so many words, and the slower of the bounces before and after.
fn stream(cpus: [usize; 2], chunk: usize, bench: &Bench) -> (f64, f64) {
    let (source, sink) = ring(chunk);
    let mut case = pair(cpus, 1.0, source, sink);
    let ops = BATCH_BYTES / (8 * chunk);
    let batch = case.batch(ops as u64, bench.clock);
    let bounce = batch.bounce.expect("a pair is bracketed by bounces");
    (BATCH_BYTES as f64 / batch.elapsed_ns, bounce.before_ns.max(bounce.after_ns))
}

/// An index on lines of its own: two of 64 bytes, because some CPUs fetch lines in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

/// Words, and how many were written and read so far.
struct Ring {
    words: UnsafeCell<[u64; WORDS]>,
    written: Line,
    read: Line,
}

// SAFETY: the source is at words that the sink has read, the sink at those that were written, each told by an index.
unsafe impl Sync for Ring {}

impl Ring {
    /// The words of the chunk that begins at index `at`.
    fn range(at: u64, chunk: usize) -> Range<usize> {
        let first = at as usize % WORDS;
        first..first + chunk
    }
}

/// One end of the stream: how far it has come itself, and how far it knows the other to be.
struct End {
    ring: Arc<Ring>,
    chunk: usize,
    own: u64,
    other: u64,
}

/// The end that writes.
struct Source(End);

/// The end that reads.
struct Sink(End);

fn ring(chunk: usize) -> (Source, Sink) {
    let words = UnsafeCell::new([0; WORDS]);
    let ring = Arc::new(Ring { words, written: Line::default(), read: Line::default() });
    let end = || End { ring: ring.clone(), chunk, own: 0, other: 0 };
    (Source(end()), Sink(end()))
}

impl Body for Source {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let Self(End { ring, chunk, own, other }) = self;
        let after = *own + *chunk as u64;
        // Acquire: the sink is done with the words; pairs with its Release.
        *other = wait(*other, after.saturating_sub(WORDS as u64), || ring.read.0.load(Ordering::Acquire));
        let range = Ring::range(*own, *chunk);
        // SAFETY: the range ends within the words, because chunks divide their number.
        let first = unsafe { ring.words.get().cast::<u64>().add(range.start) };
        // SAFETY: the sink has read these words and looks again only after the store below.
        unsafe { std::slice::from_raw_parts_mut(first, range.len()) }.fill(i);
        *own = after;
        // Release hands the words over; pairs with the sink's Acquire.
        ring.written.0.store(after, Ordering::Release);
        i
    }
}

impl Body for Sink {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        let Self(End { ring, chunk, own, other }) = self;
        let after = *own + *chunk as u64;
        // Acquire: the words are written; pairs with the source's Release.
        *other = wait(*other, after, || ring.written.0.load(Ordering::Acquire));
        let range = Ring::range(*own, *chunk);
        // SAFETY: the range ends within the words, because chunks divide their number.
        let first = unsafe { ring.words.get().cast::<u64>().add(range.start) };
        // SAFETY: the source has written these words and comes back only after the store below.
        let words = unsafe { std::slice::from_raw_parts(first, range.len()) };
        let sum = words.iter().fold(0, |sum: u64, word| sum.wrapping_add(*word));
        *own = after;
        // Release hands the words back; pairs with the source's Acquire.
        ring.read.0.store(after, Ordering::Release);
        sum
    }
}

/// How far the other end is, once that is at least `enough`; it is asked only where `known` is less.
#[inline(always)]
fn wait(known: u64, enough: u64, ask: impl Fn() -> u64) -> u64 {
    let (mut known, mut asked) = (known, 0);
    while known < enough {
        known = ask();
        asked += 1;
        if asked < 10_000 { spin_loop() } else { std::thread::yield_now() }
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::clock::{Clock, ClockChoice};

    #[test]
    fn every_word_arrives_by_every_chunk() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        for chunk in CHUNKS {
            let (source, mut sink) = ring(chunk);
            let sent = Arc::clone(&sink.0.ring);
            let checked = move |i| {
                assert_eq!(sink.op(i), i * chunk as u64);
                i
            };
            let mut case: Box<dyn Case> = pair([0, 1], 1.0, source, checked);
            case.batch(50, &clock);
            assert_eq!(sent.read.0.load(Ordering::Relaxed), 50 * chunk as u64);
        }
    }

    #[test]
    fn the_rarer_class_is_left_out() {
        let (kept, class) = commoner(&[25.0, 6.0, 26.0], &[40.0, 220.0, 42.0]);
        assert_eq!((kept, class), (vec![25.0, 26.0], "near"));
        let (kept, class) = commoner(&[25.0, 6.0, 5.0], &[40.0, 220.0, 230.0]);
        assert_eq!((kept, class), (vec![6.0, 5.0], "far"));
    }
}
