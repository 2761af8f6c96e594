//! The table with its parts in order: a lock that outlives a killed adder, a reservation that is one compare-and-swap, a
//! dense row of hashes to search, entries that appear whole, and places aligned to a cache line. Readers take no lock.

use super::{Entry, OfEntries, Shape, Table, TableError, is_documented_size};
use crate::shm::robust_lock::{RobustLock, Signer, Stuck};
use crate::shm::{Identity, Placed, layout_hash};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::{Reason, Unavailable};
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str =
    "linear search over hashes, one compare-and-swap a place, a lock that outlives its holder";

/// The robust table of every number of entries.
pub struct Family;

impl OfEntries for Family {
    type Of<const ENTRIES: usize> = Robust<ENTRIES>;
}

/// Places are whole cache lines.
const ALIGN_BYTES: u64 = 64;
const NAME_BYTES: usize = 48;
const NAME_WORDS: usize = NAME_BYTES / 8;

/// All zeros are an empty table. Entries are filled in order and never again.
#[repr(C, align(64))]
struct Body<const ENTRIES: usize> {
    lock: RobustLock,
    /// What is reserved behind the table.
    reserved_bytes: AtomicU64,
    _header: [AtomicU64; 6],
    /// Hash of each entry's name, zero until the entry is whole.
    keys: [AtomicU64; ENTRIES],
    records: [Record; ENTRIES],
}

#[repr(C)]
struct Record {
    name: [AtomicU64; NAME_WORDS],
    offset_bytes: AtomicU64,
    size_bytes: AtomicU64,
    element_bytes: AtomicU64,
    count: AtomicU64,
    layout: AtomicU64,
    active: AtomicU64,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Record>() == 96);
#[cfg(not(loom))]
const _: () = assert!(size_of::<Body<64>>() == 64 + 104 * 64);

// SAFETY: all fields are atomic integers, of which every pattern is a value; loom's atomics lie on the heap only.
unsafe impl<const ENTRIES: usize> crate::shm::Shareable for Body<ENTRIES> {}

/// A hold on a table, by one process.
pub struct Robust<const ENTRIES: usize> {
    body: Placed<Body<ENTRIES>>,
    signer: Signer,
    end_bytes: u64,
}

fn zeros<const COUNT: usize>() -> [AtomicU64; COUNT] {
    std::array::from_fn(|_| AtomicU64::new(0))
}

impl<const ENTRIES: usize> Body<ENTRIES> {
    fn empty() -> Self {
        let record = |_| Record {
            name: zeros(),
            offset_bytes: AtomicU64::new(0),
            size_bytes: AtomicU64::new(0),
            element_bytes: AtomicU64::new(0),
            count: AtomicU64::new(0),
            layout: AtomicU64::new(0),
            active: AtomicU64::new(0),
        };
        Self {
            lock: RobustLock::default(),
            reserved_bytes: AtomicU64::new(0),
            _header: zeros(),
            keys: zeros(),
            records: std::array::from_fn(record),
        }
    }
}

struct Name {
    words: [u64; NAME_WORDS],
    key: u64,
}

impl Name {
    fn new(name: &str) -> Result<Self, TableError> {
        let bytes = name.as_bytes();
        if bytes.is_empty() || bytes.len() > NAME_BYTES || bytes.contains(&0) {
            return Err(TableError::BadName);
        }
        let mut padded = [0; NAME_BYTES];
        padded[..bytes.len()].copy_from_slice(bytes);
        let word = |i: usize| u64::from_ne_bytes(padded[8 * i..8 * i + 8].try_into().expect("eight bytes"));
        // Zero marks an entry that is not there.
        Ok(Self { words: std::array::from_fn(word), key: layout_hash(name) | 1 })
    }
}

impl Record {
    // Relaxed below: the key's Release store gives a whole record away, its Acquire load takes it.
    fn is(&self, name: &Name) -> bool {
        self.is_active() && self.name.iter().zip(name.words).all(|(word, asked)| load(word) == asked)
    }

