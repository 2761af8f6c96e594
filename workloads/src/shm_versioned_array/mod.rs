//! An array in shared memory that one process writes and others read whole, element by element (document 003): contract,
//! table and what is timed. One value between threads is in `seqlock`.

pub mod check;
pub mod element_version;
pub mod global_version;
pub mod named;

use crate::seqlock::{State, WORDS, state_of};
use perfbench_harness::case::{Body, Case, Fact, processes, solo};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::hint::black_box;

/// Elements of an array that is timed: with their versions 64 KiB, which no core reads from its first cache alone.
pub const ELEMENTS: usize = 1024;

/// An array that is made as its only writer and a first reader; an element holds [`State`].
pub trait Array: 'static {
    /// The side that writes.
    type Writer: Write + Send + 'static;
    /// A side that reads.
    type Reader: Read + Clone + Send + 'static;

    /// An array on the heap, its elements zero.
    fn on_heap(elements: usize) -> (Self::Writer, Self::Reader);

    /// The same in a mapping that forked processes share.
    ///
    /// # Errors
    /// What the kernel refused.
    fn mapped(elements: usize) -> Result<(Self::Writer, Self::Reader), Unavailable>;
}

/// The side that writes.
pub trait Write {
    /// Replaces an element; never waits.
    ///
    /// # Panics
    /// Where there is no such element.
    fn write(&mut self, index: usize, state: State);
}

/// A side that reads.
pub trait Read {
    /// An element as some write left it; none where the writer was at it, or has died at it.
    ///
    /// # Panics
    /// Where there is no such element.
    fn try_read(&self, index: usize) -> Option<State>;

    /// An element, and how often it had to be read again.
    #[inline(always)]
    fn read(&self, index: usize) -> (State, u64) {
        let mut again = 0;
        loop {
            match self.try_read(index) {
                Some(state) => return (state, again),
                None => again += 1,
            }
            crate::sync::spin_loop();
        }
    }
}

/// Arrays in a mapping of all processes.
pub static WORKLOAD: Workload = Workload {
    name: "shm_versioned_array",
    about: "What does a reader of shared memory pay to see whole elements, and do more readers slow each other down?",
    source: "003",
    points: &[
        point("one_reader", "one process reads elements at random; nobody writes", 1, Suite::Default),
        point("two_readers", "two processes each read elements at random; nobody writes", 2, Suite::Default),
        point(
            "busy_writer",
            "one process reads elements at random while another writes without rest",
            2,
            Suite::Full,
        ),
    ],
    variants: &[
        full::<global_version::GlobalVersion>("global_version", global_version::ABOUT, Role::Documented),
        variant::<element_version::ElementVersion>(
            "element_version",
            element_version::ABOUT,
            Role::Optimised,
        ),
    ],
};

const fn point(name: &'static str, about: &'static str, cpus: usize, suite: Suite) -> Point {
    let bound = Bound {
        limit: "l1_latency",
        times: 1.0,
        why: "the version must be read before the words can be judged",
    };
    Point {
        name,
        about,
        unit_of_work: "read",
        size: ELEMENTS as u64,
        cpus,
        bound: Ok(bound),
        latency: false,
        suite,
    }
}

const fn variant<A: Array>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = check::check::<A>;
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build::<A>, check }
}

/// A table line of the full suite.
const fn full<A: Array>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant { suite: Suite::Full, ..variant::<A>(name, about, role) }
}

fn build<A: Array>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (mut writer, reader) = A::mapped(ELEMENTS)?;
    (0..ELEMENTS).for_each(|index| writer.write(index, state_of(index as u64)));
    let readers = [1, 2].map(|part| Reading::new(reader.clone(), setup.seed + part));
    match (setup.point.name, readers) {
        ("one_reader", [reading, _]) => Ok(solo(reading)),
        ("two_readers", [leading, following]) => processes(setup.cpu_pair()?, 1.0, leading, following),
        (_, [reading, _]) => {
            let mut order = Order::new(setup.seed);
            let writing = move |i: u64| {
                writer.write(order.draw(), state_of(i));
                i
            };
            processes(setup.cpu_pair()?, 1.0, reading, writing)
        }
    }
}

/// Indices in an order that no prefetcher guesses, drawn beforehand.
struct Order {
    indices: Vec<u16>,
    next: usize,
}

impl Order {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let indices = (0..4 * ELEMENTS).map(|_| random.below(ELEMENTS as u64) as u16).collect();
        Self { indices, next: 0 }
    }

    #[inline(always)]
    fn draw(&mut self) -> usize {
        self.next = (self.next + 1) % (4 * ELEMENTS);
        usize::from(self.indices[self.next])
    }
}

/// Reads elements at random, and looks whether each is whole.
struct Reading<R> {
    reader: R,
    order: Order,
    reads: u64,
    again: u64,
    torn: u64,
}

impl<R> Reading<R> {
    fn new(reader: R, seed: u64) -> Self {
        Self { reader, order: Order::new(seed), reads: 0, again: 0, torn: 0 }
    }
}

impl<R: Read> Body for Reading<R> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let (state, again) = self.reader.read(self.order.draw());
        self.reads += 1;
        self.again += again;
        self.torn += u64::from(black_box(state[WORDS - 1]) != state[0].wrapping_add(WORDS as u64 - 1));
        i
    }

    fn facts(&mut self) -> Vec<Fact> {
        let per_read = self.again as f64 / self.reads.max(1) as f64;
        vec![
            Fact::new("torn_reads", "reads", self.torn as f64),
            Fact::new("attempts_again", "per read", per_read),
        ]
    }
}

#[cfg(test)]
mod tests;
