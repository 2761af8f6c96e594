//! Streams that another process finds by a segment's name. A segment holds one stream, each side of which one living process
//! has. How words travel is in `announced`.

use super::announced::{Reader, Writer};
use super::words::{self, Shared};
use crate::shm::{Segment, layout_hash};
use crate::shm_queue::lifeline::{Lifeline, Side};
use crate::shm_queue::named::{QueueError, SIDED_OFFSET_BYTES, make_sided, take_side};
use std::sync::Arc;

/// The layout under which these segments are made and joined.
pub const LAYOUT: u64 = layout_hash("stream behind a lead line, 1");

const STREAM: u64 = layout_hash("stream that announces, 1");

/// One side, and the other side's process in view.
pub struct End<E> {
    /// Reads or writes.
    pub side: E,
    /// Says whether the other side was killed.
    pub lifeline: Lifeline,
}

/// A payload that holds a stream of so many words.
pub fn payload_bytes(capacity: usize) -> u64 {
    SIDED_OFFSET_BYTES + Shared::room_bytes(capacity)
}

/// Makes a stream in a fresh segment.
///
/// # Errors
/// [`QueueError::Lead`].
///
/// # Panics
/// Where the capacity is no power of two.
pub fn make(segment: &Arc<Segment>, capacity: usize) -> Result<(), QueueError> {
    let (header, words) = (words::header(), words::words(capacity));
    // SAFETY: indices and words are atomic, every pattern is a value, and each side is taken by one process at a time.
    unsafe { make_sided(segment, STREAM, header, words) }
}

/// Takes the writing side of the stream that a segment holds, where its last writer was.
///
/// # Errors
/// `Lead` or `Taken`.
pub fn writer(segment: &Arc<Segment>) -> Result<End<Writer>, QueueError> {
    let (memory, lifeline) = side(segment, Side::Producer)?;
    Ok(End { side: Writer::resumed(memory), lifeline })
}

/// Takes the reading side of the stream that a segment holds, where its last reader was.
///
/// # Errors
/// `Lead` or `Taken`.
pub fn reader(segment: &Arc<Segment>) -> Result<End<Reader>, QueueError> {
    let (memory, lifeline) = side(segment, Side::Consumer)?;
    Ok(End { side: Reader::resumed(memory), lifeline })
}

fn side(segment: &Arc<Segment>, side: Side) -> Result<(Shared, Lifeline), QueueError> {
    // SAFETY: as in `make`.
    unsafe { take_side(segment, side, STREAM, u64::is_power_of_two) }
}
