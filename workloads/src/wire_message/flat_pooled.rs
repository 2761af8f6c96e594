//! One vector from the thread's own pool, back into it when the message is sent.

use super::Codec;
use super::message::{Malformed, Message};
use crate::buffer_pool::size_classes::{Pooled, buffers_per_class};
use perfbench_harness::case::Fact;

/// What the table says of it.
pub const ABOUT: &str = "one vector from a thread-local pool by size";

pub struct FlatPooled;

impl Codec for FlatPooled {
    type Wire = Pooled;

    #[inline]
    fn serialise(message: &Message<'_>) -> Pooled {
        let mut wire = Pooled::take(message.wire_bytes());
        wire.extend_from_slice(&message.header.encode());
        wire.extend_from_slice(message.payload);
        wire
    }

    #[inline]
    fn parse(wire: &Pooled) -> Result<Message<'_>, Malformed> {
        Message::parse(wire)
    }

    #[inline]
    fn io_slices(wire: &Pooled) -> impl Iterator<Item = &[u8]> {
        std::iter::once(&**wire)
    }

    fn inner_metadata_bytes(_: &Pooled) -> usize {
        0
    }

    fn pool_facts() -> Vec<Fact> {
        vec![Fact::new("buffers_per_class", "buffers", buffers_per_class() as f64)]
    }
}
