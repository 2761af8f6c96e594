//! Streams of words from one process to others (document 003): in bulk, without loss or with the oldest overwritten, looked
//! at without taking, counted: contract, table and what is timed. Bulk transfer between threads is in `ring_bulk`.

pub mod announced;
pub mod check;
pub mod moved_head;
pub mod named;
mod words;

pub use words::Shared;

use crate::ring_spsc::waiting::{OnePause, Wait};
use crate::ring_spsc::{CAPACITY, THROUGHPUT_BOUND};
use perfbench_harness::case::{Body, Case, Fact, processes};
use perfbench_harness::{Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// Words that a bulk operation moves.
pub const BULK: usize = 64;

/// A bounded stream of words with one writer and one reader, made as two sides.
pub trait Stream: 'static {
    /// Whether the reader takes nothing twice or out of order while it is overwritten.
    const OVERWRITES_SOUNDLY: bool = true;

    /// The only side that writes.
    type Writer: Write + Send + 'static;
    /// The only side that reads.
    type Reader: Read + Send + 'static;

    /// The two sides of a memory that each of them has.
    fn sides(memory: [Shared; 2]) -> (Self::Writer, Self::Reader);

    /// An empty stream with room for `capacity` words, a power of two, on the heap.
    fn on_heap(capacity: usize) -> (Self::Writer, Self::Reader) {
        Self::sides(words::on_heap(capacity))
    }

    /// The same in a mapping that forked processes share.
    ///
    /// # Errors
    /// What the kernel refused.
    fn mapped(capacity: usize) -> Result<(Self::Writer, Self::Reader), Unavailable> {
        words::mapped(capacity).map(Self::sides)
    }
}

/// The side that writes.
pub trait Write {
    /// Appends the first words, as many as there is room for; how many it was.
    fn push_bulk(&mut self, words: &[u64]) -> usize;

    /// Appends a word, in the place of the oldest where there is no room. Never waits.
    fn push_overwrite(&mut self, word: u64);

    /// Words written since the stream was made.
    fn total_written(&self) -> u64;
}

/// The side that reads.
pub trait Read {
    /// Takes the oldest words, as many as there are and fit; how many it was.
    fn pop_bulk(&mut self, into: &mut [u64]) -> usize;

    /// Copies the oldest words and leaves them.
    fn peek(&mut self, into: &mut [u64]) -> usize;

    /// Words that were overwritten before this side took them, as far as it has come; none where it cannot tell.
    fn lost(&self) -> Option<u64>;
}

/// Streams in a mapping of both processes.
pub static WORKLOAD: Workload = Workload {
    name: "shm_ring_buffer",
    about: "What does a stream of words between two processes gain by bulk, and does overwriting stay sound?",
    source: "003",
    points: &[
        point("one_by_one", "one word from a process to another, one push and one pop each", Suite::Default),
        point("bulk_64", "one word of 64 that are pushed and popped together", Suite::Default),
        point("overwrite", "one word written over the oldest, whatever the reader has taken", Suite::Default),
    ],
    variants: &[
        Variant {
            suite: Suite::Full,
            ..variant::<moved_head::MovedHead>("moved_head", moved_head::ABOUT, Role::Documented)
        },
        variant::<announced::Announced>("announced", announced::ABOUT, Role::Optimised),
    ],
};

const fn point(name: &'static str, about: &'static str, suite: Suite) -> Point {
    let size = CAPACITY as u64;
    Point { name, about, unit_of_work: "word", size, cpus: 2, bound: THROUGHPUT_BOUND, latency: false, suite }
}

const fn variant<S: Stream>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = check::check::<S>;
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build::<S>, check }
}

fn build<S: Stream>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    let (writer, reader) = S::mapped(CAPACITY)?;
    match setup.point.name {
        "one_by_one" => processes(cpus, 1.0, Sending::<_, 1>(writer), Receiving::<_, 1>(reader)),
        "bulk_64" => processes(cpus, BULK as f64, Sending::<_, BULK>(writer), Receiving::<_, BULK>(reader)),
        _ => processes(cpus, 1.0, Overwriting::<S> { writer, pushed: 0 }, Chasing(reader)),
    }
}

/// Pushes numbers, `WORDS` at a time.
struct Sending<W, const WORDS: usize>(W);

impl<W: Write, const WORDS: usize> Body for Sending<W, WORDS> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let words: [u64; WORDS] = std::array::from_fn(|word| i + word as u64);
        let (mut sent, mut waiting) = (self.0.push_bulk(&words), OnePause::default());
        while sent < WORDS {
            waiting.wait();
            sent += self.0.push_bulk(&words[sent..]);
        }
        i
    }
}

/// Pops as many.
struct Receiving<R, const WORDS: usize>(R);

impl<R: Read, const WORDS: usize> Body for Receiving<R, WORDS> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        let mut words = [0; WORDS];
        let (mut taken, mut waiting) = (self.0.pop_bulk(&mut words), OnePause::default());
        while taken < WORDS {
            waiting.wait();
            taken += self.0.pop_bulk(&mut words[taken..]);
        }
        words.iter().fold(0, |sum, word| sum ^ word)
    }
}

/// Overwrites without a look at the reader.
struct Overwriting<S: Stream> {
    writer: S::Writer,
    pushed: u64,
}

impl<S: Stream> Body for Overwriting<S> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        self.writer.push_overwrite(i);
        self.pushed += 1;
        i
    }

    /// What the writer has not counted, and what a reader beside another writer took wrong or missed without a count.
    fn facts(&mut self) -> Vec<Fact> {
        let chased = check::chase::<S>(check::CHASED);
        let uncounted = self.pushed.abs_diff(self.writer.total_written()) + chased.unaccounted;
        vec![
            Fact::new("uncounted_words", "words", uncounted as f64),
            Fact::new("misread_words", "words", chased.misread as f64),
            Fact::new("overwritten_words", "words", chased.lost as f64),
        ]
    }
}

/// Takes what it can get.
struct Chasing<R>(R);

impl<R: Read> Body for Chasing<R> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        let mut words = [0; BULK];
        std::hint::black_box(self.0.pop_bulk(&mut words));
        0
    }
}

#[cfg(test)]
mod tests;
