//! The repair of document 003's free list: index and tag in one 64-bit word, exchanged together. It needs no 128-bit
//! instruction, and works where addresses differ between processes.

use super::cases;
use super::load;
use super::payload::{Message, Payload};
use super::tagged::{Head, Top};
use super::tagged_cas::TaggedCas;
use crate::sync::{AtomicU64, Ordering};

use perfbench_harness::case::Case;
use perfbench_harness::{Setup, Unavailable};
use std::sync::Arc;
/// What the table says of it.
pub const ABOUT: &str = "lock-free stack of indices, a tag of 40 bits beside 24 of index in one word";

/// The pool.
pub type IndexedCas<T> = TaggedCas<T, Packed>;

/// Bits of the link; the rest is the tag, which comes round after 10^12 pops.
const LINK_BITS: u32 = 24;

/// A head of tag and link in one word.
#[derive(Debug)]
pub struct Packed(AtomicU64);

fn pack(top: Top) -> u64 {
    top.tag << LINK_BITS | u64::from(top.link)
}

fn unpack(word: u64) -> Top {
    Top { tag: word >> LINK_BITS, link: word as u32 & ((1 << LINK_BITS) - 1) }
}

impl Head for Packed {
    fn new(links: &[AtomicU64]) -> Self {
        assert!(links.len() < 1 << LINK_BITS, "{} places do not fit {LINK_BITS} bits", links.len());
        Self(AtomicU64::new(0))
    }

    #[inline]
    #[track_caller]
    fn load(&self, order: Ordering) -> Top {
        unpack(self.0.load(order))
    }

    #[inline]
    #[track_caller]
    fn exchange(&self, seen: Top, new: Top, success: Ordering, failure: Ordering) -> Result<(), Top> {
        self.0.compare_exchange(pack(seen), pack(new), success, failure).map(drop).map_err(unpack)
    }
}

/// For the table.
pub enum Kind {}

impl super::PoolKind for Kind {
    type Of<T: Payload> = Arc<IndexedCas<T>>;

    fn remote(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        cases::remote::<Self::Of<Message>>(setup)
    }

    fn load(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        load::case::<IndexedCas<Vec<u8>>>(setup)
    }
}
