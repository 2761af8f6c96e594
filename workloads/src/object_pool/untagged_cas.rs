//! The free list as document 003 prints it: an index alone is exchanged, so that a place which went and came back is taken
//! for one that never moved, and what was below it then is handed out again. No pool is built on it: tests show how it
//! fails, and `indexed_cas` is its repair.

use super::tagged::{Head, Top};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// A head without a tag.
#[derive(Debug)]
pub struct Untagged(AtomicU32);

impl Head for Untagged {
    fn new(_: &[AtomicU64]) -> Self {
        Self(AtomicU32::new(0))
    }

    #[track_caller]
    fn load(&self, order: Ordering) -> Top {
        Top { tag: 0, link: self.0.load(order) }
    }

    #[track_caller]
    fn exchange(&self, seen: Top, new: Top, success: Ordering, failure: Ordering) -> Result<(), Top> {
        let exchanged = self.0.compare_exchange(seen.link, new.link, success, failure);
        exchanged.map(drop).map_err(|link| Top { tag: 0, link })
    }
}
