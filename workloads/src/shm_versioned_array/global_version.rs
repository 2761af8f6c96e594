//! One version for the whole array, as document 003 has it, with the words made atomic so that a race is none: every write
//! turns every reader back, whichever element it reads.

use super::{Array, Read, Write};
use crate::ring_spsc::memory::{Layout, Line, Memory};
use crate::seqlock::{State, WORDS};
use crate::sync::{AtomicU64, Ordering, fence};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "one version for the whole array";

/// The array.
pub struct GlobalVersion;

type Shared = Memory<Header, Element>;

/// The version: odd while a write is under way.
pub struct Header(Line<AtomicU64>);

/// The words of an element.
pub struct Element([AtomicU64; WORDS]);

impl Layout<Element> for Header {
    fn drop_unread(&mut self, _: &mut [Element]) {}
}

fn header() -> Header {
    Header(Line(AtomicU64::new(0)))
}

fn elements(count: usize) -> impl ExactSizeIterator<Item = Element> {
    (0..count).map(|_| Element(std::array::from_fn(|_| AtomicU64::new(0))))
}

impl Array for GlobalVersion {
    type Writer = Writer;
    type Reader = Reader;

    fn on_heap(count: usize) -> (Writer, Reader) {
        let [writer, reader] = Memory::boxed(header(), elements(count));
        (Writer(writer), Reader(reader))
    }

    fn mapped(count: usize) -> Result<(Writer, Reader), Unavailable> {
        let [writer, reader] = Memory::mapped(header(), elements(count))?;
        Ok((Writer(writer), Reader(reader)))
    }
}

/// The only side that writes.
pub struct Writer(Shared);

/// A side that reads.
#[derive(Clone)]
pub struct Reader(Shared);

#[inline(always)]
fn words(memory: &Shared, index: usize) -> &[AtomicU64; WORDS] {
    assert!(index < memory.slot_count(), "the array has no such element");
    // SAFETY: just compared with the number of elements.
    unsafe { &memory.slot(index).0 }
}

impl Write for Writer {
    #[inline(always)]
    fn write(&mut self, index: usize, state: State) {
        let version = &self.0.header().0.0;
        // Relaxed: only this side writes it. An odd one is left by a writer that died, and healed by this write.
        let odd = version.load(Ordering::Relaxed) | 1;
        version.store(odd, Ordering::Relaxed);
        // Release: whoever sees a word stored below sees the odd version; pairs with the fence in `try_read`.
        fence(Ordering::Release);
        for (word, value) in words(&self.0, index).iter().zip(state) {
            word.store(value, Ordering::Relaxed);
        }
        // Release publishes the words; pairs with the Acquire load in `try_read`.
        version.store(odd.wrapping_add(1), Ordering::Release);
    }
}

impl Read for Reader {
    #[inline(always)]
    fn try_read(&self, index: usize) -> Option<State> {
        let version = &self.0.header().0.0;
        // Acquire takes over the words of the write that ended so; pairs with the Release store in `write`.
        let before = version.load(Ordering::Acquire);
        if before % 2 == 1 {
            return None;
        }
        let words = words(&self.0, index);
        let state = std::array::from_fn(|word| words[word].load(Ordering::Relaxed));
        // Acquire: a word of a later write brings its odd version; pairs with the fence in `write`.
        fence(Ordering::Acquire);
        (version.load(Ordering::Relaxed) == before).then_some(state)
    }
}