    fn is_active(&self) -> bool {
        load(&self.active) != 0
    }

    fn write(&self, name: &Name, entry: Entry, size_bytes: u64) {
        let set = |word: &AtomicU64, value| word.store(value, Ordering::Relaxed);
        self.name.iter().zip(name.words).for_each(|(word, value)| set(word, value));
        set(&self.offset_bytes, entry.offset_bytes);
        set(&self.size_bytes, size_bytes);
        set(&self.element_bytes, entry.shape.element_bytes);
        set(&self.count, entry.shape.count);
        set(&self.layout, entry.shape.layout);
        set(&self.active, 1);
    }

    fn entry(&self) -> Entry {
        let (element_bytes, count) = (load(&self.element_bytes), load(&self.count));
        let shape = Shape { element_bytes, count, layout: load(&self.layout) };
        Entry { offset_bytes: load(&self.offset_bytes), shape }
    }
}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

impl<const ENTRIES: usize> Robust<ENTRIES> {
    const LEN_BYTES: u64 = size_of::<Body<ENTRIES>>() as u64;

    /// Holds on one table on the heap, one for each signer, with `payload_bytes` to give away.
    pub fn on_heap(signers: impl IntoIterator<Item = Signer>, payload_bytes: u64) -> Vec<Self> {
        let body = Arc::new(Body::empty());
        let hold = |signer| Self {
            body: Placed::on_heap(body.clone()),
            signer,
            end_bytes: Self::LEN_BYTES + payload_bytes,
        };
        signers.into_iter().map(hold).collect()
    }

    /// The first active entry of that name, and how many entries are whole.
    fn search(&self, name: &Name) -> (Option<usize>, usize) {
        for (index, key) in self.body.keys.iter().enumerate() {
            // Acquire takes the record over from its adder; pairs with the Release in `publish`.
            match key.load(Ordering::Acquire) {
                0 => return (None, index),
                key if key == name.key && self.body.records[index].is(name) => return (Some(index), index),
                _ => {}
            }
        }
        (None, ENTRIES)
    }

    fn publish(&self, index: usize, name: &Name, entry: Entry, size_bytes: u64) {
        self.body.records[index].write(name, entry, size_bytes);
        // Release gives the whole record away; pairs with the Acquire in `search`. A process killed before this store has
        // added nothing, and its space is one more gap.
        self.body.keys[index].store(name.key, Ordering::Release);
    }

    /// An entry as an adder would have written it.
    fn sound(&self, index: usize) -> Result<Entry, TableError> {
        let record = &self.body.records[index];
        let entry = record.entry();
        let size_bytes = entry.shape.size_bytes().ok().filter(|size| *size == load(&record.size_bytes));
        let end_bytes = size_bytes.and_then(|size| entry.offset_bytes.checked_add(size));
        let inside =
            end_bytes.is_some_and(|end| entry.offset_bytes >= Self::LEN_BYTES && end <= self.end_bytes);
        let aligned = entry.offset_bytes.is_multiple_of(ALIGN_BYTES);
        if inside && aligned { Ok(entry) } else { Err(TableError::Damaged { index }) }
    }

    /// Looks at every entry: inside, aligned, and apart from all others.
    ///
    /// # Errors
    /// `Damaged` with the first that is not.
    pub fn audit(&self) -> Result<(), TableError> {
        let whole = self.body.keys.iter().take_while(|key| key.load(Ordering::Acquire) != 0).count();
        let mut places = Vec::with_capacity(whole);
        for index in 0..whole {
            let entry = self.sound(index)?;
            places.push((entry.offset_bytes, entry.offset_bytes + entry.shape.size_bytes()?, index));
        }
        places.sort_unstable();
        match places.windows(2).find(|pair| pair[0].1 > pair[1].0) {
            Some(pair) => Err(TableError::Damaged { index: pair[1].2 }),
            None => Ok(()),
        }
    }
}

