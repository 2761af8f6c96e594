//! What one operation is at each point.

use super::message::{DATA_BYTES, Loan};
use super::pool::{Bytes, Pool};
use super::raw_pool::Raw;
use super::remote::{Acquire, Release, Remote};
use crate::pages::{BASE_BYTES, resident};
use crate::ring_spsc::cached_index::CachedIndex;
use crate::ring_spsc::waiting::{OnePause, Wait};
use crate::ring_spsc::{Pop, Push, Spsc};
use perfbench_harness::case::{Body, Case, Fact, opaque, pair};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Setup, Unavailable};

/// Acquires, writes a message, releases. Two of them share no cache line.
#[repr(align(128))]
pub struct WriteMessage<P, const MESSAGE_BYTES: usize> {
    pool: P,
    message: [u8; MESSAGE_BYTES],
    room_bytes: usize,
    facts: fn(&P) -> Vec<Fact>,
}

impl<P: Pool, const MESSAGE_BYTES: usize> WriteMessage<P, MESSAGE_BYTES> {
    /// Messages into buffers with room for `room_bytes`.
    pub fn new(mut pool: P, room_bytes: usize, facts: fn(&P) -> Vec<Fact>) -> Self {
        warm(&mut pool, room_bytes);
        Self { pool, message: [0x55; MESSAGE_BYTES], room_bytes, facts }
    }
}

impl<P: Pool, const MESSAGE_BYTES: usize> Body for WriteMessage<P, MESSAGE_BYTES> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let mut buffer = self.pool.acquire(self.room_bytes).expect("nothing is on loan");
        written(&mut buffer, &self.message);
        self.pool.release(buffer).expect("the loan is current");
        i
    }

    fn facts(&mut self) -> Vec<Fact> {
        (self.facts)(&self.pool)
    }
}

/// A pool that makes its buffers on demand makes the first one here, outside of what is timed.
fn warm(pool: &mut impl Pool, room_bytes: usize) {
    let buffer = pool.acquire(room_bytes).expect("nothing is on loan");
    pool.release(buffer).expect("the loan is current");
}

/// Writes a message so that no optimiser leaves the stores out.
#[inline(always)]
fn written(buffer: &mut impl Bytes, message: &[u8]) {
    buffer.write(message).expect("the buffer was acquired for it");
    opaque(buffer.message().as_ptr() as u64);
}

/// The same with sizes that change from message to message.
pub struct Mixed<P> {
    pool: P,
    message: [u8; 64],
    rooms_bytes: [usize; 64],
}

impl<P: Pool> Mixed<P> {
    /// Sizes of frames: most of one of the three classes, one in sixteen above them.
    pub fn new(mut pool: P, seed: u64) -> Self {
        super::size_classes::CLASS_BYTES.iter().for_each(|bytes| warm(&mut pool, *bytes));
        let mut random = Random::new(seed);
        let rooms_bytes = std::array::from_fn(|_| match random.below(16) {
            0 => 1501 + random.below(2500) as usize,
            _ => 46 + random.below(1455) as usize,
        });
        Self { pool, message: [0x55; 64], rooms_bytes }
    }
}

impl<P: Pool> Body for Mixed<P> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let room_bytes = self.rooms_bytes[i as usize % self.rooms_bytes.len()];
        let mut buffer = self.pool.acquire(room_bytes).expect("nothing is on loan");
        written(&mut buffer, &self.message);
        self.pool.release(buffer).expect("the loan is current");
        i
    }

    fn cycle_ops(&self) -> u64 {
        self.rooms_bytes.len() as u64
    }
}

/// Buffers on loan at once where a pipeline is imitated.
const WINDOW: usize = 64;

/// Operations after the timed ones over which memory may not grow.
pub const SOAK_OPS: u64 = if cfg!(miri) {
    100
} else if cfg!(test) {
    2_000
} else {
    100_000_000
};

/// Buffers on loan, one of which, at random, is replaced by each operation.
pub struct Window<P: Pool> {
    pool: P,
    held: Vec<P::Buffer>,
    random: Random,
    message: [u8; 64],
    room_bytes: usize,
}

