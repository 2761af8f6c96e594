//! Entries in the buckets themselves: a bucket is one cache line of four keys and their values, so a find that hits is one
//! line; a full bucket overflows into the next. Insertion is lock-free, and finished by the next one where it was killed.

use super::{Full, Map, hash};
use crate::shm::{Placed, Shareable};
#[cfg(not(loom))]
use crate::shm::{Segment, SegmentError, layout_hash, scratch};
use crate::sync::{AtomicU64, Ordering};
#[cfg(loom)]
use perfbench_harness::Reason;
use perfbench_harness::Unavailable;
use std::num::NonZeroU64;
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "four entries in a cache line, the next line where it is full";

const SLOTS: usize = 4;

/// Keys first, so that one look at half a line tells where the value is. A slot is free while its key is zero, and holds
/// nothing yet while its value is.
#[repr(C, align(64))]
struct Line {
    keys: [AtomicU64; SLOTS],
    values: [AtomicU64; SLOTS],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Line>() == 64);

// SAFETY: all fields are atomic integers, of which every pattern is a value; loom's atomics lie on the heap only.
unsafe impl Shareable for Line {}

/// A power of two of lines.
pub struct Lines(Placed<[Line]>);

/// What came of looking at one line.
enum Seen {
    Slot(usize),
    Free,
    Full,
}

impl Lines {
    /// About two keys a line: where keys fall at random, one line in twenty overflows.
    fn count(keys: usize) -> usize {
        (keys / 2 + 1).next_power_of_two().max(2)
    }

    /// Bytes of payload that a map for so many keys takes.
    pub fn len_bytes(keys: usize) -> u64 {
        (Self::count(keys) * size_of::<Line>()) as u64
    }

    /// The map at the start of a segment's payload; zeros are an empty one.
    ///
    /// # Errors
    /// Why it does not fit.
    #[cfg(not(loom))]
    pub fn at(segment: &Arc<Segment>, keys: usize) -> Result<Self, SegmentError> {
        Placed::row(segment, 0, Self::count(keys)).map(Self)
    }

    /// Holds on one map on the heap.
    pub fn on_heap<const HOLDS: usize>(keys: usize) -> [Self; HOLDS] {
        let zeros = || std::array::from_fn(|_| AtomicU64::new(0));
        let lines = (0..Self::count(keys)).map(|_| Line { keys: zeros(), values: zeros() });
        let lines: Arc<[Line]> = lines.collect();
        std::array::from_fn(|_| Self(Placed::on_heap(lines.clone())))
    }

    #[inline(always)]
    fn start(&self, key: NonZeroU64) -> usize {
        (hash(key) >> (64 - self.0.len().trailing_zeros())) as usize
    }

    /// The slot of `key` for an inserter, which claims the first free one. Slots fill in order and are never freed, so all
    /// inserters of a key meet in one slot.
    fn claim(&self, key: NonZeroU64) -> Result<&AtomicU64, Full> {
        let (start, mask) = (self.start(key), self.0.len() - 1);
        for distance in 0..self.0.len() {
            let line = &self.0[(start + distance) & mask];
            for (slot, value) in line.keys.iter().zip(&line.values) {
                if claimed(slot, key.get()) {
                    return Ok(value);
                }
            }
        }
        Err(Full)
    }
}

/// Whether the slot is this key's, which takes it where it is free. Relaxed: a key publishes nothing, its value does.
fn claimed(slot: &AtomicU64, key: u64) -> bool {
    let mut found = slot.load(Ordering::Relaxed);
    if found == 0 {
        let claimed = slot.compare_exchange(0, key, Ordering::Relaxed, Ordering::Relaxed);
        found = claimed.map_or_else(|other| other, |_| key);
    }
    found == key
}

impl Line {
    #[inline(always)]
    fn look(&self, key: NonZeroU64) -> Seen {
        // All four are compared before any branch, which then goes the same way for every key that is there.
        let found = |wanted: u64| {
            self.keys.iter().enumerate().fold(SLOTS, |at, (slot, key)| {
                if key.load(Ordering::Relaxed) == wanted { at.min(slot) } else { at }
            })
        };
        match found(key.get()) {
            SLOTS => match found(0) {
                SLOTS => Seen::Full,
                _ => Seen::Free,
            },
            slot => Seen::Slot(slot),
        }
    }
}

impl Map for Lines {
    #[cfg(not(loom))]
    fn with_room_for(keys: usize) -> Result<Self, Unavailable> {
        let segment = scratch("map", Self::len_bytes(keys), layout_hash("shm_large_map lines"))?;
        Ok(Self::at(&segment, keys)?)
    }

    #[cfg(loom)]
    fn with_room_for(_: usize) -> Result<Self, Unavailable> {
        Err(Unavailable::new(Reason::Unsupported, "loom's atomics lie on the heap"))
    }

    fn insert(&self, key: NonZeroU64, value: NonZeroU64) -> Result<Option<NonZeroU64>, Full> {
        let place = self.claim(key)?;
        // Release gives away what the value leads to; pairs with the Acquire in `get`. Acquire takes over what the value
        // that is there leads to. A slot whose claimer was killed before this is finished here.
        let inserted = place.compare_exchange(0, value.get(), Ordering::Release, Ordering::Acquire);
        Ok(inserted.err().and_then(NonZeroU64::new))
    }

    #[inline(always)]
    fn get(&self, key: NonZeroU64) -> Option<NonZeroU64> {
        let (start, mask) = (self.start(key), self.0.len() - 1);
        for distance in 0..self.0.len() {
            let line = &self.0[(start + distance) & mask];
            match line.look(key) {
                // Acquire takes over what the value leads to; pairs with the Release in `insert`.
                Seen::Slot(slot) => return NonZeroU64::new(line.values[slot].load(Ordering::Acquire)),
                Seen::Free => return None,
                Seen::Full => {}
            }
        }
        None
    }

    fn clear(&mut self) {
        for line in self.0.iter() {
            line.keys.iter().chain(&line.values).for_each(|word| word.store(0, Ordering::Relaxed));
        }
    }
}
