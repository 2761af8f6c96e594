//! Rings whose writer never waits: where the ring is full, the oldest item gives way (document 003's overwriting mode).
//! Contract, table and what is timed; rings that refuse instead are in `ring_bulk`.

pub mod check;
pub mod documented;
pub mod locked_deque;
mod slow_reader;
pub mod versioned;

use perfbench_harness::case::{Case, solo};
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// Words of a frame: with its version a cache line. Models explore fewer.
pub const WORDS: usize = if cfg!(loom) { 2 } else { 7 };

/// What one slot carries.
pub type Frame = [u64; WORDS];

/// A bounded queue of one writer and one reader that drops its oldest items rather than refuse a new one.
pub trait Overwriting: 'static {
    /// The only side that writes.
    type Writer: Write + Send + 'static;
    /// The only side that reads.
    type Reader: Read + Send + 'static;

    /// An empty ring that keeps the newest `capacity` frames, a power of two above one.
    fn ring(capacity: usize) -> (Self::Writer, Self::Reader);
}

/// The side that writes.
pub trait Write {
    /// Appends a frame, whatever the reader does.
    fn push(&mut self, frame: Frame);

    /// Frames written since the ring was made.
    fn total_written(&self) -> u64;
}

/// The side that reads.
pub trait Read {
    /// Takes the oldest frame that is still there.
    fn try_pop(&mut self) -> Option<Frame>;

    /// Frames that gave way before they were read, as far as the reader has come: once it finds the ring empty, all that
    /// were written are read or dropped.
    fn dropped(&self) -> u64;
}

/// The frame of a number: every word tells the number, so that a torn one shows.
#[inline(always)]
pub fn frame(number: u64) -> Frame {
    [number; WORDS]
}

/// Slots of every ring that is timed.
const CAPACITY: usize = 1024;

/// The overwriting rings.
pub static WORKLOAD: Workload = Workload {
    name: "ring_overwrite",
    about: "What does it cost a writer that it never waits for a slow reader?",
    source: "003",
    points: &[Point {
        name: "slow_reader",
        about: "a frame of 56 bytes written while another thread reads at its leisure, about one in a microsecond",
        unit_of_work: "frame",
        size: CAPACITY as u64,
        cpus: 2,
        bound: Ok(Bound { limit: "clock_add", times: 8.0, why: "eight words are stored, one a cycle" }),
        latency: false,
        suite: Suite::Default,
    }],
    variants: &[
        variant::<locked_deque::LockedDeque>("locked_deque", locked_deque::ABOUT, Role::Baseline),
        variant::<versioned::Versioned>("versioned", versioned::ABOUT, Role::Optimised),
    ],
};

const fn variant<O: Overwriting>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: Isa::NONE,
        build: build::<O>,
        check: |_| check::check::<O>(),
    }
}

fn build<O: Overwriting>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let [_, other] = setup.cpu_pair()?;
    let (writer, reader) = O::ring(CAPACITY);
    Ok(solo(slow_reader::Writing::new(writer, reader, other)))
}

#[cfg(test)]
mod tests;
