//! Memory that processes share: mappings, and named segments that know who is attached to them. What lies in a segment
//! (tables, arrays, queues, pools) is not here.

mod error;
mod header;
mod identity;
mod lock;
mod mapping;
mod name;
mod placed;
pub mod robust_lock;
mod scratch;
mod segment;

pub use error::{HeaderFault, SegmentError};
pub use header::{HEADER_BYTES, PARTICIPANTS, PAYLOAD_OFFSET_BYTES, SEGMENT_BYTES_MAX, Standing, validate};
pub use identity::Identity;
pub use mapping::Mapping;
pub use name::Name;
pub use placed::{Placed, Shareable};
pub use scratch::{scratch, unique_name};
pub use segment::{Departure, Segment};

/// A name for the layout of a type or a structure, for headers and entries: a hash of `description`, which says whatever
/// must be equal on both sides (type names, sizes, a version).
pub const fn layout_hash(description: &str) -> u64 {
    let bytes = description.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(all(test, not(miri)))]
mod tests;
