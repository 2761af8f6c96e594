//! The index ring whose consumer publishes its index an eighth of the capacity at a time, and when it finds the ring empty.

use super::index_ring::{Indexed, Publication};

/// What it is, for the table.
pub const ABOUT: &str = "consumer's index published by eighths";

/// The consumer tells of every eighth part.
pub struct Eighths;

impl Publication for Eighths {
    const SHARES: Option<u64> = Some(8);
    const CATCH_UP_PAUSES: u32 = 0;
}

/// The ring between threads.
pub type LazyIndex = Indexed<Eighths>;
