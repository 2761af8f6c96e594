//! Object pools (documents 000, 002 and 003): what a take and its give-back cost, beside asking the system allocator each
//! time. Here are the tables; the contract stands in `pool`, what is pooled in `payload`, the oracle that holds pools to
//! their promises in `check`, and what is timed in `cases`.

mod array_queue;
mod async_mutex;
mod cases;
mod check;
pub mod depot;
pub mod indexed_cas;
pub mod limits;
mod load;
mod lockfree_object_pool;
pub mod mailbox;
mod object_pool_crate;
mod opool;
mod own_stack;
mod owned;
pub mod payload;
pub mod pool;
mod roll;
mod sharded_slab;
mod shelf;
pub mod slots;
mod soak;
pub mod statistics;
mod sync_mutex;
mod system_malloc;
pub mod tagged;
pub mod tagged_cas;
pub mod tagged_cas_tls;
pub mod thread_local;
pub mod untagged_cas;

use cases::{KEPT, limits};
use payload::{Message, Payload};
use perfbench_harness::case::Case;
use perfbench_harness::{Bound, Isa, Point, Reason, Role, Setup, Suite, Unavailable, Variant, Workload};
use pool::{Pool, Source};
use std::collections::HashMap;

/// A variant without limits and statistics, for objects of every kind.
pub(crate) trait SourceKind {
    /// The source of one kind of object.
    type Of<T: Payload>: Source<Object = T> + Send;

    /// Whether it keeps anything, so that there are hits.
    const KEEPS: bool = true;
}

/// A variant under the whole contract, for objects of every kind.
pub(crate) trait PoolKind {
    /// The pool of one kind of object.
    type Of<T: Payload>: Pool<Object = T> + Send;

    /// The case in which another thread gives back.
    fn remote(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        Err(not_here("its loans end on the thread that took them"))
    }

    /// The case of the load test.
    fn load(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        Err(not_here("a task that waits may go on in another thread, which its loans may not"))
    }
}

fn not_here(why: &str) -> Unavailable {
    Unavailable::new(Reason::NotAtThisPoint, why)
}

/// Object pools against the system allocator.
pub static WORKLOAD: Workload = Workload {
    name: "object_pool",
    about: "what does an object from a pool cost, beside a fresh one from the system allocator?",
    source: "000",
    points: POINTS,
    variants: &[
        bare::<system_malloc::Kind>("system_malloc", system_malloc::ABOUT, Role::Baseline),
        full::<sync_mutex::Kind>("sync_mutex", sync_mutex::ABOUT, Role::Baseline),
        pooled::<async_mutex::Kind>("async_mutex", async_mutex::ABOUT, Role::Documented),
        Variant {
            needs: tagged_cas::NEEDS,
            ..full::<tagged_cas::Kind>("tagged_cas", tagged_cas::ABOUT, Role::Documented)
        },
        full::<indexed_cas::Kind>("indexed_cas", indexed_cas::ABOUT, Role::Optimised),
        pooled::<tagged_cas_tls::Kind>("tagged_cas_tls", tagged_cas_tls::ABOUT, Role::Documented),
        pooled::<thread_local::Kind>("thread_local", thread_local::ABOUT, Role::Optimised),
        peer::<owned::Kind>("owned", owned::ABOUT, Role::Baseline),
        peer::<array_queue::Kind>("array_queue", array_queue::ABOUT, Role::Peer),
        peer::<object_pool_crate::Kind>("object_pool_crate", object_pool_crate::ABOUT, Role::Peer),
        peer::<opool::Kind>("opool", opool::ABOUT, Role::Peer),
        peer::<lockfree_object_pool::Kind>("lockfree_object_pool", lockfree_object_pool::ABOUT, Role::Peer),
        peer::<sharded_slab::Kind>("sharded_slab", sharded_slab::ABOUT, Role::Peer),
    ],
};

