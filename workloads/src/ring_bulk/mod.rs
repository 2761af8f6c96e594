//! Rings between one producer and one consumer that move many items at a time (document 003): the table and what is
//! timed. The contract is in `contract`; a ring that drops its oldest items is in `ring_overwrite`.

pub mod check;
mod contract;
pub mod gil;
pub mod head_tail;
pub mod in_place;
pub mod ringbuf;
pub mod rtrb;

pub use contract::{Bulk, Read, Write};

use crate::ring_spsc::payload::{Block, Item};
use crate::ring_spsc::streamed;
use crate::ring_spsc::waiting::{OnePause, Wait};
use perfbench_harness::case::{Case, pair};
use perfbench_harness::{Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// Slots of every ring that is timed.
const CAPACITY: usize = 1024;

/// The rings in bulk.
pub static WORKLOAD: Workload = Workload {
    name: "ring_bulk",
    about: "How near do many items at a time come to what two cores can stream?",
    source: "003",
    points: &[
        point(
            "bulk_64",
            "a u64 from a thread to another, 64 at a time, made and read in place",
            8,
            Suite::Default,
        ),
        point(
            "item_64",
            "64 bytes from a thread to another, 64 at a time, made and read in place",
            64,
            Suite::Default,
        ),
        point("bulk_256", "a u64 from a thread to another, 256 at a time", 8, Suite::Full),
        point("one_by_one", "a u64 from a thread to another, one at a time", 8, Suite::Full),
    ],
    variants: &[
        variant::<head_tail::HeadTail>("head_tail", head_tail::ABOUT, Role::Documented, Suite::Default),
        variant::<in_place::InPlace>("in_place", in_place::ABOUT, Role::Optimised, Suite::Default),
        variant::<rtrb::Rtrb>("rtrb", rtrb::ABOUT, Role::Peer, Suite::Default),
        variant::<gil::Gil>("gil", gil::ABOUT, Role::Peer, Suite::Full),
        variant::<ringbuf::Ringbuf>("ringbuf", ringbuf::ABOUT, Role::Peer, Suite::Full),
    ],
};

const fn point(name: &'static str, about: &'static str, item_bytes: usize, suite: Suite) -> Point {
    Point {
        name,
        about,
        unit_of_work: "item",
        size: CAPACITY as u64,
        cpus: 2,
        bound: streamed(item_bytes),
        latency: false,
        suite,
    }
}

/// A ring that is timed, whatever it carries.
pub trait Timed: Bulk<u64> + Bulk<Block> {}

impl<B: Bulk<u64> + Bulk<Block>> Timed for B {}

const fn variant<B: Timed>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant {
    Variant { name, about, role, suite, needs: Isa::NONE, build: build::<B>, check: check::check::<B> }
}

fn build<B: Timed>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    match setup.point.name {
        "item_64" => batches::<B, Block, 64>(setup),
        "bulk_256" => batches::<B, u64, 256>(setup),
        "one_by_one" => batches::<B, u64, 1>(setup),
        _ => batches::<B, u64, 64>(setup),
    }
}

/// One operation is `MANY` items.
fn batches<B: Bulk<T>, T: Item, const MANY: usize>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (mut to, mut from) = B::ring(CAPACITY)?;
    let produce = move |i: u64| {
        let mut next = i.wrapping_mul(MANY as u64);
        all::<OnePause, MANY>(|most| {
            let first = next;
            let written = to.write(most, |index| T::of(first.wrapping_add(index as u64)));
            next = next.wrapping_add(written as u64);
            written
        });
        i
    };
    let consume = move |_: u64| {
        let mut sum: u64 = 0;
        all::<OnePause, MANY>(|most| from.read(most, |item| sum = sum.wrapping_add(item.digest())));
        sum
    };
    Ok(pair(setup.cpu_pair()?, MANY as f64, produce, consume))
}

/// Goes on until `MANY` items are moved; `some` moves as many of the rest as it can.
#[inline(always)]
fn all<W: Wait, const MANY: usize>(mut some: impl FnMut(usize) -> usize) {
    let (mut moved, mut waiting) = (0, W::default());
    loop {
        let now = some(MANY - moved);
        moved += now;
        if moved == MANY {
            return;
        }
        if now == 0 {
            waiting.wait();
        }
    }
}

#[cfg(test)]
mod tests;
