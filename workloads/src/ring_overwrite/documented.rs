//! Document 003's overwriting push: a full ring is made free by moving the reader's index from the writer. The writer may
//! then fill a slot that the reader has begun to copy, and the reader sets the index back when it is done. Not in the
//! table: the tests show the fault. The frame is words of relaxed atomics, so that what tears is data and nothing worse.

use super::{Frame, Overwriting, Read, WORDS, Write};
use crate::sync::{Arc, AtomicU64, Ordering};

/// The ring between threads.
pub struct Documented;

struct Shared {
    head: AtomicU64,
    tail: AtomicU64,
    slots: Box<[[AtomicU64; WORDS]]>,
}

impl Shared {
    fn slot(&self, position: u64) -> &[AtomicU64; WORDS] {
        &self.slots[position as usize % self.slots.len()]
    }

    fn capacity(&self) -> u64 {
        self.slots.len() as u64
    }
}

/// The only side that writes.
pub struct Writer(Arc<Shared>);

/// The only side that reads, and how many frames it took.
pub struct Reader(Arc<Shared>, u64);

/// A frame half copied: what a reader has that was interrupted.
pub struct Begun {
    position: u64,
    first_word: u64,
}

impl Overwriting for Documented {
    type Writer = Writer;
    type Reader = Reader;

    fn ring(capacity: usize) -> (Writer, Reader) {
        let slots = (0..capacity).map(|_| [(); WORDS].map(|()| AtomicU64::new(0))).collect();
        let shared = Arc::new(Shared { head: AtomicU64::new(0), tail: AtomicU64::new(0), slots });
        (Writer(shared.clone()), Reader(shared, 0))
    }
}

impl Write for Writer {
    fn push(&mut self, frame: Frame) {
        let shared = &self.0;
        // Relaxed: only this side moves the tail. Acquire pairs with the Release in `finish`.
        let (tail, head) = (shared.tail.load(Ordering::Relaxed), shared.head.load(Ordering::Acquire));
        if tail - head == shared.capacity() {
            shared.head.store(head + 1, Ordering::Release);
        }
        for (place, word) in shared.slot(tail).iter().zip(frame) {
            place.store(word, Ordering::Relaxed);
        }
        // Release hands the slot over; pairs with the Acquire in `begin`.
        shared.tail.store(tail + 1, Ordering::Release);
    }

    fn total_written(&self) -> u64 {
        self.0.tail.load(Ordering::Relaxed)
    }
}

impl Reader {
    /// The first half of a pop: a position, and its first word.
    pub fn begin(&self) -> Option<Begun> {
        // Acquire pairs with the Release stores of both indices in `push`.
        let (head, tail) = (self.0.head.load(Ordering::Acquire), self.0.tail.load(Ordering::Acquire));
        let first_word = self.0.slot(head)[0].load(Ordering::Relaxed);
        (head != tail).then_some(Begun { position: head, first_word })
    }

    /// The second half: the other words, and the index moved on.
    pub fn finish(&mut self, begun: Begun) -> Frame {
        let mut frame = self.0.slot(begun.position).each_ref().map(|word| word.load(Ordering::Relaxed));
        frame[0] = begun.first_word;
        // Release hands the slot back; pairs with the Acquire in `push`.
        self.0.head.store(begun.position + 1, Ordering::Release);
        self.1 += 1;
        frame
    }
}

impl Read for Reader {
    fn try_pop(&mut self) -> Option<Frame> {
        let begun = self.begin()?;
        Some(self.finish(begun))
    }

    fn dropped(&self) -> u64 {
        self.0.head.load(Ordering::Acquire) - self.1
    }
}