impl From<Stuck> for TableError {
    fn from(stuck: Stuck) -> Self {
        TableError::Stuck { pid: Identity::of_word(stuck.holder).map_or(0, |identity| identity.pid) }
    }
}

impl<const ENTRIES: usize> Table for Robust<ENTRIES> {
    const ALIGN_BYTES: u64 = ALIGN_BYTES;
    const TABLE_BYTES: u64 = Self::LEN_BYTES;

    #[cfg(not(loom))]
    fn at(segment: &Arc<crate::shm::Segment>) -> Result<Self, Unavailable> {
        const { assert!(is_documented_size(Self::TABLE_BYTES)) };
        let body = Placed::one(segment, 0)?;
        let table = Self { body, signer: Signer::process(), end_bytes: segment.payload_bytes() };
        table.audit().map_err(|error| Unavailable::new(Reason::Broke, error.to_string()))?;
        Ok(table)
    }

    #[cfg(loom)]
    fn at(_: &Arc<crate::shm::Segment>) -> Result<Self, Unavailable> {
        let _ = is_documented_size(0);
        Err(Unavailable::new(Reason::Unsupported, "loom's atomics lie on the heap"))
    }

    fn add(&self, name: &str, shape: Shape) -> Result<Entry, TableError> {
        let (name, size_bytes) = (Name::new(name)?, shape.size_bytes()?);
        let _locked = self.body.lock.lock(&self.signer)?;
        let (found, free) = self.search(&name);
        if found.is_some() {
            return Err(TableError::Taken);
        }
        if free == ENTRIES {
            return Err(TableError::NoEntry);
        }
        let entry = Entry { offset_bytes: self.reserve(size_bytes)?, shape };
        self.publish(free, &name, entry, size_bytes);
        Ok(entry)
    }

    fn find(&self, name: &str) -> Result<Entry, TableError> {
        let (found, _) = self.search(&Name::new(name)?);
        self.sound(found.ok_or(TableError::Missing)?)
    }

    fn erase(&self, name: &str) -> Result<(), TableError> {
        let (found, _) = self.search(&Name::new(name)?);
        let active = &self.body.records[found.ok_or(TableError::Missing)?].active;
        // Relaxed: of several erasers one wins; what lies at the place stays there, so nothing is handed over.
        let erased = active.compare_exchange(1, 0, Ordering::Relaxed, Ordering::Relaxed);
        erased.map(|_| ()).map_err(|_| TableError::Missing)
    }

    #[inline(always)]
    fn reserve(&self, size_bytes: u64) -> Result<u64, TableError> {
        let no_space = TableError::NoSpace { asked_bytes: size_bytes };
        let whole_bytes = size_bytes.checked_next_multiple_of(ALIGN_BYTES).ok_or(no_space)?;
        let left_bytes = self.end_bytes.saturating_sub(Self::LEN_BYTES);
        // Relaxed: the sum gives every byte away once; what is written there is handed over by a key.
        let mut reserved_bytes = load(&self.body.reserved_bytes);
        loop {
            let sum_bytes = reserved_bytes.checked_add(whole_bytes).filter(|sum| *sum <= left_bytes);
            let sum_bytes = sum_bytes.ok_or(no_space)?;
            let exchanged = self.body.reserved_bytes.compare_exchange_weak(
                reserved_bytes,
                sum_bytes,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match exchanged {
                Ok(_) => return Ok(Self::LEN_BYTES + reserved_bytes),
                Err(now) => reserved_bytes = now,
            }
        }
    }

    fn reserved_bytes(&self) -> u64 {
        Self::LEN_BYTES + load(&self.body.reserved_bytes)
    }

    fn rewind(&self, reserved_bytes: u64) {
        self.body.reserved_bytes.store(reserved_bytes - Self::LEN_BYTES, Ordering::Relaxed);
    }
}
