//! How a stream lies in shared memory: three indices on lines of their own, and words. What the indices promise is the
//! variant's affair.

use crate::ring_spsc::memory::{Layout, Line, Memory};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::Unavailable;

/// Header and words as a side holds them.
pub type Shared = Memory<Header, Word>;

/// All three count words without end, modulo 2^64.
#[repr(C)]
pub struct Header {
    /// Up to where the writer is at it.
    pub(super) begun: Line<AtomicU64>,
    /// Up to where words are written.
    pub(super) written: Line<AtomicU64>,
    /// Up to where words are read.
    pub(super) read: Line<AtomicU64>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Header>() == 384 && size_of::<Word>() == 8);

impl Layout<Word> for Header {
    fn drop_unread(&mut self, _: &mut [Word]) {}
}

/// A word that may be written while it is read: whoever read it finds out afterwards.
#[repr(transparent)]
pub struct Word(AtomicU64);

pub(super) fn header() -> Header {
    let zero = || Line(AtomicU64::new(0));
    Header { begun: zero(), written: zero(), read: zero() }
}

pub(super) fn words(capacity: usize) -> impl ExactSizeIterator<Item = Word> {
    assert!(capacity.is_power_of_two(), "the indices are masked");
    (0..capacity).map(|_| Word(AtomicU64::new(0)))
}

pub(super) fn on_heap(capacity: usize) -> [Shared; 2] {
    Memory::boxed(header(), words(capacity))
}

pub(super) fn mapped(capacity: usize) -> Result<[Shared; 2], Unavailable> {
    Memory::mapped(header(), words(capacity))
}

/// The word of an index.
#[inline(always)]
fn word(memory: &Shared, index: u64) -> &AtomicU64 {
    // SAFETY: masked by the number of words less one.
    unsafe { &memory.slot(index as usize & (memory.slot_count() - 1)).0 }
}

/// Writes words from an index on. Relaxed: the caller's indices order them.
#[inline(always)]
pub(super) fn write(memory: &Shared, first: u64, words: &[u64]) {
    for (index, value) in (0..).zip(words) {
        word(memory, first.wrapping_add(index)).store(*value, Ordering::Relaxed);
    }
}

/// Reads words from an index on, likewise.
#[inline(always)]
pub(super) fn read(memory: &Shared, first: u64, into: &mut [u64]) {
    for (index, value) in (0..).zip(into) {
        *value = word(memory, first.wrapping_add(index)).load(Ordering::Relaxed);
    }
}
