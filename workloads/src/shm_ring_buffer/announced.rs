//! The writer announces how far it is about to write before it does, and the reader looks at that after it has copied:
//! what was being overwritten meanwhile is dropped and counted as lost. Each side writes its own indices only, so neither can
//! disturb the other, and a side that is killed at any point leaves a stream that the other can go on with.

use super::words::{self, Shared};
use super::{Read, Stream, Write};
use crate::sync::{Ordering, fence};

/// What it is, for the table.
pub const ABOUT: &str = "the writer announces, the reader validates";

/// The stream.
pub struct Announced;

impl Stream for Announced {
    type Writer = Writer;
    type Reader = Reader;

    fn sides([writer, reader]: [Shared; 2]) -> (Writer, Reader) {
        (Writer::resumed(writer), Reader::resumed(reader))
    }
}

/// The side that writes.
pub struct Writer {
    memory: Shared,
    written: u64,
    /// Up to where a word may have been begun, by this writer or by one that was killed.
    begun: u64,
    /// The reader's index as it was read last.
    read: u64,
}

impl Writer {
    /// Goes on where the last writer was, which must be gone. What it had not published is not there.
    pub fn resumed(memory: Shared) -> Self {
        let header = memory.header();
        // Relaxed: the last writer is gone, so its indices do not move; the reader's as in `push_bulk`.
        let [begun, written, read] =
            [&header.begun, &header.written, &header.read].map(|index| index.0.load(Ordering::Relaxed));
        Self { memory, written, begun, read }
    }

    /// The writer that follows this one, whose process must be dead.
    pub fn successor(&self) -> Self {
        Self::resumed(self.memory.clone())
    }

    fn room(&self) -> usize {
        self.memory.slot_count().saturating_sub(self.written.wrapping_sub(self.read) as usize)
    }

    #[inline(always)]
    fn append(&mut self, words: &[u64]) {
        let end = self.written.wrapping_add(words.len() as u64);
        self.announce(end);
        words::write(&self.memory, self.written, words);
        self.written = end;
        // Release publishes the words; pairs with the Acquire in `copy`.
        self.memory.header().written.0.store(end, Ordering::Release);
    }

    #[inline(always)]
    fn announce(&mut self, end: u64) {
        if end.wrapping_sub(self.begun) <= self.memory.slot_count() as u64 {
            self.begun = end;
            self.memory.header().begun.0.store(end, Ordering::Relaxed);
        }
        // Release: whoever reads a word that is written from here on sees the announcement; pairs with the fence in `copy`.
        fence(Ordering::Release);
    }

    /// Announces a word, writes it, and leaves: what is left of a process that is killed before it publishes.
    pub fn write_and_leave(&mut self, word: u64) {
        self.announce(self.written.wrapping_add(1));
        words::write(&self.memory, self.written, &[word]);
    }
}

impl Write for Writer {
    #[inline(always)]
    fn push_bulk(&mut self, words: &[u64]) -> usize {
        if self.room() < words.len() {
            // Relaxed: a word is copied, then comes the fence in `copy`, then the index that lets go of it; this load comes
            // before the fence in `announce` and any word written over it. Had a copy such a later word, the two fences
            // would put this load before the very index that it read.
            self.read = self.memory.header().read.0.load(Ordering::Relaxed);
        }
        let count = self.room().min(words.len());
        if count > 0 {
            self.append(&words[..count]);
        }
        count
    }

    #[inline(always)]
    fn push_overwrite(&mut self, word: u64) {
        self.append(&[word]);
    }

    fn total_written(&self) -> u64 {
        self.written
    }
}

/// The side that reads.
pub struct Reader {
    memory: Shared,
    read: u64,
    /// The writer's index as it was read last.
    written: u64,
    lost: u64,
}

impl Reader {
    /// Goes on where the last reader was, which must be gone.
    pub fn resumed(memory: Shared) -> Self {
        // Relaxed: the last reader is gone, and this index is all that it wrote.
        let read = memory.header().read.0.load(Ordering::Relaxed);
        Self { memory, read, written: read, lost: 0 }
    }

    /// The reader that follows this one, whose process must be dead.
    pub fn successor(&self) -> Self {
        Self::resumed(self.memory.clone())
    }

    /// Words taken or lost so far, by this reader and those before it.
    pub fn position(&self) -> u64 {
        self.read
    }

    /// Copies the oldest words that are whole; how many, and how many before them are lost.
    #[inline(always)]
    fn copy(&mut self, into: &mut [u64]) -> (usize, u64) {
        let (header, capacity) = (self.memory.header(), self.memory.slot_count() as u64);
        if self.ready() < into.len() as u64 {
            // Acquire shows the words; pairs with the Release in `append`.
            self.written = header.written.0.load(Ordering::Acquire);
        }
        let count = self.ready().min(into.len() as u64) as usize;
        words::read(&self.memory, self.read, &mut into[..count]);
        // Acquire: if a word was one of a later lap, its announcement is seen below; pairs with the fence in `announce`.
        fence(Ordering::Acquire);
        let begun = header.begun.0.load(Ordering::Relaxed);
        let lost = begun.wrapping_sub(self.read).saturating_sub(capacity);
        if lost == 0 {
            return (count, 0);
        }
        let whole = count.saturating_sub(lost as usize);
        into.copy_within(count - whole..count, 0);
        (whole, lost)
    }

    /// Words that lie ready as far as is known; none where more was lost than that.
    #[inline(always)]
    fn ready(&self) -> u64 {
        (self.written.wrapping_sub(self.read) as i64).max(0) as u64
    }

    fn go_to(&mut self, index: u64) {
        self.read = index;
        // Relaxed: the fence in `copy` lies between the words and this, as `push_bulk` says.
        self.memory.header().read.0.store(index, Ordering::Relaxed);
    }
}

impl Read for Reader {
    #[inline(always)]
    fn pop_bulk(&mut self, into: &mut [u64]) -> usize {
        let (count, lost) = self.copy(into);
        if count > 0 || lost > 0 {
            self.lost += lost;
            self.go_to(self.read.wrapping_add(lost + count as u64));
        }
        count
    }

    fn peek(&mut self, into: &mut [u64]) -> usize {
        self.copy(into).0
    }

    fn lost(&self) -> Option<u64> {
        Some(self.lost)
    }
}
