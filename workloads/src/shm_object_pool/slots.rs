//! How a pool lies in shared memory: a header with two words on lines of their own, and one cache line a slot. What the
//! words mean is the variant's affair.

use super::Misuse;
use crate::ring_spsc::memory::{Layout, Line, Memory};
use crate::shm::Identity;
use crate::sync::{AtomicU32, AtomicU64, Handed, Ordering};
use perfbench_harness::Unavailable;

/// Words of an object: what its bookkeeping leaves of a cache line.
pub const OBJECT_WORDS: usize = 6;

/// Header and slots as a participant holds them.
pub type Shared = Memory<Header, Slot>;

/// The head of a free list, and how many took part so far.
#[repr(C)]
pub struct Header {
    pub(super) free: Line<AtomicU64>,
    pub(super) joined: Line<AtomicU64>,
}

impl Layout<Slot> for Header {
    fn drop_unread(&mut self, _: &mut [Slot]) {}
}

/// Who has the object (zero: nobody), a link or mark, and the object.
#[repr(C, align(64))]
pub struct Slot {
    pub(super) owner: AtomicU64,
    pub(super) link: AtomicU32,
    pub(super) object: Object,
}

/// Words that whoever has taken the object reads and writes.
#[repr(C)]
pub struct Object([Handed; OBJECT_WORDS]);

#[cfg(not(loom))]
const _: () = assert!(size_of::<Slot>() == 64 && align_of::<Slot>() == 64 && size_of::<Header>() == 256);

impl Object {
    /// Writes a word.
    #[inline(always)]
    pub fn write(&self, word: usize, value: u64) {
        self.0[word].write(value);
    }

    /// Reads a word.
    #[inline(always)]
    pub fn read(&self, word: usize) -> u64 {
        self.0[word].read()
    }
}

/// What a link says that leads nowhere; others are a slot's number plus one.
pub(super) const NOWHERE: u32 = 0;

pub(super) fn header() -> Header {
    // The list begins with the first slot.
    Header { free: Line(AtomicU64::new(1)), joined: Line(AtomicU64::new(0)) }
}

/// Slots that nobody has, each linked to the next.
pub(super) fn slots(capacity: usize) -> impl ExactSizeIterator<Item = Slot> {
    assert!(capacity > 0 && capacity < u32::MAX as usize, "numbers are 32 bits wide");
    (0..capacity as u32).map(move |index| Slot {
        owner: AtomicU64::new(0),
        link: AtomicU32::new(if index as usize + 1 == capacity { NOWHERE } else { index + 2 }),
        object: Object(std::array::from_fn(|_| Handed::new(0))),
    })
}

/// A pool's memory on the heap, for threads and models.
pub fn on_heap(capacity: usize) -> Shared {
    let [memory, _] = Memory::boxed(header(), slots(capacity));
    memory
}

/// A pool's memory in a mapping that forked processes share.
///
/// # Errors
/// What the kernel refused.
pub fn mapped(capacity: usize) -> Result<Shared, Unavailable> {
    let [memory, _] = Memory::mapped(header(), slots(capacity))?;
    Ok(memory)
}

/// The slot of a number that is given back.
///
/// # Errors
/// There is no such object, or it is not this process's.
#[inline(always)]
pub(super) fn own_slot(memory: &Shared, number: u32, who: Identity) -> Result<&Slot, Misuse> {
    let slot = slot(memory, number).ok_or(Misuse::Unknown)?;
    // Relaxed: a process sees its own signature.
    let owner = slot.owner.load(Ordering::Relaxed);
    if owner == who.word() {
        return Ok(slot);
    }
    Err(Identity::of_word(owner).map_or(Misuse::NotLent, Misuse::Foreign))
}

/// The slot of a number, where there is one.
#[inline(always)]
pub(super) fn slot(memory: &Shared, number: u32) -> Option<&Slot> {
    // SAFETY: below the number of slots.
    ((number as usize) < memory.slot_count()).then(|| unsafe { memory.slot(number as usize) })
}
