//! The index ring that tells a stream from single messages: a side that moves a stream and finds the ring empty or full
//! keeps off it for a moment, so that a batch builds up, whatever the caller does between its attempts.

use super::index_ring::{Indexed, Publication};

/// What it is, for the table.
pub const ABOUT: &str = "lazy index, keeps off an empty ring in a stream";

/// The consumer tells of every eighth part; both sides keep off in a stream.
pub struct Paced;

impl Publication for Paced {
    const SHARES: Option<u64> = Some(8);
    const CATCH_UP_PAUSES: u32 = 12;
}

/// The ring between threads.
pub type Adaptive = Indexed<Paced>;
