//! The index ring whose sides both publish after every item.

pub use super::index_ring::Header;
pub(crate) use super::index_ring::endpoints;
use super::index_ring::{self, Indexed, Publication};

/// What it is, for the table.
pub const ABOUT: &str = "padded, cached, masked indices";

/// Both sides tell of every item.
pub struct EveryItem;

impl Publication for EveryItem {
    const SHARES: Option<u64> = None;
    const CATCH_UP_PAUSES: u32 = 0;
}

/// The ring between threads.
pub type CachedIndex = Indexed<EveryItem>;
/// The only side that pushes.
pub type Producer<T> = index_ring::Producer<T, EveryItem>;
/// The only side that pops.
pub type Consumer<T> = index_ring::Consumer<T, EveryItem>;
