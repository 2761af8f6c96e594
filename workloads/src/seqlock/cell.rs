//! A value behind a sequence number (Boehm, "Can seqlocks get along with programming language memory models?", 2012): one
//! writer, any number of readers that never hold it up, and no data race, because the payload is a row of relaxed atomic
//! words. It lies in heap memory or in any mapping, where all zero is a cell that holds zeros. Cases are not here.

use crate::sync::{Arc, AtomicU64, Ordering, fence, pause_or_yield};
use std::array::from_fn;
use std::borrow::Borrow;
use std::marker::PhantomData;

/// A value that is a row of words, any bits of which are a value, so that it can be copied a word at a time.
pub trait Plain<const WORDS: usize>: Copy + Send + 'static {
    /// The words that stand for the value.
    fn to_words(self) -> [u64; WORDS];

    /// The value that the words stand for.
    fn of_words(words: [u64; WORDS]) -> Self;
}

impl<const WORDS: usize> Plain<WORDS> for [u64; WORDS] {
    #[inline(always)]
    fn to_words(self) -> [u64; WORDS] {
        self
    }

    #[inline(always)]
    fn of_words(words: [u64; WORDS]) -> Self {
        words
    }
}

/// A versioned value: the sequence number, odd while a write is under way, and the words behind it. Up to seven words share
/// the line of their sequence number, unless `S` keeps it apart.
#[repr(C, align(64))]
pub struct Cell<T, const WORDS: usize, S = AtomicU64> {
    sequence: S,
    words: [AtomicU64; WORDS],
    value: PhantomData<fn() -> T>,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Cell<[u64; 7], 7>>() == 64 && align_of::<Cell<[u64; 7], 7>>() == 64);

impl<T: Plain<WORDS>, const WORDS: usize, S: Borrow<AtomicU64>> Cell<T, WORDS, S> {
    /// A cell that holds `value`, as its first version.
    pub fn new(sequence: S, value: T) -> Self {
        Self { sequence, words: value.to_words().map(AtomicU64::new), value: PhantomData }
    }

    /// How many writes have begun and ended; a write under way counts a half, so that an odd number tells one.
    pub fn half_writes(&self) -> u64 {
        self.sequence.borrow().load(Ordering::Relaxed)
    }

    /// The value, or none where a write was under way: the reader decides how long it goes on trying, because the writer
    /// may have died within one.
    #[inline(always)]
    pub fn try_read(&self) -> Option<T> {
        let sequence = self.sequence.borrow();
        // Acquire takes over the words of the write that ended so; pairs with the Release store in `fill`.
        let before = sequence.load(Ordering::Acquire);
        if before % 2 == 1 {
            return None;
        }
        let words = from_fn(|index| self.words[index].load(Ordering::Relaxed));
        // Acquire: a word of a later write brings with it that write's odd number; pairs with the Release fence in `fill`.
        fence(Ordering::Acquire);
        (sequence.load(Ordering::Relaxed) == before).then(|| T::of_words(words))
    }

    /// The value, as soon as no write is under way: a pause after each attempt, and the CPU is yielded where they go on.
    #[inline(always)]
    pub fn read(&self) -> T {
        match self.try_read() {
            Some(value) => value,
            None => self.read_patiently(),
        }
    }

    /// Out of line, so that what an attempt spares in registers is not lost to the waits.
    #[cold]
    #[inline(never)]
    fn read_patiently(&self) -> T {
        let mut attempt = 0;
        loop {
            pause_or_yield(&mut attempt);
            if let Some(value) = self.try_read() {
                return value;
            }
        }
    }

    /// Writes a value, as the only writer just now: of two at once a reader may see a mixture. A writer that follows a dead
    /// one heals the cell by its first write.
    #[inline(always)]
    pub fn write(&self, value: T) {
        let sequence = self.sequence.borrow();
        let odd = sequence.load(Ordering::Relaxed) | 1;
        sequence.store(odd, Ordering::Relaxed);
        self.fill(odd, value);
    }

    /// Writes a value as soon as no other write is under way: the odd number is the writers' lock, which a writer that dies
    /// within a write leaves taken.
    #[inline(always)]
    pub fn write_among_many(&self, value: T) {
        let sequence = self.sequence.borrow();
        let mut attempt = 0;
        loop {
            let even = sequence.load(Ordering::Relaxed) & !1;
            // Acquire keeps this write behind the one before; pairs with the Release store in `fill`.
            let taken = sequence.compare_exchange_weak(even, even | 1, Ordering::Acquire, Ordering::Relaxed);
            if taken.is_ok() {
                return self.fill(even | 1, value);
            }
            pause_or_yield(&mut attempt);
        }
    }

    /// Stores the words between an odd number, which stands there already, and the next even one.
    #[inline(always)]
    fn fill(&self, odd: u64, value: T) {
        // Release: whoever sees a word stored below also sees the odd number; pairs with the Acquire fence in `try_read`.
        fence(Ordering::Release);
        for (word, value) in self.words.iter().zip(value.to_words()) {
            word.store(value, Ordering::Relaxed);
        }
        // Release publishes the words; pairs with the Acquire load in `try_read`.
        self.sequence.borrow().store(odd.wrapping_add(1), Ordering::Release);
    }
}

/// The only writer of a cell on the heap: not `Clone`, so the type holds what the algorithm asks.
pub struct Writer<T, const WORDS: usize, S = AtomicU64>(Arc<Cell<T, WORDS, S>>);

/// One of many readers of a cell on the heap.
pub struct Reader<T, const WORDS: usize, S = AtomicU64>(Arc<Cell<T, WORDS, S>>);

/// A cell on the heap as its writer and a first reader.
pub fn split<T, const WORDS: usize, S>(sequence: S, value: T) -> (Writer<T, WORDS, S>, Reader<T, WORDS, S>)
where
    T: Plain<WORDS>,
    S: Borrow<AtomicU64>,
{
    let cell = Arc::new(Cell::new(sequence, value));
    (Writer(cell.clone()), Reader(cell))
}

impl<T: Plain<WORDS>, const WORDS: usize, S: Borrow<AtomicU64>> Writer<T, WORDS, S> {
    /// Writes a value; never waits.
    #[inline(always)]
    pub fn write(&mut self, value: T) {
        self.0.write(value);
    }
}

impl<T: Plain<WORDS>, const WORDS: usize, S: Borrow<AtomicU64>> Reader<T, WORDS, S> {
    /// The value, as soon as no write is under way.
    #[inline(always)]
    pub fn read(&self) -> T {
        self.0.read()
    }

    /// The value, or none where a write was under way.
    #[inline(always)]
    pub fn try_read(&self) -> Option<T> {
        self.0.try_read()
    }
}

impl<T, const WORDS: usize, S> Clone for Reader<T, WORDS, S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
