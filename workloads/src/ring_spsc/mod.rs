//! Bounded rings between one producer and one consumer thread (document 002): contract, table, and what is timed.
//! The check is in `check`; rings between processes are in `shm_queue`.

pub mod cached_index;
pub mod check;
pub mod locked_deque;
pub mod memory;
mod prefetch;
pub mod rtrb;
pub mod sequenced;

use perfbench_harness::case::{Arrivals, Body, Case, Gaps, Rate, open_pair, pair, solo};
use perfbench_harness::counter::syscalls::yield_turn;
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// A bounded first-in-first-out queue that is made as two sides, one for each thread. A side is neither `Clone` nor
/// shareable, so the type holds what the algorithm asks. Items that nobody took are dropped with the last side.
pub trait Spsc<T>: 'static {
    /// The only side that pushes.
    type Producer: Push<T> + 'static;
    /// The only side that pops.
    type Consumer: Pop<T> + 'static;

    /// Whether exactly `capacity` items fit; the kernel's queues take what they like.
    const EXACT: bool = true;

    /// An empty ring for `capacity` items, a power of two above one. Its counters begin at `start`, where it has any.
    ///
    /// # Errors
    /// What the machine refused.
    fn ring(capacity: usize, start: u64) -> Result<(Self::Producer, Self::Consumer), Unavailable>;
}

/// The side that pushes.
pub trait Push<T> {
    /// Appends an item, or gives it back where the ring is full.
    ///
    /// # Errors
    /// The item itself.
    fn try_push(&mut self, item: T) -> Result<(), T>;

    /// Whether [`Push::try_push`] would be refused now.
    fn is_full(&self) -> bool;

    /// Appends an item as soon as there is room.
    #[inline(always)]
    fn push(&mut self, mut item: T) {
        let mut patience = Patience::default();
        while let Err(back) = self.try_push(item) {
            item = back;
            patience.wait();
        }
    }
}

/// The side that pops.
pub trait Pop<T> {
    /// Takes the oldest item, if there is one.
    fn try_pop(&mut self) -> Option<T>;

    /// Items that lie ready now.
    fn len(&self) -> usize;

    /// Whether [`Pop::try_pop`] would find nothing now.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the oldest item as soon as there is one.
    #[inline(always)]
    fn pop(&mut self) -> T {
        let mut patience = Patience::default();
        loop {
            match self.try_pop() {
                Some(item) => return item,
                None => patience.wait(),
            }
        }
    }
}

/// The retry policy of every variant: one pause an attempt, then the CPU is yielded, then the partner is given up.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    const PAUSES: u32 = 2_000;
    /// Some seconds of yielding, even where a yield returns at once.
    const GIVE_UP: u32 = 10_000_000;

    #[inline(always)]
    fn wait(&mut self) {
        self.0 += 1;
        if self.0 < Self::PAUSES { std::hint::spin_loop() } else { self.yield_cpu() }
    }

    #[cold]
    fn yield_cpu(&self) {
        assert!(self.0 < Self::GIVE_UP, "the other side of the ring does nothing any more");
        yield_turn();
    }
}

/// Pushes numbers; the other side is [`consume`].
pub fn produce(mut to: impl Push<u64> + 'static) -> impl Body + 'static {
    move |i| {
        to.push(i);
        i
    }
}

/// Pops whatever [`produce`] pushed; the values make the checksum, which depends on their order.
pub fn consume(mut from: impl Pop<u64> + 'static) -> impl Body + 'static {
    move |_| from.pop()
}

/// Pushes a number and waits for one to come back: from the same ring, or from [`echo`] on another side.
pub fn send_and_receive(
    mut to: impl Push<u64> + 'static,
    mut from: impl Pop<u64> + 'static,
) -> impl Body + 'static {
    move |i| {
        to.push(i);
        from.pop()
    }
}

/// Pops a number and sends it back.
pub fn echo(mut from: impl Pop<u64> + 'static, mut to: impl Push<u64> + 'static) -> impl Body + 'static {
    move |_| {
        let item = from.pop();
        to.push(item);
        item
    }
}

/// Slots of every ring that is timed.
pub const CAPACITY: usize = 1024;

/// The rings from one thread to another.
pub static WORKLOAD: Workload = Workload {
    name: "ring_spsc",
    about: "What does a message between two threads cost, and what does sharing less save?",
    source: "002",
    points: &[
        Point {
            name: "same_thread",
            about: "push a u64 and pop it on one thread",
            unit_of_work: "push+pop",
            size: CAPACITY as u64,
            cpus: 1,
            bound: Ok(Bound {
                limit: "clock_add",
                times: 1.0,
                why: "each index grows by one dependent add an item",
            }),
            latency: false,
            suite: Suite::Default,
        },
        Point {
            name: "throughput",
            about: "one u64 from a thread to another, the ring never idle",
            unit_of_work: "item",
            size: CAPACITY as u64,
            cpus: 2,
            bound: THROUGHPUT_BOUND,
            latency: false,
            suite: Suite::Default,
        },
        HOP,
        Point {
            name: "paced",
            about: "one way of a u64 at half load: planned arrivals at random, latency from the planned start",
            unit_of_work: "item",
            size: CAPACITY as u64,
            cpus: 2,
            bound: HOP.bound,
            latency: true,
            suite: Suite::Default,
        },
    ],
    variants: &[
        variant::<locked_deque::LockedDeque>("locked_deque", locked_deque::ABOUT, Role::Baseline),
        variant::<sequenced::Sequenced>("sequenced", sequenced::ABOUT, Role::Documented),
        variant::<cached_index::CachedIndex>("cached_index", cached_index::ABOUT, Role::Optimised),
        variant::<rtrb::Rtrb>("rtrb", rtrb::ABOUT, Role::Peer),
    ],
};

/// Why no limit bounds a queue that never runs idle.
pub const THROUGHPUT_BOUND: Result<Bound, &str> =
    Err("lines travel side by side: what one takes bounds a hop, not how many items pass in a second");

/// One way of a u64 that goes through one ring and comes back through another.
pub const HOP: Point = Point {
    name: "hop",
    about: "one way of a u64 that goes over one ring and comes back over another",
    unit_of_work: "hop",
    size: CAPACITY as u64,
    cpus: 2,
    bound: Ok(Bound {
        limit: "line_bounce",
        times: 1.0,
        why: "one cache line must travel from core to core",
    }),
    latency: true,
    suite: Suite::Default,
};

const fn variant<S>(name: &'static str, about: &'static str, role: Role) -> Variant
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: Isa::NONE,
        build: build::<S>,
        check: check::between_threads::<S>,
    }
}

fn build<S>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable>
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    let (to, from) = S::ring(CAPACITY, 0)?;
    match setup.point.name {
        "same_thread" => Ok(solo(send_and_receive(to, from))),
        "throughput" => Ok(pair(setup.cpu_pair()?, 1.0, produce(to), consume(from))),
        "paced" => {
            let half = Arrivals::new(Rate::OfCapacity(0.5), Gaps::Exponential, setup.seed);
            Ok(open_pair(setup.cpu_pair()?, half, produce(to), consume(from)))
        }
        _ => {
            let (back, home) = S::ring(CAPACITY, 0)?;
            Ok(pair(setup.cpu_pair()?, 2.0, send_and_receive(to, home), echo(from, back)))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
