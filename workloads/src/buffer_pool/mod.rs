//! Buffers for messages of the wire (documents 001 and 002): what it costs to have one, to write it and to give it back.
//! The contract is in `pool`, the check in `check`, what is timed in `cases`; pools of objects are another workload.

pub mod alloc_each;
pub mod bytes_mut;
mod cases;
mod check;
mod ledger;
pub mod mailbox;
mod memory;
pub mod message;
pub mod pool;
pub mod raw_64k;
pub mod raw_64k_aligned;
pub mod raw_64k_lifo;
pub mod raw_pool;
pub mod remote;
pub mod size_classes;
pub mod system_aligned;
pub mod thread_pool;

use crate::pages::{Wish, resident};
use cases::{FirstUse, Mixed, Window, WriteMessage};
use message::{DATA_BYTES, RawMessage};
use perfbench_harness::case::{Case, Fact, fleet, solo};
use perfbench_harness::{Bound, Isa, Point, Reason, Role, Setup, Suite, Unavailable, Variant, Workload};
use raw_pool::Raw;
use remote::Remote;

/// Buffers of document 002's pool.
pub const DOCUMENTED_BUFFERS: usize = if cfg!(miri) { 64 } else { 16_384 };

/// Buffers of the pools that are timed where no point says otherwise: 64 MiB.
pub const BUFFERS: usize = if cfg!(miri) { 64 } else { 1024 };

/// Buffer pools against the allocator.
pub static WORKLOAD: Workload = Workload {
    name: "buffer_pool",
    about: "what does a buffer for a message cost, from a pool or from the allocator, and what does its first use cost?",
    source: "002",
    points: &[
        Point {
            suite: Suite::Default,
            ..point(
                "acquire_release",
                "acquire 64 KiB, write 64 bytes, release; pools of 1024 buffers (64 MiB)",
                DATA_BYTES,
            )
        },
        Point {
            suite: Suite::Default,
            ..point("small", "acquire for 512 bytes, write 64 of them, release", 512)
        },
        Point {
            suite: Suite::Default,
            unit_of_work: "4 KiB page",
            bound: Err("a huge page is one fault for 512 of these, so no fault bounds each"),
            latency: false,
            ..point(
                "first_touch",
                "first write to a page of a buffer never used before, on huge pages where granted",
                DATA_BYTES,
            )
        },
        Point {
            unit_of_work: "4 KiB page",
            bound: Ok(Bound {
                limit: "page_fault",
                times: 1.0,
                why: "each page is faulted in when it is first written",
            }),
            ..point("first_touch_4k", "the same with huge pages refused", DATA_BYTES)
        },
        point("touch_1500", "acquire for 1500 bytes, write all of them, release", 1500),
        point("mix", "acquire for 46 to 4000 bytes, one in sixteen above 1500, write 64, release", 1500),
        point(
            "window_64",
            "64 buffers of 64 KiB on loan, one at random released, another acquired, 64 bytes written",
            DATA_BYTES,
        ),
        Point {
            cpus: 2,
            bound: Err(
                "messages travel side by side: what one line takes bounds a hop, not how many pass in a second",
            ),
            latency: false,
            ..point(
                "remote",
                "acquire 64 KiB, write 64 bytes, send to a thread that reads and gives back",
                DATA_BYTES,
            )
        },
        Point {
            cpus: 2,
            ..point("two_pools", "acquire_release on two pinned threads at once, a pool each", DATA_BYTES)
        },
        point("acquire_release_1gib", "acquire_release with the documented 16,384 buffers", DATA_BYTES),
        point("touch_1500_1gib", "touch_1500 with the documented 16,384 buffers", 1500),
    ],
    variants: &[
        plain::<alloc_each::AllocEach>("alloc_each", alloc_each::ABOUT, Role::Baseline, Suite::Default),
        plain::<size_classes::SizeClasses>(
            "size_classes",
            size_classes::ABOUT,
            Role::Documented,
            Suite::Default,
        ),
        raw::<raw_64k::Raw64k>("raw_64k", raw_64k::ABOUT, Role::Documented, Suite::Default),
        raw::<raw_64k_lifo::Raw64kLifo>("raw_64k_lifo", raw_64k_lifo::ABOUT, Role::Optimised, Suite::Default),
        raw::<raw_64k_aligned::Raw64kAligned>(
            "raw_64k_aligned",
            raw_64k_aligned::ABOUT,
            Role::Optimised,
            Suite::Full,
        ),
        plain::<bytes_mut::Reclaimed>("bytes_mut", bytes_mut::ABOUT, Role::Peer, Suite::Full),
        plain::<system_aligned::SystemAligned>(
            "system_aligned",
            system_aligned::ABOUT,
            Role::Peer,
            Suite::Full,
        ),
    ],
};

