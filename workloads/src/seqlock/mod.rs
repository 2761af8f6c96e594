//! A small state that one thread writes and others read whole (document 000's versioned game state): contract, table, and
//! what is timed. The sequence lock itself is in `cell`, the check in `check`.

pub mod arc_swap;
pub mod cell;
pub mod check;
pub mod many_writers;
pub mod one_line;
pub mod seqlock_crate;
pub mod std_lock;
pub mod two_lines;
mod under_writes;

use perfbench_harness::case::{Case, fleet, opaque, pair, solo};
use perfbench_harness::{Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::array::from_fn;
use under_writes::{READS, Reading, Writing};

/// Words of the state: with a sequence number they fill one cache line. A model tells a mixture by two.
pub const WORDS: usize = if cfg!(loom) { 2 } else { 7 };

/// The state: 56 bytes.
pub type State = [u64; WORDS];

/// The state number `n`: every word follows from the number, so a mixture of two is seen.
#[inline(always)]
pub fn state_of(n: u64) -> State {
    from_fn(|index| n.wrapping_add(index as u64))
}

/// One word that depends on all words of a state, hidden: folded into the checksum word by word, it would be the chain from
/// read to read that is timed.
#[inline(always)]
fn digest(state: State) -> u64 {
    opaque(state.into_iter().fold(0, |sum, word| sum ^ word))
}

/// A state that is made as a writer and a reader; readers multiply.
pub trait Versioned: 'static {
    /// The side that writes.
    type Writer: Write + Send + 'static;
    /// A side that reads.
    type Reader: Read + Clone + Send + 'static;

    /// A state that holds `state`.
    fn new(state: State) -> (Self::Writer, Self::Reader);
}

/// The side that writes.
pub trait Write {
    /// Replaces the whole state.
    fn write(&mut self, state: State);
}

/// A side that reads.
pub trait Read {
    /// The state as some write left it, never older than one read before.
    fn read(&self) -> State;
}

impl<S: std::borrow::Borrow<crate::sync::AtomicU64>> Write for cell::Writer<State, WORDS, S> {
    #[inline(always)]
    fn write(&mut self, state: State) {
        cell::Writer::write(self, state);
    }
}

impl<S: std::borrow::Borrow<crate::sync::AtomicU64>> Read for cell::Reader<State, WORDS, S> {
    #[inline(always)]
    fn read(&self) -> State {
        cell::Reader::read(self)
    }
}

const fn point(
    name: &'static str,
    about: &'static str,
    unit_of_work: &'static str,
    cpus: usize,
    suite: Suite,
) -> Point {
    let bound =
        Err("one line serves many reads, or takes many writes, between two journeys, and they overlap");
    Point { name, about, unit_of_work, size: 56, cpus, bound, latency: false, suite }
}

/// The versioned states.
pub static WORKLOAD: Workload = Workload {
    name: "seqlock",
    about: "What does it cost to read a small state whole while another thread writes it?",
    source: "000",
    points: &[
        point("read", "read the state, which nobody writes", "read", 1, Suite::Default),
        point("write", "write the state, which nobody reads", "write", 1, Suite::Default),
        point(
            "contended",
            "read the state while a thread writes as fast as it can",
            "read",
            2,
            Suite::Default,
        ),
        point("paced", "read the state while a thread writes it once in 1,024 reads", "read", 2, Suite::Full),
        point("readers", "two threads read the state, which nobody writes", "read", 2, Suite::Full),
    ],
    variants: &[
        variant::<std_lock::Locked>("std_lock", std_lock::ABOUT, Role::Baseline, Suite::Full),
        variant::<seqlock_crate::Peer>("seqlock_crate", seqlock_crate::ABOUT, Role::Peer, Suite::Default),
        variant::<arc_swap::Peer>("arc_swap", arc_swap::ABOUT, Role::Peer, Suite::Full),
        variant::<two_lines::TwoLines>("two_lines", two_lines::ABOUT, Role::Documented, Suite::Full),
        variant::<many_writers::ManyWriters>(
            "many_writers",
            many_writers::ABOUT,
            Role::Optimised,
            Suite::Full,
        ),
        variant::<one_line::OneLine>("one_line", one_line::ABOUT, Role::Optimised, Suite::Default),
    ],
};

const fn variant<V: Versioned>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant {
    Variant { name, about, role, suite, needs: Isa::NONE, build: build::<V>, check: check::check::<V> }
}

fn build<V: Versioned>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (mut writer, reader) = V::new(state_of(1));
    match setup.point.name {
        "read" => Ok(solo(move |_| digest(reader.read()))),
        "write" => Ok(solo(move |i| {
            writer.write(state_of(i));
            i
        })),
        "readers" => {
            let body = |reader: V::Reader| move |_| digest(reader.read());
            Ok(fleet(&setup.cpu_pair()?, vec![body(reader.clone()), body(reader)]))
        }
        name => {
            let reading = Reading::new(reader);
            let writing = Writing::new(writer, &reading, name == "contended");
            Ok(pair(setup.cpu_pair()?, READS as f64, reading, writing))
        }
    }
}

#[cfg(test)]
mod tests;
