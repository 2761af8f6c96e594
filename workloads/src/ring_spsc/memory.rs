//! Where a ring lies: one header and a row of slots, on the heap for threads, in a mapping or a named segment for processes.
//! What header and slots hold is the variant's affair.

pub mod placed;

use crate::shm::{Mapping, Segment};
use crate::sync::{Arc, UnsafeCell};
use perfbench_harness::Unavailable;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// A value on cache lines of its own: two of 64 bytes, because some CPUs fetch lines in pairs.
#[derive(Debug)]
#[repr(align(128))]
pub struct Line<T>(pub T);

/// A place for one item that producer and consumer hand to each other.
#[repr(transparent)]
pub struct Slot<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: every ring here lets one side at a time at a slot, and passes the turn with Release and Acquire.
unsafe impl<T: Send> Sync for Slot<T> {}

impl<T> Slot<T> {
    /// A slot that holds nothing.
    pub fn empty() -> Self {
        Slot(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Moves an item in.
    ///
    /// # Safety
    /// It is the caller's turn at this slot. What the slot held is forgotten.
    #[inline(always)]
    pub unsafe fn put(&self, item: T) {
        // SAFETY: the caller's turn makes this the only access to the slot.
        self.0.with_mut(|place| unsafe { place.write(MaybeUninit::new(item)) });
    }

    /// Moves the item out.
    ///
    /// # Safety
    /// It is the caller's turn at this slot, and it holds an item, which it must not give twice.
    #[inline(always)]
    pub unsafe fn take(&self) -> T {
        // SAFETY: the caller's turn makes this the only access to the slot.
        let item = self.0.with_mut(|place| unsafe { place.read() });
        // SAFETY: the caller vouches that the slot holds an item.
        unsafe { item.assume_init() }
    }
}

/// A header that knows which of its slots hold an item.
pub trait Layout<S> {
    /// Drops every item that nobody took.
    fn drop_unread(&mut self, slots: &mut [S]);
}

struct Boxed<H: Layout<S>, S> {
    header: H,
    slots: Box<[S]>,
}

impl<H: Layout<S>, S> Drop for Boxed<H, S> {
    fn drop(&mut self) {
        // A model that has failed is left as it is: loom would panic anew, which ends the process.
        if !(cfg!(loom) && std::thread::panicking()) {
            self.header.drop_unread(&mut self.slots);
        }
    }
}

enum Owner<H: Layout<S>, S> {
    Heap(Arc<Boxed<H, S>>),
    Mapped(std::sync::Arc<Mapping>),
    Segment(std::sync::Arc<Segment>),
}

impl<H: Layout<S>, S> Clone for Owner<H, S> {
    fn clone(&self) -> Self {
        match self {
            Owner::Heap(boxed) => Owner::Heap(boxed.clone()),
            Owner::Mapped(mapping) => Owner::Mapped(mapping.clone()),
            Owner::Segment(segment) => Owner::Segment(segment.clone()),
        }
    }
}

/// One side's hold on a header and its slots, which live until both sides let go.
pub struct Memory<H: Layout<S>, S> {
    header: NonNull<H>,
    slots: NonNull<S>,
    slot_count: usize,
    _owner: Owner<H, S>,
}

// SAFETY: as for `Arc`: it lends shared references only, and whichever side is the last drops header and slots.
unsafe impl<H: Layout<S> + Send + Sync, S: Send + Sync> Send for Memory<H, S> {}

/// One more hold, for structures of more than two sides.
impl<H: Layout<S>, S> Clone for Memory<H, S> {
    fn clone(&self) -> Self {
        let Self { header, slots, slot_count, _owner } = self;
        Self { header: *header, slots: *slots, slot_count: *slot_count, _owner: _owner.clone() }
    }
}

impl<H: Layout<S>, S> Memory<H, S> {
    /// Both sides' holds on heap memory; what is unread at the end is dropped.
    pub(crate) fn boxed(header: H, slots: impl Iterator<Item = S>) -> [Self; 2] {
        let boxed = Arc::new(Boxed { header, slots: slots.collect() });
        [Self::on_heap(boxed.clone()), Self::on_heap(boxed)]
    }

    fn on_heap(boxed: Arc<Boxed<H, S>>) -> Self {
        let slots = NonNull::new(boxed.slots.as_ptr().cast_mut()).expect("a box is never at zero");
        let (header, slot_count) = (NonNull::from(&boxed.header), boxed.slots.len());
        Self { header, slots, slot_count, _owner: Owner::Heap(boxed) }
    }

    /// Both sides' holds on a shared mapping with the slots right behind the header. Nothing in it is ever dropped,
    /// because neither process knows whether the other still reads.
    ///
    /// # Errors
    /// What the kernel refused.
    ///
    /// # Panics
    /// Where the iterator gives more slots than it says.
    pub(crate) fn mapped(
        header: H,
        slots: impl ExactSizeIterator<Item = S>,
    ) -> Result<[Self; 2], Unavailable> {
        const { assert!(align_of::<H>() <= 4096 && align_of::<S>() <= 4096) };
        let offset_bytes = size_of::<H>().next_multiple_of(align_of::<S>());
        let slot_count = slots.len();
        let mapping = Mapping::new(offset_bytes + slot_count * size_of::<S>())?;
        let start = mapping.start();
        // SAFETY: the mapping is longer than the offset.
        let first = unsafe { start.add(offset_bytes) }.cast::<S>();
        // SAFETY: a mapping starts at a page, which aligns every header, and nobody else knows of it yet.
        unsafe { start.cast::<H>().write(header) };
        for (index, slot) in slots.enumerate() {
            assert!(index < slot_count, "the iterator says how many slots it gives");
            // SAFETY: the mapping was made for this many slots.
            let place = unsafe { first.add(index) };
            // SAFETY: the offset is aligned for slots, and nobody else knows of the mapping yet.
            unsafe { place.write(slot) };
        }
        let owner = std::sync::Arc::new(mapping);
        let side =
            || Self { header: start.cast(), slots: first, slot_count, _owner: Owner::Mapped(owner.clone()) };
        Ok([side(), side()])
    }

    /// The header.
    #[inline(always)]
    pub fn header(&self) -> &H {
        // SAFETY: the owner keeps the header alive and in place, and lends it to nobody mutably.
        unsafe { self.header.as_ref() }
    }

    /// How many slots there are.
    pub(crate) fn slot_count(&self) -> usize {
        self.slot_count
    }

    /// Where slot `index` lies, to be prefetched: not to be dereferenced, and may lie behind the end.
    #[inline(always)]
    pub fn slot_address(&self, index: usize) -> *const S {
        self.slots.as_ptr().wrapping_add(index)
    }

    /// The slot at `index`.
    ///
    /// # Safety
    /// `index` is below the number of slots that the memory was made with.
    #[inline(always)]
    pub unsafe fn slot(&self, index: usize) -> &S {
        // SAFETY: the caller vouches for the index.
        let slot = unsafe { self.slots.add(index) };
        // SAFETY: the owner keeps the slots alive and in place, and lends them to nobody mutably.
        unsafe { slot.as_ref() }
    }
}