/// Where the variants are compared.
const POINTS: &[Point] = &[
    Point {
        suite: Suite::Default,
        ..point::<Vec<u8>>(
            "hit",
            "take from a warm pool of 1 KiB buffers, write a byte, give back; no pool: allocate, write, free",
        )
    },
    Point {
        suite: Suite::Default,
        bound: Ok(Bound {
            limit: "l1_latency",
            times: 1.0,
            why: "the allocator reads the block that it hands out off a list that the last free wrote",
        }),
        ..point::<Vec<u8>>(
            "miss",
            "the same with a pool that keeps nothing: each take runs the factory, each give-back frees",
        )
    },
    Point {
        suite: Suite::Default,
        ..point::<Message>("message", "take a parsed message of one cache line, write two words, give back")
    },
    Point {
        suite: Suite::Default,
        cpus: 2,
        ..point::<Message>(
            "shared",
            "two threads take, write and give back messages of one pool, each its own",
        )
    },
    Point {
        cpus: 2,
        latency: false,
        bound: Ok(Bound {
            limit: "line_bounce",
            times: 1.0 / 8.0,
            why: "loans come home eight or more to a line, and the last of them brings it",
        }),
        ..point::<Message>(
            "remote",
            "one thread takes and writes messages, another gives them back without a look",
        )
    },
    point::<String>("string", "take a string of 256 bytes, write a letter, give back"),
    point::<HashMap<u64, u64>>("map", "take a map of 16 entries, insert one, give back"),
    point::<Vec<u8>>("wiped", "as hit, and the buffer is overwritten with zeros on return"),
    Point {
        cpus: 2,
        latency: false,
        bound: Err(
            "a timer's shortest sleep is what is waited for, and how many tasks it wakes at once is its affair",
        ),
        ..point::<Vec<u8>>(
            "load",
            "100 tasks of an async runtime take twice and sleep; facts: 10,000 tasks that take 1,000 times",
        )
    },
    point::<Message>("soak", "as message; facts: growth of the process over 10^8 takes and give-backs"),
];

/// A point of the full suite on one thread, bounded by what an object that anybody may take costs.
const fn point<T: Payload>(name: &'static str, about: &'static str) -> Point {
    Point {
        name,
        about,
        unit_of_work: "take+give",
        size: T::BYTES as u64,
        cpus: 1,
        bound: Ok(Bound {
            limit: "l1_latency",
            times: 0.5,
            why: "what was given back last is read from where it was just written",
        }),
        latency: true,
        suite: Suite::Full,
    }
}

/// A table line: a source without limits.
const fn bare<K: SourceKind + 'static>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = |setup| check::source::<K::Of<Vec<u8>>>(setup.seed);
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build_bare::<K>, check }
}

/// A table line: a pool under the contract.
const fn pooled<K: PoolKind + 'static>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = |setup| {
        check::pool_of_buffers::<K::Of<Vec<u8>>>(setup.seed)?;
        check::pool::<K::Of<Message>>(setup.seed)?;
        check::pool::<K::Of<String>>(setup.seed)?;
        check::pool::<K::Of<HashMap<u64, u64>>>(setup.seed)
    };
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build_pooled::<K>, check }
}

/// A table line: a source without limits, of the full suite.
const fn peer<K: SourceKind + 'static>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant { suite: Suite::Full, ..bare::<K>(name, about, role) }
}

/// A table line: a pool under the contract, of the full suite.
const fn full<K: PoolKind + 'static>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant { suite: Suite::Full, ..pooled::<K>(name, about, role) }
}

fn build_bare<K: SourceKind>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    match setup.point.name {
        "hit" => Ok(cases::alone_on_one_thread::<K::Of<Vec<u8>>>(limits::<Vec<u8>>(KEPT))),
        "miss" if !K::KEEPS => Ok(cases::alone_on_one_thread::<K::Of<Vec<u8>>>(limits::<Vec<u8>>(0))),
        "message" => Ok(cases::alone_on_one_thread::<K::Of<Message>>(limits::<Message>(KEPT))),
        "shared" => cases::shared::<K::Of<Message>>(setup),
        _ => Err(not_here("it keeps no limits and no statistics, of which this point is about")),
    }
}

fn build_pooled<K: PoolKind>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    match setup.point.name {
        "hit" => Ok(cases::hit::<K::Of<Vec<u8>>>()),
        "miss" => Ok(cases::alone_on_one_thread::<K::Of<Vec<u8>>>(limits::<Vec<u8>>(0))),
        "message" => Ok(cases::counted::<K::Of<Message>>()),
        "shared" => cases::shared::<K::Of<Message>>(setup),
        "remote" => K::remote(setup),
        "string" => Ok(cases::counted::<K::Of<String>>()),
        "map" => Ok(cases::counted::<K::Of<HashMap<u64, u64>>>()),
        "wiped" => Ok(cases::wiped::<K::Of<Vec<u8>>>()),
        "load" => K::load(setup),
        _ => Ok(cases::soaked::<K::Of<Message>>()),
    }
}

#[cfg(test)]
mod tests;
