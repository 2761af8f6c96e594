//! One vector from the thread's own pool, back into it when the message is sent.

use super::Codec;
use super::message::{Malformed, Message};
use super::size_classes::{CLASS_BYTES, KEPT, Pooled, idle};
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

    /// Fills every class beyond its measure and counts what stays.
    fn pool_facts() -> Vec<Fact> {
        let taken: Vec<_> =
            CLASS_BYTES.into_iter().flat_map(|room| (0..2 * KEPT).map(move |_| Pooled::take(room))).collect();
        drop(taken);
        let kept = idle();
        debug_assert!(kept.iter().all(|class| *class == kept[0]));
        vec![Fact::new("buffers_per_class", "buffers", kept[0] as f64)]
    }
}
