//! Appending to words of memory, by one thread or by many at once: every word of a record is in place before its mark, and
//! nobody is told of a record before all earlier ones are marked. Where the words lie is the caller's affair.

use super::Error;
use super::format::{HEADER_WORDS, Header, Stamp, words_of_record};
use crate::sync::{AtomicU64, Ordering, pause_or_yield};

/// Zeroed words for header and records.
pub trait Memory: Send + Sync + 'static {
    /// The words.
    fn words(&self) -> &[AtomicU64];
}

impl Memory for Box<[AtomicU64]> {
    fn words(&self) -> &[AtomicU64] {
        self
    }
}

/// Writes a header where nobody appends yet.
fn put_header(memory: &impl Memory, header: Header) {
    for (word, value) in memory.words().iter().zip(header.to_words()) {
        // Relaxed: appenders and readers are told of the memory later.
        word.store(value.to_le(), Ordering::Relaxed);
    }
}

/// Puts a record at `at` and commits it.
#[inline(always)]
fn put_record(words: &[AtomicU64], at: usize, stamp: Stamp, sequence: u64, payload: &[u8]) {
    let record = &words[at..at + words_of_record(payload.len())];
    let mark =
        stamp.lay_out(sequence, payload, |index, word| record[index].store(word.to_le(), Ordering::Relaxed));
    // Release: all of the record is there before its mark; pairs with the Acquire loads of marks, and after a kill with
    // whoever maps the file next.
    record[0].store(mark.to_le(), Ordering::Release);
}

fn begun_anew(header: Header, records: u64) -> Header {
    Header { epoch: header.epoch + 1, first_sequence: header.first_sequence + records, ..header }
}

/// A journal of one appending thread.
pub struct Alone<M> {
    memory: M,
    header: Header,
    stamp: Stamp,
    /// Where the next record goes.
    at: usize,
    records: u64,
}

impl<M: Memory> Alone<M> {
    /// An empty journal in zeroed memory.
    pub fn create(memory: M, header: Header) -> Self {
        put_header(&memory, header);
        Self::resume(memory, header, HEADER_WORDS, 0)
    }

    /// A journal that holds so many records and goes on at a word.
    pub fn resume(memory: M, header: Header, at: usize, records: u64) -> Self {
        Self { memory, header, stamp: header.stamp(), at, records }
    }

    /// Appends a record and returns its number; it outlives this process.
    ///
    /// # Errors
    /// [`Error::Full`].
    #[inline(always)]
    pub fn append(&mut self, payload: &[u8]) -> Result<u64, Error> {
        let (words, end) = (self.memory.words(), self.at + words_of_record(payload.len()));
        if end > words.len() || payload.len() > u32::MAX as usize {
            return Err(Error::Full { left_bytes: 8 * (words.len() - self.at) });
        }
        let sequence = self.header.first_sequence + self.records;
        put_record(words, self.at, self.stamp, sequence, payload);
        (self.at, self.records) = (end, self.records + 1);
        Ok(sequence)
    }

    /// Forgets all records and begins anew: nothing is zeroed, because marks of another epoch are none.
    pub fn restart(&mut self) {
        self.header = begun_anew(self.header, self.records);
        put_header(&self.memory, self.header);
        (self.stamp, self.at, self.records) = (self.header.stamp(), HEADER_WORDS, 0);
    }

    /// Where the records lie.
    pub fn memory(&self) -> &M {
        &self.memory
    }
}

/// Records and words of a journal, in one word, so that both are reserved at once.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    records: u32,
    words: u32,
}

impl Place {
    const START: Place = Place { records: 0, words: HEADER_WORDS as u32 };

    #[inline(always)]
    fn of(packed: u64) -> Self {
        Self { records: (packed >> 32) as u32, words: packed as u32 }
    }

    #[inline(always)]
    fn packed(self) -> u64 {
        u64::from(self.records) << 32 | u64::from(self.words)
    }

    /// Behind one more record; the header bounds both numbers.
    #[inline(always)]
    fn behind(self, payload_bytes: usize) -> Self {
        let words = self.words + words_of_record(payload_bytes) as u32;
        Self { records: self.records + 1, words }
    }
}

/// A journal of many appending threads.
pub struct Shared<M> {
    memory: M,
    header: Header,
    stamp: Stamp,
    reserved: AtomicU64,
    /// Up to here every record is marked, and whoever appended it may be told.
    acknowledged: AtomicU64,
}

impl<M: Memory> Shared<M> {
    /// An empty journal in zeroed memory.
    pub fn create(memory: M, header: Header) -> Self {
        put_header(&memory, header);
        Self::resume(memory, header, HEADER_WORDS, 0)
    }

