//! Elements in a segment. A read is wait-free and whole because an element is one atomic word; larger elements are read
//! word by word and tear under a writer, which `Wide` lets a test show.

use super::Array;
use crate::shm::{Placed, Segment, SegmentError, layout_hash, scratch};
use perfbench_harness::Unavailable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What it is, for the table.
pub const ABOUT: &str = "relaxed atomic words in a shared segment";

/// The array at a place of a segment. Any process may write; a reader sees each element whole, in no order with others.
pub struct Mapped(Placed<[AtomicU64]>);

impl Mapped {
    /// The array of `len` elements at an offset of a segment's payload.
    ///
    /// # Errors
    /// [`SegmentError::BadPlace`].
    pub fn at(segment: &Arc<Segment>, offset_bytes: u64, len: usize) -> Result<Self, SegmentError> {
        Placed::row(segment, offset_bytes, len).map(Self)
    }

    /// Replaces an element by shared reference; whether there is one.
    #[inline(always)]
    pub fn store(&self, index: usize, value: u64) -> bool {
        // Relaxed: an element publishes itself only.
        self.0.get(index).map(|element| element.store(value, Ordering::Relaxed)).is_some()
    }
}

impl Array for Mapped {
    fn zeros(len: usize) -> Result<Self, Unavailable> {
        let segment = scratch("array", (len * size_of::<u64>()) as u64, layout_hash("shm_array u64"))?;
        Ok(Self::at(&segment, 0, len)?)
    }

    #[inline(always)]
    fn get(&self, index: usize) -> Option<u64> {
        self.0.get(index).map(|element| element.load(Ordering::Relaxed))
    }

    fn set(&mut self, index: usize, value: u64) -> bool {
        self.store(index, value)
    }

    #[inline(always)]
    fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, value| sum.wrapping_add(value.load(Ordering::Relaxed)))
    }
}

/// Elements of several words: what the document's array is for a type larger than an atomic word. Nothing ties the words
/// together; a versioned array does.
pub struct Wide<const WORDS: usize>(Mapped);

impl<const WORDS: usize> Wide<WORDS> {
    /// The same memory, taken as larger elements.
    pub fn over(array: Mapped) -> Self {
        Self(array)
    }

    /// The words of an element, each whole, perhaps of different writes.
    ///
    /// # Panics
    /// Behind the end.
    pub fn get(&self, index: usize) -> [u64; WORDS] {
        std::array::from_fn(|word| self.0.get(index * WORDS + word).expect("the index is inside"))
    }

    /// Writes the words one after the other.
    pub fn set(&self, index: usize, element: [u64; WORDS]) {
        element
            .into_iter()
            .enumerate()
            .for_each(|(word, value)| _ = self.0.store(index * WORDS + word, value));
    }

    /// Writes all words but one, lets `meanwhile` look, writes the last.
    pub fn set_interrupted(&self, index: usize, element: [u64; WORDS], meanwhile: impl FnOnce()) {
        for (word, value) in element.into_iter().enumerate().take(WORDS - 1) {
            self.0.store(index * WORDS + word, value);
        }
        meanwhile();
        self.0.store(index * WORDS + WORDS - 1, element[WORDS - 1]);
    }
}
