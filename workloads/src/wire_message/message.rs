//! A message's fields, their widths and order on the wire (integers big-endian), and what a malformed one can be.

use std::fmt;

/// Widths of the header's fields in wire order: to, from, marker, packet type, control type, duration, identifier, hops,
/// source.
pub const FIELD_BYTES: [usize; 9] = [6, 6, 2, 1, 1, 16, 4, 4, 6];

/// Bytes of a header, which is all that a heartbeat has.
pub const HEADER_BYTES: usize = 46;

/// Bytes of a message at most: what one Ethernet frame carries.
pub const MESSAGE_BYTES_MAX: usize = 1500;

const _: () = assert!(HEADER_BYTES == end_of_field(8));

/// The two bytes that every message carries third.
pub const MARKER: [u8; 2] = [48, 48];

/// Where a field of the header ends.
pub const fn end_of_field(field: usize) -> usize {
    let mut end = 0;
    let mut at = 0;
    while at <= field {
        end += FIELD_BYTES[at];
        at += 1;
    }
    end
}

/// What a message is for; on the wire the packet type and the control type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sign of life: a header alone.
    Heartbeat,
    /// A header and a payload.
    Data,
}

impl Kind {
    /// Packet type and control type.
    pub fn code(self) -> [u8; 2] {
        match self {
            Kind::Heartbeat => [0, 0],
            Kind::Data => [1, 0],
        }
    }

    fn of(code: [u8; 2]) -> Result<Kind, Malformed> {
        match code {
            [0, 0] => Ok(Kind::Heartbeat),
            [1, 0] => Ok(Kind::Data),
            [packet, control] => Err(Malformed::Kind { packet, control }),
        }
    }
}

/// The nine fields; the marker is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Station that the message is for.
    pub to: [u8; 6],
    /// Station that passes it on.
    pub from: [u8; 6],
    /// Heartbeat or data.
    pub kind: Kind,
    /// Age of the message, in the sender's unit.
    pub duration: u128,
    /// Number of the message at its source.
    pub id: u32,
    /// Stations passed.
    pub hops: u32,
    /// Station that it comes from.
    pub source: [u8; 6],
}

impl Header {
    /// The heartbeat that the document draws.
    pub const HEARTBEAT: Header = Header {
        to: [255; 6],
        from: [0; 6],
        kind: Kind::Heartbeat,
        duration: 0,
        id: 0,
        hops: 1,
        source: [4; 6],
    };

    /// The header on the wire.
    #[inline]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..6].copy_from_slice(&self.to);
        bytes[6..12].copy_from_slice(&self.from);
        bytes[12..14].copy_from_slice(&MARKER);
        bytes[14..16].copy_from_slice(&self.kind.code());
        bytes[16..32].copy_from_slice(&self.duration.to_be_bytes());
        bytes[32..36].copy_from_slice(&self.id.to_be_bytes());
        bytes[36..40].copy_from_slice(&self.hops.to_be_bytes());
        bytes[40..46].copy_from_slice(&self.source);
        bytes
    }

    /// The header from its fields as they came, each of its own width.
    ///
    /// # Errors
    /// A foreign marker or an unknown kind.
    #[inline]
    pub fn of_fields(fields: Fields<'_>) -> Result<Header, Malformed> {
        if *fields.marker != MARKER {
            return Err(Malformed::Marker(*fields.marker));
        }
        Ok(Header {
            to: *fields.to,
            from: *fields.from,
            kind: Kind::of([fields.packet_type[0], fields.control_type[0]])?,
            duration: u128::from_be_bytes(*fields.duration),
            id: u32::from_be_bytes(*fields.id),
            hops: u32::from_be_bytes(*fields.hops),
            source: *fields.source,
        })
    }
}

/// The bytes of each field, wherever they lie.
#[expect(missing_docs, reason = "the names are those of the header's fields")]
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    pub to: &'a [u8; 6],
    pub from: &'a [u8; 6],
    pub marker: &'a [u8; 2],
    pub packet_type: &'a [u8; 1],
    pub control_type: &'a [u8; 1],
    pub duration: &'a [u8; 16],
    pub id: &'a [u8; 4],
    pub hops: &'a [u8; 4],
    pub source: &'a [u8; 6],
}

/// A header and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The fields.
    pub header: Header,
    /// What a data message carries; empty in a heartbeat.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Joins a header with its payload.
    ///
    /// # Errors
    /// A heartbeat that carries something, or more than a frame holds.
    #[inline]
    pub fn join(header: Header, payload: &'a [u8]) -> Result<Self, Malformed> {
        let bytes = payload.len();
        match header.kind {
            Kind::Heartbeat if bytes > 0 => Err(Malformed::Trailing { bytes }),
            Kind::Data if bytes > MESSAGE_BYTES_MAX - HEADER_BYTES => Err(Malformed::Long { bytes }),
            _ => Ok(Message { header, payload }),
        }
    }

    /// Bytes on the wire.
    #[inline]
    pub fn wire_bytes(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }

    /// Reads a message that lies in one piece.
    ///
    /// # Errors
    /// [`Malformed`] with the first thing that is wrong.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fields, payload) = split(bytes).ok_or(Malformed::Short { bytes: bytes.len() })?;
        Message::join(Header::of_fields(fields)?, payload)
    }
}

/// The fields in order and the rest; none where the bytes end before the fields do.
#[inline]
fn split(bytes: &[u8]) -> Option<(Fields<'_>, &[u8])> {
    let (header, payload) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let (to, rest) = header.split_first_chunk()?;
    let (from, rest) = rest.split_first_chunk()?;
    let (marker, rest) = rest.split_first_chunk()?;
    let (packet_type, rest) = rest.split_first_chunk()?;
    let (control_type, rest) = rest.split_first_chunk()?;
    let (duration, rest) = rest.split_first_chunk()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (hops, rest) = rest.split_first_chunk()?;
    let (source, _) = rest.split_first_chunk()?;
    Some((Fields { to, from, marker, packet_type, control_type, duration, id, hops, source }, payload))
}

/// What is wrong with bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than a header has.
    Short {
        /// Bytes that came.
        bytes: usize,
    },
    /// More payload than a frame holds.
    Long {
        /// Bytes of the payload.
        bytes: usize,
    },
    /// A heartbeat with something behind it.
    Trailing {
        /// Bytes behind it.
        bytes: usize,
    },
    /// Not our marker.
    Marker([u8; 2]),
    /// A kind that nobody knows.
    Kind {
        /// Packet type.
        packet: u8,
        /// Control type.
        control: u8,
    },
    /// Nested: a number of pieces that no message has.
    Pieces {
        /// Pieces that came.
        pieces: usize,
    },
    /// Nested: a field of the wrong width.
    Width {
        /// Number of the field.
        field: usize,
        /// Bytes that came.
        bytes: usize,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short { bytes } => write!(f, "{bytes} bytes are no header of {HEADER_BYTES}"),
            Self::Long { bytes } => write!(f, "{bytes} bytes of payload do not fit a frame"),
            Self::Trailing { bytes } => write!(f, "a heartbeat with {bytes} bytes behind it"),
            Self::Marker(marker) => write!(f, "{marker:?} is not the marker"),
            Self::Kind { packet, control } => {
                write!(f, "no message has packet type {packet}, control type {control}")
            }
            Self::Pieces { pieces } => write!(f, "no message has {pieces} pieces"),
            Self::Width { field, bytes } => write!(f, "field {field} came with {bytes} bytes"),
        }
    }
}

impl std::error::Error for Malformed {}
