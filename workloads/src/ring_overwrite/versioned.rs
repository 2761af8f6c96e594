//! A version beside each frame in one line: the writer touches nothing of the reader's and never waits, the reader copies
//! a frame and then asks whether it was still the same. The frame is words of relaxed atomics, so that a copy that was
//! overtaken is thrown away and never undefined.

use super::{Frame, Overwriting, Read, WORDS, Write};
use crate::ring_spsc::memory::{Layout, Line, Memory};
use crate::sync::{AtomicU64, Ordering, fence};

/// What it is, for the table.
pub const ABOUT: &str = "a version beside each frame; the reader copies and then validates";

/// The ring between threads.
pub struct Versioned;

/// A frame for position p: the version is 2p + 1 while it is written and 2p + 2 when it is whole.
#[repr(C, align(64))]
pub struct Slot {
    version: AtomicU64,
    words: [AtomicU64; WORDS],
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Slot>() == 64);

impl Slot {
    fn empty() -> Self {
        Self { version: AtomicU64::new(0), words: [(); WORDS].map(|()| AtomicU64::new(0)) }
    }

    #[inline(always)]
    fn write(&self, position: u64, frame: Frame) {
        // Relaxed, and ordered before the words by the fence, which pairs with the one in `read`.
        self.version.store(2 * position + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (place, word) in self.words.iter().zip(frame) {
            place.store(word, Ordering::Relaxed);
        }
        // Relaxed: the count of frames, which follows, publishes words and version together.
        self.version.store(2 * position + 2, Ordering::Relaxed);
    }

    /// The frame of `position`, which the count says was written, unless a later one has taken its place.
    #[inline(always)]
    fn read(&self, position: u64) -> Option<Frame> {
        let frame = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
        // Whoever read a word of a later frame sees, behind this fence, that its writing has begun.
        fence(Ordering::Acquire);
        (self.version.load(Ordering::Relaxed) == 2 * position + 2).then_some(frame)
    }
}

/// How many frames were written.
pub struct Written(Line<AtomicU64>);

impl Layout<Slot> for Written {
    /// Frames need no drop.
    fn drop_unread(&mut self, _: &mut [Slot]) {}
}

/// One side and its own position.
struct Side {
    memory: Memory<Written, Slot>,
    position: u64,
}

impl Side {
    fn capacity(&self) -> u64 {
        self.memory.slot_count() as u64
    }

    #[inline(always)]
    fn slot(&self) -> &Slot {
        // SAFETY: masked by the number of slots less one, which is a power of two.
        unsafe { self.memory.slot((self.position & (self.capacity() - 1)) as usize) }
    }
}

/// The only side that writes.
pub struct Writer(Side);

/// The only side that reads.
pub struct Reader {
    side: Side,
    dropped: u64,
}

impl Overwriting for Versioned {
    type Writer = Writer;
    type Reader = Reader;

    /// # Panics
    /// Where `capacity` is no power of two.
    fn ring(capacity: usize) -> (Writer, Reader) {
        assert!(capacity.is_power_of_two(), "positions are masked");
        let written = Written(Line(AtomicU64::new(0)));
        let [writer, reader] = Memory::boxed(written, (0..capacity).map(|_| Slot::empty()))
            .map(|memory| Side { memory, position: 0 });
        (Writer(writer), Reader { side: reader, dropped: 0 })
    }
}

impl Write for Writer {
    #[inline(always)]
    fn push(&mut self, frame: Frame) {
        self.0.slot().write(self.0.position, frame);
        self.0.position += 1;
        // Release: who sees the count sees the frame and its version; pairs with the Acquire load in `try_pop`.
        self.0.memory.header().0.0.store(self.0.position, Ordering::Release);
    }

    fn total_written(&self) -> u64 {
        self.0.position
    }
}

impl Reader {
    /// Moves on to the oldest position that may still be there, counting what lies between as dropped.
    fn skip_to(&mut self, oldest: u64) {
        self.dropped += oldest - self.side.position;
        self.side.position = oldest;
    }
}

impl Read for Reader {
    fn try_pop(&mut self) -> Option<Frame> {
        loop {
            // Acquire pairs with the Release store in `push`.
            let written = self.side.memory.header().0.0.load(Ordering::Acquire);
            let oldest = written.saturating_sub(self.side.capacity());
            if oldest > self.side.position {
                self.skip_to(oldest);
            }
            if self.side.position == written {
                return None;
            }
            if let Some(frame) = self.side.slot().read(self.side.position) {
                self.side.position += 1;
                return Some(frame);
            }
            // The slot is being written anew, so its frame is gone, whether or not the count tells so yet.
            self.skip_to(self.side.position + 1);
        }
    }

    fn dropped(&self) -> u64 {
        self.dropped
    }
}