impl<P: Pool> Window<P> {
    /// A full window of buffers with room for `room_bytes`.
    pub fn new(mut pool: P, room_bytes: usize, seed: u64) -> Self {
        let take = |_| pool.acquire(room_bytes).expect("a pool has room for the window");
        let held = (0..WINDOW).map(take).collect();
        Self { pool, held, random: Random::new(seed), message: [0x55; 64], room_bytes }
    }
}

impl<P: Pool> Body for Window<P> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let last = self.held.len() - 1;
        self.held.swap(self.random.bits() as usize % WINDOW, last);
        let old = self.held.pop().expect("the window is full");
        self.pool.release(old).expect("the loan is current");
        let mut new = self.pool.acquire(self.room_bytes).expect("one was just given back");
        written(&mut new, &self.message);
        self.held.push(new);
        i
    }

    /// What the process holds more after many more operations.
    fn facts(&mut self) -> Vec<Fact> {
        let before = resident::of_process();
        for i in 0..SOAK_OPS {
            opaque(self.op(i));
        }
        let grown = before.zip(resident::of_process()).map(|(before, after)| after.saturating_sub(before));
        let grown =
            grown.map(|bytes| Fact::new("soak_growth_mib", "MiB", bytes as f64 / (1u64 << 20) as f64));
        grown.into_iter().chain([Fact::new("soak_operations", "operations", SOAK_OPS as f64)]).collect()
    }
}

impl<P: Pool> Drop for Window<P> {
    fn drop(&mut self) {
        for buffer in self.held.drain(..) {
            self.pool.release(buffer).expect("the loan is current");
        }
    }
}

/// Touches page after page of buffers that nobody has used before.
pub struct FirstUse<P: Raw> {
    pool: P,
    held: Vec<Loan>,
}

/// Pages of one buffer's data.
const PAGES: u64 = (DATA_BYTES / BASE_BYTES) as u64;

impl<P: Raw> FirstUse<P> {
    /// A pool that was not faulted in.
    pub fn new(pool: P) -> Self {
        Self { held: Vec::with_capacity(pool.buffers()), pool }
    }

    /// Gives every buffer back to the pool and every page to the kernel.
    #[cold]
    fn renew(&mut self) {
        self.give_back();
        self.pool.discard();
    }

    fn give_back(&mut self) {
        for loan in self.held.drain(..) {
            self.pool.release(loan).expect("the loan is current");
        }
    }
}

impl<P: Raw> Body for FirstUse<P> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        if i.is_multiple_of(self.cycle_ops()) {
            self.renew();
        }
        if i.is_multiple_of(PAGES) {
            self.held.push(self.pool.acquire(DATA_BYTES).expect("a cycle has as many buffers as the pool"));
        }
        let buffer = self.held.last_mut().expect("just acquired");
        buffer.data()[i as usize % PAGES as usize * BASE_BYTES] = 1;
        i
    }

    fn cycle_ops(&self) -> u64 {
        self.pool.buffers() as u64 * PAGES
    }

    fn facts(&mut self) -> Vec<Fact> {
        self.pool.facts()
    }
}

impl<P: Raw> Drop for FirstUse<P> {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// Messages on their way from the thread that acquires to the one that gives back.
const IN_FLIGHT: usize = 256;

/// One thread acquires, writes and sends; the other reads and gives back.
pub fn remote<P: Remote>(setup: &Setup<'_>, pool: P) -> Result<Box<dyn Case>, Unavailable> {
    let (mut owner, mut returner) = pool.split();
    let (mut to, mut from) = <CachedIndex as Spsc<P::Buffer>>::ring(IN_FLIGHT, 0)?;
    let message = [0x55; 64];
    let lead = move |i: u64| {
        let mut buffer = acquired(&mut owner);
        written(&mut buffer, &message);
        to.push::<OnePause>(buffer);
        i
    };
    let follow = move |_| {
        let buffer = from.pop::<OnePause>();
        let first = u64::from(buffer.message()[0]);
        returner.release(buffer).expect("the loan is current");
        first
    };
    Ok(pair(setup.cpu_pair()?, 1.0, lead, follow))
}

/// A buffer as soon as one is home.
#[inline(always)]
fn acquired<B>(owner: &mut impl Acquire<B>) -> B {
    let mut waiting = OnePause::default();
    loop {
        match owner.acquire(DATA_BYTES) {
            Ok(buffer) => return buffer,
            Err(_) => waiting.wait(),
        }
    }
}
