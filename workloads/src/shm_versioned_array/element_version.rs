//! A version in the line of each element: a write disturbs the readers of that element and of no other.

use super::{Array, Read, Write};
use crate::ring_spsc::memory::{Layout, Memory};
use crate::seqlock::cell::Cell;
use crate::seqlock::{State, WORDS};
use crate::sync::AtomicU64;
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "version and words of an element in one line";

/// The array.
pub struct ElementVersion;

/// A version and the words of an element.
pub type Element = Cell<State, WORDS>;
/// Header and elements as a side holds them.
pub(super) type Shared = Memory<Header, Element>;

/// Nothing: the elements say all.
#[repr(C, align(64))]
pub struct Header;

impl Layout<Element> for Header {
    fn drop_unread(&mut self, _: &mut [Element]) {}
}

pub(super) fn elements(count: usize) -> impl ExactSizeIterator<Item = Element> {
    (0..count).map(|_| Cell::new(AtomicU64::new(0), [0; WORDS]))
}

impl Array for ElementVersion {
    type Writer = Writer;
    type Reader = Reader;

    fn on_heap(count: usize) -> (Writer, Reader) {
        let [writer, reader] = Memory::boxed(Header, elements(count));
        (Writer(writer), Reader(reader))
    }

    fn mapped(count: usize) -> Result<(Writer, Reader), Unavailable> {
        let [writer, reader] = Memory::mapped(Header, elements(count))?;
        Ok((Writer(writer), Reader(reader)))
    }
}

/// The only side that writes.
pub struct Writer(pub(super) Shared);

/// A side that reads.
#[derive(Clone)]
pub struct Reader(pub(super) Shared);

#[inline(always)]
fn element(memory: &Shared, index: usize) -> &Element {
    assert!(index < memory.slot_count(), "the array has no such element");
    // SAFETY: just compared with the number of elements.
    unsafe { memory.slot(index) }
}

impl Write for Writer {
    #[inline(always)]
    fn write(&mut self, index: usize, state: State) {
        element(&self.0, index).write(state);
    }
}

impl Read for Reader {
    #[inline(always)]
    fn try_read(&self, index: usize) -> Option<State> {
        element(&self.0, index).try_read()
    }
}
