//! The ring buffer as document 003 describes it: whoever overwrites moves the reader's index on. A reader that is at the
//! oldest word then takes a newer one for it and moves the index back; the tests show it. Words are atomic, so that no
//! more than that goes wrong.

use super::words::{self, Shared};
use super::{Read, Stream, Write};
use crate::sync::Ordering;

/// What it is, for the table.
pub const ABOUT: &str = "overwriting moves the reader's index: words come twice or torn apart";

/// The stream.
pub struct MovedHead;

impl Stream for MovedHead {
    const OVERWRITES_SOUNDLY: bool = false;
    type Writer = Writer;
    type Reader = Reader;

    fn sides([writer, reader]: [Shared; 2]) -> (Writer, Reader) {
        (Writer(writer), Reader(reader))
    }
}

/// The side that writes.
pub struct Writer(Shared);

/// The side that reads.
pub struct Reader(Shared);

impl Writer {
    fn append(&mut self, words: &[u64]) {
        let written = &self.0.header().written.0;
        // Relaxed: only this side writes it.
        let first = written.load(Ordering::Relaxed);
        words::write(&self.0, first, words);
        // Release publishes the words; pairs with the Acquire in `begin_pop`.
        written.store(first.wrapping_add(words.len() as u64), Ordering::Release);
    }

    fn room(&self) -> usize {
        let header = self.0.header();
        // Acquire: the reader has let go of what lies before; pairs with the Release in `finish_pop`.
        let read = header.read.0.load(Ordering::Acquire);
        self.0.slot_count() - header.written.0.load(Ordering::Relaxed).wrapping_sub(read) as usize
    }
}

impl Write for Writer {
    #[inline(always)]
    fn push_bulk(&mut self, words: &[u64]) -> usize {
        let count = self.room().min(words.len());
        if count > 0 {
            self.append(&words[..count]);
        }
        count
    }

    #[inline(always)]
    fn push_overwrite(&mut self, word: u64) {
        let header = self.0.header();
        // Acquire: as in `room`.
        let read = header.read.0.load(Ordering::Acquire);
        let unread = header.written.0.load(Ordering::Relaxed).wrapping_sub(read);
        // The reader may have moved its index back meanwhile: then more than one lies beyond the capacity.
        if unread >= self.0.slot_count() as u64 {
            let first = header.written.0.load(Ordering::Relaxed).wrapping_add(1);
            // Relaxed: nobody takes anything over by it, since the reader reads this index Relaxed.
            header.read.0.store(first.wrapping_sub(self.0.slot_count() as u64), Ordering::Relaxed);
        }
        self.append(&[word]);
    }

    fn total_written(&self) -> u64 {
        self.0.header().written.0.load(Ordering::Relaxed)
    }
}

/// A pop half way: where it began, and how many words there were.
#[derive(Debug, Clone, Copy)]
pub struct Popping {
    first: u64,
    ready: usize,
}

impl Reader {
    /// Reads both indices.
    #[inline(always)]
    pub fn begin_pop(&self) -> Popping {
        let header = self.0.header();
        let first = header.read.0.load(Ordering::Relaxed);
        // Acquire shows the words; pairs with the Release in `append`.
        let ready = header.written.0.load(Ordering::Acquire).wrapping_sub(first) as usize;
        Popping { first, ready: ready.min(self.0.slot_count()) }
    }

    /// Copies words and moves the index on.
    #[inline(always)]
    pub fn finish_pop(&mut self, half: Popping, into: &mut [u64]) -> usize {
        let count = half.ready.min(into.len());
        words::read(&self.0, half.first, &mut into[..count]);
        if count > 0 {
            // Release lets go of the words; pairs with the Acquire in `room`.
            self.0.header().read.0.store(half.first.wrapping_add(count as u64), Ordering::Release);
        }
        count
    }
}

impl Read for Reader {
    #[inline(always)]
    fn pop_bulk(&mut self, into: &mut [u64]) -> usize {
        self.finish_pop(self.begin_pop(), into)
    }

    fn peek(&mut self, into: &mut [u64]) -> usize {
        let half = self.begin_pop();
        let count = half.ready.min(into.len());
        words::read(&self.0, half.first, &mut into[..count]);
        count
    }

    /// It cannot know: the writer moves its index.
    fn lost(&self) -> Option<u64> {
        None
    }
}