const fn point(name: &'static str, about: &'static str, bytes: usize) -> Point {
    Point {
        name,
        about,
        unit_of_work: "acquire+release",
        size: bytes as u64,
        cpus: 1,
        bound: Ok(Bound {
            limit: "l1_latency",
            times: 1.0,
            why: "which buffer comes next is loaded from where the last release stored it",
        }),
        latency: true,
        suite: Suite::Full,
    }
}

/// A table line: buffers that are values, so that what could go wrong with a pointer cannot be written down.
const fn plain<P>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant
where
    P: Remote + Default + Send,
{
    let check: fn(&Setup<'_>) -> _ = |setup| check::buffers::<P>(&mut P::default(), setup.seed);
    Variant { name, about, role, suite, needs: Isa::NONE, build: build_plain::<P>, check }
}

/// A table line: buffers that are pointers.
const fn raw<P>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant
where
    P: Raw + Remote + Send,
{
    let check: fn(&Setup<'_>) -> _ = |setup| check::raw::<P>(setup.seed);
    Variant { name, about, role, suite, needs: Isa::NONE, build: build_raw::<P>, check }
}

fn build_plain<P: Remote + Default + Send>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    match setup.point.name {
        "first_touch" | "first_touch_4k" | "acquire_release_1gib" | "touch_1500_1gib" => {
            Err(Unavailable::new(
                Reason::NotAtThisPoint,
                "it has no memory of its own to be touched first or filled",
            ))
        }
        _ => build(setup, || Ok(P::default()), P::facts),
    }
}

fn build_raw<P: Raw + Remote + Send>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let unused = |huge| P::new(BUFFERS, Wish { huge, prefault: false, bind: true });
    match setup.point.name {
        "first_touch" => Ok(solo(FirstUse::new(unused(true)?))),
        "first_touch_4k" => Ok(solo(FirstUse::new(unused(false)?))),
        "acquire_release_1gib" => Ok(solo(WriteMessage::<P, 64>::new(documented()?, DATA_BYTES, P::facts))),
        "touch_1500_1gib" => Ok(solo(WriteMessage::<P, 1500>::new(documented()?, 1500, P::facts))),
        _ => build(setup, || P::new(BUFFERS, Wish::ALL), raw_facts),
    }
}

/// A pool of the documented size, where the machine has twice the memory that it takes.
fn documented<P: Raw>() -> Result<P, Unavailable> {
    let needed_bytes = (DOCUMENTED_BUFFERS * size_of::<RawMessage>()) as u64;
    match resident::available() {
        Some(available_bytes) if available_bytes < 2 * needed_bytes => {
            let detail = format!("1 GiB of buffers where {} MiB are available", available_bytes >> 20);
            Err(Unavailable::new(Reason::InUse, detail))
        }
        // Tests have it without the pages.
        _ => P::new(DOCUMENTED_BUFFERS, Wish { prefault: !cfg!(test), ..Wish::ALL }),
    }
}

/// The points that every variant has.
fn build<P: Remote + Send>(
    setup: &Setup<'_>,
    make: impl Fn() -> Result<P, Unavailable>,
    facts: fn(&P) -> Vec<Fact>,
) -> Result<Box<dyn Case>, Unavailable> {
    let write = |bytes| Ok::<_, Unavailable>(WriteMessage::<P, 64>::new(make()?, bytes, facts));
    Ok(match setup.point.name {
        "small" => solo(write(512)?),
        "touch_1500" => solo(WriteMessage::<P, 1500>::new(make()?, 1500, facts)),
        "mix" => solo(Mixed::new(make()?, setup.seed)),
        "window_64" => solo(Window::new(make()?, DATA_BYTES, setup.seed)),
        "remote" => cases::remote(setup, make()?)?,
        "two_pools" => fleet(&setup.cpu_pair()?, vec![write(DATA_BYTES)?, write(DATA_BYTES)?]),
        _ => solo(write(DATA_BYTES)?),
    })
}

/// What a pool of pointers knows of itself, and how many planted faults it let pass.
fn raw_facts<P: Raw>(pool: &P) -> Vec<Fact> {
    let undetected = check::faults::undetected::<P>().map(|faults| faults.len() as f64);
    let undetected = undetected.ok().map(|count| Fact::new("undetected_faults", "faults", count));
    pool.facts().into_iter().chain(undetected).collect()
}

#[cfg(test)]
mod tests;
