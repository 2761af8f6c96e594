//! One vector, allocated once at its full size.

use super::Codec;
use super::message::{Malformed, Message};

/// What the table says of it.
pub const ABOUT: &str = "one vector, allocated at its full size";

pub struct Flat;

impl Codec for Flat {
    type Wire = Vec<u8>;

    #[inline]
    fn serialise(message: &Message<'_>) -> Vec<u8> {
        let mut wire = Vec::with_capacity(message.wire_bytes());
        wire.extend_from_slice(&message.header.encode());
        wire.extend_from_slice(message.payload);
        wire
    }

    #[inline]
    fn parse(wire: &Vec<u8>) -> Result<Message<'_>, Malformed> {
        Message::parse(wire)
    }

    #[inline]
    fn io_slices(wire: &Vec<u8>) -> impl Iterator<Item = &[u8]> {
        std::iter::once(wire.as_slice())
    }

    fn inner_metadata_bytes(_: &Vec<u8>) -> usize {
        0
    }
}
