//! The table as document 003 prints it: right behind a reference count of four bytes, entries of a name, four sizes and a
//! flag, a running total from which places are given, and nobody who keeps two adders apart. A `size_t` at a multiple of
//! four is two words to whoever reads it, so all is built of words of four bytes.

use super::{Entry, OfEntries, Shape, Table, TableError, is_documented_size};
use crate::shm::{Placed, Segment};
use perfbench_harness::Unavailable;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What it is, for the table.
pub const ABOUT: &str = "linear search over whole entries, a running total, no synchronisation";

/// The printed table of every number of entries.
pub struct Family;

impl OfEntries for Family {
    type Of<const ENTRIES: usize> = Printed<ENTRIES>;
}

/// Behind the reference count.
pub const OFFSET_BYTES: u64 = 4;

const NAME_BYTES: usize = 64;
const NAME_WORDS: usize = NAME_BYTES / 4;
/// Offset, size, element size and count of two words each, and a flag that is padded to two.
const ENTRY_WORDS: usize = NAME_WORDS + 4 * 2 + 2;
const ACTIVE: usize = NAME_WORDS + 8;

const _: () = assert!(ENTRY_WORDS * 4 == 104);
const _: () = assert!(!OFFSET_BYTES.is_multiple_of(align_of::<u64>() as u64), "no aligned word lies there");

/// A table whose words may be read and written by anybody at any time: sound, but not correct with two adders.
pub struct Printed<const ENTRIES: usize> {
    words: Placed<[AtomicU32]>,
    end_bytes: u64,
}

impl<const ENTRIES: usize> Printed<ENTRIES> {
    const TOTAL: usize = ENTRY_WORDS * ENTRIES;

    // Relaxed everywhere: the document gives the table no order at all.
    fn word(&self, index: usize) -> u32 {
        self.words[index].load(Ordering::Relaxed)
    }

    fn set(&self, index: usize, word: u32) {
        self.words[index].store(word, Ordering::Relaxed);
    }

    fn size(&self, index: usize) -> u64 {
        u64::from(self.word(index)) | u64::from(self.word(index + 1)) << 32
    }

    fn set_size(&self, index: usize, size: u64) {
        self.set(index, size as u32);
        self.set(index + 1, (size >> 32) as u32);
    }

    fn is(&self, entry: usize, name: &[u32; NAME_WORDS]) -> bool {
        let first = entry * ENTRY_WORDS;
        self.word(first + ACTIVE) != 0 && (0..NAME_WORDS).all(|i| self.word(first + i) == name[i])
    }

    fn position(&self, name: &[u32; NAME_WORDS]) -> Option<usize> {
        (0..ENTRIES).find(|entry| self.is(*entry, name))
    }

    fn is_used(&self, entry: usize) -> bool {
        let first = entry * ENTRY_WORDS;
        self.word(first + ACTIVE) != 0 || self.word(first) != 0
    }

    /// A reservation during which `meanwhile` happens: another process between the two halves of the printed sum.
    ///
    /// # Errors
    /// `NoSpace`.
    pub fn reserve_interrupted(&self, size_bytes: u64, meanwhile: impl FnOnce()) -> Result<u64, TableError> {
        let no_space = TableError::NoSpace { asked_bytes: size_bytes };
        let total_bytes = self.size(Self::TOTAL);
        meanwhile();
        let offset_bytes = OFFSET_BYTES + Self::TABLE_BYTES + total_bytes;
        let end_bytes = offset_bytes.checked_add(size_bytes).ok_or(no_space)?;
        if end_bytes > self.end_bytes {
            return Err(no_space);
        }
        self.set_size(Self::TOTAL, total_bytes + size_bytes);
        Ok(offset_bytes)
    }

    fn write(&self, entry: usize, name: &[u32; NAME_WORDS], offset_bytes: u64, shape: Shape) {
        let first = entry * ENTRY_WORDS;
        for (index, word) in name.iter().enumerate() {
            self.set(first + index, *word);
        }
        let sizes = [offset_bytes, shape.element_bytes * shape.count, shape.element_bytes, shape.count];
        for (index, size) in sizes.into_iter().enumerate() {
            self.set_size(first + NAME_WORDS + 2 * index, size);
        }
        self.set(first + ACTIVE, 1);
    }
}

fn name_words(name: &str) -> Result<[u32; NAME_WORDS], TableError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() >= NAME_BYTES || bytes.contains(&0) {
        return Err(TableError::BadName);
    }
    let mut padded = [0; NAME_BYTES];
    padded[..bytes.len()].copy_from_slice(bytes);
    let word = |i: usize| u32::from_ne_bytes(padded[4 * i..4 * i + 4].try_into().expect("four bytes"));
    Ok(std::array::from_fn(word))
}

impl<const ENTRIES: usize> Table for Printed<ENTRIES> {
    const ALIGN_BYTES: u64 = 1;
    const TABLE_BYTES: u64 = (ENTRY_WORDS * 4 * ENTRIES + size_of::<u64>()) as u64;

    fn at(segment: &Arc<Segment>) -> Result<Self, Unavailable> {
        const { assert!(is_documented_size(Self::TABLE_BYTES)) };
        let words = Placed::row(segment, OFFSET_BYTES, Self::TOTAL + 2);
        Ok(Self { words: words?, end_bytes: segment.payload_bytes() })
    }

    fn add(&self, name: &str, shape: Shape) -> Result<Entry, TableError> {
        let name = name_words(name)?;
        if self.position(&name).is_some() {
            return Err(TableError::Taken);
        }
        let free = (0..ENTRIES).find(|entry| !self.is_used(*entry)).ok_or(TableError::NoEntry)?;
        let offset_bytes = self.reserve(shape.size_bytes()?)?;
        self.write(free, &name, offset_bytes, shape);
        Ok(Entry { offset_bytes, shape })
    }

    /// The document's entries tell nothing of the type: the layout found is zero.
    fn find(&self, name: &str) -> Result<Entry, TableError> {
        let entry = self.position(&name_words(name)?).ok_or(TableError::Missing)?;
        let size = |index: usize| self.size(entry * ENTRY_WORDS + NAME_WORDS + 2 * index);
        let shape = Shape { element_bytes: size(2), count: size(3), layout: 0 };
        Ok(Entry { offset_bytes: size(0), shape })
    }

    fn erase(&self, name: &str) -> Result<(), TableError> {
        let entry = self.position(&name_words(name)?).ok_or(TableError::Missing)?;
        self.set(entry * ENTRY_WORDS + ACTIVE, 0);
        Ok(())
    }

    #[inline(always)]
    fn reserve(&self, size_bytes: u64) -> Result<u64, TableError> {
        self.reserve_interrupted(size_bytes, || ())
    }

    fn reserved_bytes(&self) -> u64 {
        OFFSET_BYTES + Self::TABLE_BYTES + self.size(Self::TOTAL)
    }

    fn rewind(&self, reserved_bytes: u64) {
        self.set_size(Self::TOTAL, reserved_bytes - OFFSET_BYTES - Self::TABLE_BYTES);
    }
}
