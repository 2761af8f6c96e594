//! Bounded rings between one producer and one consumer thread (document 002): the table. The contract is in `contract`,
//! what is timed in `timed`, the check in `check`; rings between processes are in `shm_queue`.

pub mod adaptive;
pub mod cached_index;
pub mod check;
mod contract;
pub mod crossbeam_array;
pub mod crossbeam_channel;
pub mod disruptor;
pub mod gil;
pub mod heapless;
#[cfg(feature = "heavy-peers")]
pub mod iceoryx2;
#[cfg(not(loom))]
mod in_place;
pub mod index_ring;
pub mod lazy_index;
pub mod line;
pub mod locked_deque;
pub mod memory;
pub mod nexus_queue;
pub mod payload;
pub(crate) mod prefetch;
pub mod ringbuf;
pub mod rtrb;
pub mod sequenced;
pub mod std_mpsc;
mod timed;
pub mod waiting;
pub mod yring;

pub use contract::{Pop, Push, Readable, Reserve, Spsc};
pub use timed::{Timed, consume, echo, produce, send_and_receive};

use perfbench_harness::{Bound, Isa, Point, Role, Suite, Variant, Workload};

/// Slots of a ring that is timed, where its point names no other number.
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
        throughput(
            "throughput",
            "one u64 from a thread to another, the ring never idle",
            CAPACITY,
            Suite::Default,
        ),
        HOP,
        Point {
            name: "paced",
            about: "one way of a u64 at half load: planned arrivals at random, latency from the planned start",
            unit_of_work: "item",
            ..HOP
        },
        throughput(
            "throughput_spin",
            "the same, attempt after attempt without a pause",
            CAPACITY,
            Suite::Full,
        ),
        throughput(
            "throughput_eight_pauses",
            "the same, eight pauses after each attempt",
            CAPACITY,
            Suite::Full,
        ),
        of_64_bytes("item_64", "64 bytes from a thread to another, the ring never idle"),
        of_64_bytes("item_64_spin", "64 bytes, attempt after attempt without a pause"),
        of_64_bytes("item_64_eight_pauses", "64 bytes, eight pauses after each attempt"),
        throughput("capacity_64", "one u64 through a ring of 64 slots", 64, Suite::Full),
        throughput("capacity_65536", "one u64 through a ring of 65,536 slots", 65_536, Suite::Full),
        Point {
            name: "hop_spin",
            about: "one way of a u64, attempt after attempt without a pause",
            suite: Suite::Full,
            ..HOP
        },
        Point {
            name: "soak",
            about: "a thousand times push and pop on one thread; growth over a hundred million items is a fact",
            unit_of_work: "1,000 push+pop",
            size: CAPACITY as u64,
            cpus: 1,
            bound: Err("what it shows is memory, not time"),
            latency: false,
            suite: Suite::Full,
        },
        Point {
            name: "stopped_peer",
            about: "a look at an empty ring; facts: CPU time of half a second of waiting for a producer that does nothing",
            unit_of_work: "attempt",
            size: CAPACITY as u64,
            cpus: 1,
            bound: Ok(Bound {
                limit: "l1_latency",
                times: 1.0,
                why: "whether there is an item is read where the producer would write it",
            }),
            latency: false,
            suite: Suite::Full,
        },
    ],
    variants: &[
        variant::<locked_deque::LockedDeque>("locked_deque", locked_deque::ABOUT, Role::Baseline),
        variant::<sequenced::Sequenced>("sequenced", sequenced::ABOUT, Role::Documented),
        variant::<cached_index::CachedIndex>("cached_index", cached_index::ABOUT, Role::Optimised),
        variant::<lazy_index::LazyIndex>("lazy_index", lazy_index::ABOUT, Role::Optimised),
        variant::<adaptive::Adaptive>("adaptive", adaptive::ABOUT, Role::Optimised),
        variant::<line::Line>("line", line::ABOUT, Role::Optimised),
        variant::<rtrb::Rtrb>("rtrb", rtrb::ABOUT, Role::Peer),
        peer::<nexus_queue::NexusQueue>("nexus_queue", nexus_queue::ABOUT),
        peer::<gil::Gil>("gil", gil::ABOUT),
        peer::<ringbuf::Ringbuf>("ringbuf", ringbuf::ABOUT),
        peer::<yring::Yring>("yring", yring::ABOUT),
        peer::<std_mpsc::StdMpsc>("std_mpsc", std_mpsc::ABOUT),
        peer::<crossbeam_array::CrossbeamArray>("crossbeam_array", crossbeam_array::ABOUT),
        peer::<crossbeam_channel::CrossbeamChannel>("crossbeam_channel", crossbeam_channel::ABOUT),
        peer::<heapless::Heapless>("heapless", heapless::ABOUT),
        peer::<disruptor::Disruptor>("disruptor", disruptor::ABOUT),
        #[cfg(feature = "heavy-peers")]
        Variant { build: iceoryx2::build, ..peer::<iceoryx2::Iceoryx2>("iceoryx2", iceoryx2::ABOUT) },
    ],
};

/// What bounds a queue of u64 that never runs idle.
pub const THROUGHPUT_BOUND: Result<Bound, &str> = streamed(8);

/// What bounds a queue of items of so many bytes that never runs idle.
pub const fn streamed(item_bytes: usize) -> Result<Bound, &'static str> {
    Ok(Bound {
        limit: "line_stream",
        times: item_bytes as f64,
        why: "each of its bytes goes from core to core",
    })
}

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

/// Items of 64 bytes from one thread to another.
const fn of_64_bytes(name: &'static str, about: &'static str) -> Point {
    Point { bound: streamed(64), ..throughput(name, about, CAPACITY, Suite::Full) }
}

/// Items from one thread to another through a ring of so many slots.
const fn throughput(name: &'static str, about: &'static str, slots: usize, suite: Suite) -> Point {
    Point {
        name,
        about,
        unit_of_work: "item",
        size: slots as u64,
        cpus: 2,
        bound: THROUGHPUT_BOUND,
        latency: false,
        suite,
    }
}

/// A table line of the default suite.
const fn variant<S: Timed>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant { suite: Suite::Default, ..full::<S>(name, about, role) }
}

/// A table line of the full suite.
const fn full<S: Timed>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant {
        name,
        about,
        role,
        suite: Suite::Full,
        needs: Isa::NONE,
        build: timed::build::<S>,
        check: check::between_threads::<S>,
    }
}

/// Somebody else's ring, in the full suite.
const fn peer<S: Timed>(name: &'static str, about: &'static str) -> Variant {
    full::<S>(name, about, Role::Peer)
}

#[cfg(test)]
pub(crate) mod tests;