    /// A journal that holds so many records and goes on at a word.
    pub fn resume(memory: M, header: Header, at: usize, records: u64) -> Self {
        let place = Place { records: records as u32, words: at as u32 }.packed();
        let at = || AtomicU64::new(place);
        Self { memory, header, stamp: header.stamp(), reserved: at(), acknowledged: at() }
    }

    /// Appends a record and returns its number once it and every earlier one are committed: it outlives this process.
    ///
    /// # Errors
    /// [`Error::Full`].
    #[inline(always)]
    pub fn append(&self, payload: &[u8]) -> Result<u64, Error> {
        let place = self.reserve(payload.len())?;
        let sequence = self.header.first_sequence + u64::from(place.records);
        put_record(self.memory.words(), place.words as usize, self.stamp, sequence, payload);
        self.acknowledge(place);
        Ok(sequence)
    }

    /// Takes the next place, unless it would end behind the memory.
    #[inline(always)]
    fn reserve(&self, payload_bytes: usize) -> Result<Place, Error> {
        let words = self.memory.words().len();
        let mut packed = self.reserved.load(Ordering::Relaxed);
        loop {
            let place = Place::of(packed);
            let left = words - place.words as usize;
            if words_of_record(payload_bytes) > left || payload_bytes > u32::MAX as usize {
                return Err(Error::Full { left_bytes: 8 * left });
            }
            let behind = place.behind(payload_bytes).packed();
            // Relaxed: the place was nobody's before, and its mark publishes what is put there.
            match self.reserved.compare_exchange_weak(packed, behind, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(place),
                Err(now) => packed = now,
            }
        }
    }

    /// Moves the border of what is acknowledged over every marked record, and waits until it lies behind `place`.
    #[inline(always)]
    fn acknowledge(&self, place: Place) {
        let mut attempt = 0;
        loop {
            // Relaxed: whoever reads what is acknowledged takes it over by loads of its own.
            let border = Place::of(self.acknowledged.load(Ordering::Relaxed));
            if border.words > place.words {
                return;
            }
            match self.behind_marked(border) {
                None => pause_or_yield(&mut attempt),
                Some(behind) => {
                    let (from, to) = (border.packed(), behind.packed());
                    // Release hands on what the mark showed; pairs with the Acquire load of whoever reads, also where
                    // others move the border on. A failure is no loss: somebody else moved it.
                    let _ =
                        self.acknowledged.compare_exchange(from, to, Ordering::Release, Ordering::Relaxed);
                }
            }
        }
    }

    /// Behind the record at the border, where it is marked.
    #[inline(always)]
    fn behind_marked(&self, border: Place) -> Option<Place> {
        let words = self.memory.words();
        // Acquire takes over the record with its mark; pairs with the Release store in `put_record`.
        let mark = u64::from_le(words[border.words as usize].load(Ordering::Acquire));
        let payload_bytes = self.stamp.payload_bytes(mark)?;
        // What an earlier epoch has left may look like a mark; its number does not fit, and the length may not.
        let sequence = u64::from_le(words[border.words as usize + 1].load(Ordering::Relaxed));
        let is_due = sequence == self.header.first_sequence + u64::from(border.records);
        let fits = words_of_record(payload_bytes) <= words.len() - border.words as usize;
        (is_due && fits).then(|| border.behind(payload_bytes))
    }

    /// The words of every acknowledged record, in order: number, payload bytes, payload.
    pub fn for_each_acknowledged(&self, mut visit: impl FnMut(u64, usize, &[AtomicU64])) {
        let words = self.memory.words();
        // Acquire: every record before the border is whole; pairs with the Release exchange in `acknowledge`.
        let border = Place::of(self.acknowledged.load(Ordering::Acquire));
        let mut at = Place::START;
        while at.words < border.words {
            let record = &words[at.words as usize..];
            let mark = u64::from_le(record[0].load(Ordering::Relaxed));
            let payload_bytes = self.stamp.payload_bytes(mark).expect("acknowledged records are marked");
            let number = u64::from_le(record[1].load(Ordering::Relaxed));
            visit(number, payload_bytes, &record[3..words_of_record(payload_bytes)]);
            at = at.behind(payload_bytes);
        }
    }

    /// Forgets all records and begins anew, while nobody else appends.
    pub fn restart(&mut self) {
        let records = u64::from(Place::of(self.reserved.load(Ordering::Relaxed)).records);
        self.header = begun_anew(self.header, records);
        put_header(&self.memory, self.header);
        self.stamp = self.header.stamp();
        self.reserved = AtomicU64::new(Place::START.packed());
        self.acknowledged = AtomicU64::new(Place::START.packed());
    }

    /// Where the records lie.
    pub fn memory(&self) -> &M {
        &self.memory
    }
}
