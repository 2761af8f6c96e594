//! Arrays that another process finds by a segment's name: one living process writes, any number read. How an element is read
//! whole is in `element_version`.

use super::element_version::{self, Header, Reader, Shared, Writer};
use crate::ring_spsc::memory::Memory;
use crate::shm::{Segment, layout_hash};
use crate::shm_queue::lifeline::{Lifeline, Side};
use crate::shm_queue::named::{QueueError, SIDED_OFFSET_BYTES, make_sided, take_side};
use std::sync::Arc;

/// The layout under which these segments are made and joined.
pub const LAYOUT: u64 = layout_hash("versioned array behind a lead line, 1");

const ARRAY: u64 = layout_hash("a version in each element, 1");

/// A payload that holds an array of so many elements.
pub fn payload_bytes(elements: usize) -> u64 {
    SIDED_OFFSET_BYTES + Shared::room_bytes(elements)
}

/// Makes an array in a fresh segment, its elements zero.
///
/// # Errors
/// [`QueueError::Lead`].
pub fn make(segment: &Arc<Segment>, elements: usize) -> Result<(), QueueError> {
    // SAFETY: versions and words are atomic, every pattern is a value, and one process at a time takes the writing side.
    unsafe { make_sided(segment, ARRAY, Header, element_version::elements(elements)) }
}

/// Takes the writing side of the array that a segment holds.
///
/// # Errors
/// `Lead` or `Taken`.
pub fn writer(segment: &Arc<Segment>) -> Result<(Writer, Lifeline), QueueError> {
    // SAFETY: as in `make`.
    let (memory, lifeline) = unsafe { take_side(segment, Side::Producer, ARRAY, |_| true) }?;
    Ok((Writer(memory), lifeline))
}

/// A reader of the array that a segment holds.
///
/// # Errors
/// [`QueueError::Lead`].
pub fn reader(segment: &Arc<Segment>) -> Result<Reader, QueueError> {
    // SAFETY: as in `make`.
    let memory = unsafe { Memory::attached(segment, SIDED_OFFSET_BYTES, ARRAY, |_| true) }?;
    Ok(Reader(memory))
}
