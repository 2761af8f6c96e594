//! Pools that another process finds by a segment's name. A segment holds one pool, of one kind. How objects are lent is the
//! variant's affair.

use super::Pool;
use super::slots::{self, Shared};
use crate::ring_spsc::memory::placed::LeadError;
use crate::shm::{Identity, Segment, layout_hash};
use std::sync::Arc;

/// The layout under which these segments are made and joined.
pub const LAYOUT: u64 = layout_hash("object pool behind a lead line, 1");

/// A payload that holds a pool of so many objects.
pub fn payload_bytes(capacity: usize) -> u64 {
    Shared::room_bytes(capacity)
}

/// Makes a pool in a fresh segment, and takes part in it.
///
/// # Errors
/// `Place` or `Occupied`.
pub fn make<P: Pool>(segment: &Arc<Segment>, capacity: usize) -> Result<P, LeadError> {
    // SAFETY: header, signatures, links and objects are atomic words, of which every pattern is a value.
    let memory = unsafe { Shared::placed(segment, 0, P::KIND, slots::header(), slots::slots(capacity)) }?;
    Ok(P::first(memory, Identity::own(), Identity::is_alive))
}

/// Takes part in the pool that a segment holds.
///
/// # Errors
/// Any but `Occupied`.
pub fn join<P: Pool>(segment: &Arc<Segment>) -> Result<P, LeadError> {
    let fits = |slots: u64| slots > 0 && slots < u64::from(u32::MAX);
    // SAFETY: as in `make`.
    let memory = unsafe { Shared::attached(segment, 0, P::KIND, fits) }?;
    Ok(P::first(memory, Identity::own(), Identity::is_alive))
}
