//! A vector of vectors, one a field: document 001's "before".

use super::Codec;
use super::message::{FIELD_BYTES, Fields, Header, MARKER, Malformed, Message};

/// What the table says of it.
pub const ABOUT: &str = "a vector of one vector a field";

pub struct Nested;

impl Codec for Nested {
    type Wire = Vec<Vec<u8>>;

    #[inline]
    fn serialise(message: &Message<'_>) -> Vec<Vec<u8>> {
        let Header { to, from, kind, duration, id, hops, source } = &message.header;
        let [packet_type, control_type] = kind.code();
        let mut wire = Vec::with_capacity(FIELD_BYTES.len() + usize::from(!message.payload.is_empty()));
        wire.push(to.to_vec());
        wire.push(from.to_vec());
        wire.push(MARKER.to_vec());
        wire.push(vec![packet_type]);
        wire.push(vec![control_type]);
        wire.push(duration.to_be_bytes().to_vec());
        wire.push(id.to_be_bytes().to_vec());
        wire.push(hops.to_be_bytes().to_vec());
        wire.push(source.to_vec());
        if !message.payload.is_empty() {
            wire.push(message.payload.to_vec());
        }
        wire
    }

    #[inline]
    fn parse(wire: &Vec<Vec<u8>>) -> Result<Message<'_>, Malformed> {
        let (header, rest) = wire.split_first_chunk::<9>().ok_or(Malformed::Pieces { pieces: wire.len() })?;
        let payload = match rest {
            [] => &[],
            [payload] => payload.as_slice(),
            _ => return Err(Malformed::Pieces { pieces: wire.len() }),
        };
        Message::join(Header::of_fields(fields(header)?)?, payload)
    }

    #[inline]
    fn io_slices(wire: &Vec<Vec<u8>>) -> impl Iterator<Item = &[u8]> {
        wire.iter().map(Vec::as_slice)
    }

    fn inner_metadata_bytes(wire: &Vec<Vec<u8>>) -> usize {
        wire.len() * size_of::<Vec<u8>>()
    }
}

#[inline]
fn fields(pieces: &[Vec<u8>; 9]) -> Result<Fields<'_>, Malformed> {
    Ok(Fields {
        to: field(pieces, 0)?,
        from: field(pieces, 1)?,
        marker: field(pieces, 2)?,
        packet_type: field(pieces, 3)?,
        control_type: field(pieces, 4)?,
        duration: field(pieces, 5)?,
        id: field(pieces, 6)?,
        hops: field(pieces, 7)?,
        source: field(pieces, 8)?,
    })
}

#[inline]
fn field<const BYTES: usize>(pieces: &[Vec<u8>; 9], field: usize) -> Result<&[u8; BYTES], Malformed> {
    let piece = pieces[field].as_slice();
    piece.try_into().map_err(|_| Malformed::Width { field, bytes: piece.len() })
}
