//! Heartbeat and data messages on their way to the wire and back: nested buffers, one flat buffer, and a flat one from a
//! pool. The fields and their order stand in `message`; sending is another workload.

mod check;
mod flat;
mod flat_pooled;
pub mod message;
mod nested;

use message::{HEADER_BYTES, Header, Malformed, Message};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::hint::black_box;

/// Nested against flat serialisation of one heartbeat.
pub static WORKLOAD: Workload = Workload {
    name: "wire_message",
    about: "what does a message cost on its way to the wire, in nested buffers, in a flat one, in a pooled one?",
    source: "001",
    points: &[
        point("serialise", "one heartbeat of 9 fields, 46 bytes, to its wire form, which is then dropped"),
        point("parse", "each variant's own wire form of a heartbeat back to its fields, every field checked"),
    ],
    variants: &[
        variant::<nested::Nested>("nested", nested::ABOUT, Role::Baseline),
        variant::<flat::Flat>("flat", flat::ABOUT, Role::Documented),
        variant::<flat_pooled::FlatPooled>("flat_pooled", flat_pooled::ABOUT, Role::Documented),
    ],
};

const BOUND: Bound = Bound {
    limit: "l1_latency",
    times: 1.0,
    why: "one field at the least is loaded from a buffer whose address was loaded",
};

const fn point(name: &'static str, about: &'static str) -> Point {
    let size = HEADER_BYTES as u64;
    Point {
        name,
        about,
        unit_of_work: "message",
        size,
        cpus: 1,
        bound: Ok(BOUND),
        latency: true,
        suite: Suite::Default,
    }
}

/// A way to lay a message out for the wire.
pub trait Codec: 'static {
    /// The message as it would be sent.
    type Wire;

    /// Lays a message out.
    fn serialise(message: &Message<'_>) -> Self::Wire;

    /// Reads it back; the payload stays where it lies.
    ///
    /// # Errors
    /// [`Malformed`] with the first thing that is wrong.
    fn parse(wire: &Self::Wire) -> Result<Message<'_>, Malformed>;

    /// The pieces that a vectored send would be given, in order.
    fn io_slices(wire: &Self::Wire) -> impl Iterator<Item = &[u8]>;

    /// Bytes of vector headers beyond the one that any owner of bytes has.
    fn inner_metadata_bytes(wire: &Self::Wire) -> usize;

    /// What the codec's pool can hold, if it has one.
    fn pool_facts() -> Vec<Fact> {
        Vec::new()
    }
}

/// A table line.
const fn variant<C: Codec>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = |setup| check::check::<C>(setup.seed);
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build::<C>, check }
}

fn build<C: Codec>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let message = Message { header: Header::HEARTBEAT, payload: &[] };
    let wire = C::serialise(&message);
    // Leaves a buffer behind for a pool to hand out, because the first stays on loan.
    drop(C::serialise(&message));
    Ok(match setup.point.name {
        "parse" => solo(Parse::<C> { wire }),
        _ => solo(Serialise::<C> { message, wire }),
    })
}

/// Serialises a heartbeat whose identifier and first byte count the operations.
struct Serialise<C: Codec> {
    message: Message<'static>,
    wire: C::Wire,
}

impl<C: Codec> Body for Serialise<C> {
    #[inline]
    fn op(&mut self, i: u64) -> u64 {
        self.message.header.id = i as u32;
        self.message.header.to[0] = i as u8;
        let wire = black_box(C::serialise(black_box(&self.message)));
        C::io_slices(&wire).next().map_or(0, |first| u64::from(first[0]))
    }

    fn facts(&mut self) -> Vec<Fact> {
        let slices = C::io_slices(&self.wire).count();
        let bytes: usize = C::io_slices(&self.wire).map(<[u8]>::len).sum();
        let mut facts = vec![
            Fact::new("wire_bytes", "B", bytes as f64),
            Fact::new("inner_metadata_bytes", "B", C::inner_metadata_bytes(&self.wire) as f64),
            Fact::new("io_slices", "slices", slices as f64),
        ];
        facts.extend(C::pool_facts());
        facts
    }
}

/// Parses one wire form over and over.
struct Parse<C: Codec> {
    wire: C::Wire,
}

impl<C: Codec> Body for Parse<C> {
    #[inline]
    fn op(&mut self, i: u64) -> u64 {
        let parsed = black_box(C::parse(black_box(&self.wire)));
        parsed.map_or(0, |message| u64::from(message.header.hops) + i)
    }
}

#[cfg(test)]
mod tests;
