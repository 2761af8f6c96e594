//! The memory under an arena, and checked access to the nodes that a design keeps inside free blocks. Every byte is
//! initialised and every access is within bounds, so a corrupted link stops with a message instead of going astray.

use super::MAX_ALIGN;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;

/// Zeroed memory that begins at a multiple of [`MAX_ALIGN`]; pages are mapped as they are first touched.
pub struct Region {
    base: NonNull<u8>,
    len: usize,
    whole: NonNull<u8>,
    layout: Layout,
}

/// Data that a design keeps in a free block.
///
/// # Safety
/// Any initialised bytes make a valid value, and the alignment is at most 16.
pub unsafe trait Node: Copy {}

impl Region {
    /// A region of `len` bytes, or none where the system has not that much.
    pub fn zeroed(len: usize) -> Option<Self> {
        let layout = Layout::from_size_align(len.checked_add(MAX_ALIGN)?, 16).ok()?;
        // SAFETY: the layout is not empty.
        let whole = NonNull::new(unsafe { System.alloc_zeroed(layout) })?;
        let skip = whole.align_offset(MAX_ALIGN);
        // SAFETY: `skip` is below `MAX_ALIGN`, by which the allocation is longer than the region.
        let base = unsafe { whole.add(skip) };
        Some(Self { base, len, whole, layout })
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The address of an offset.
    ///
    /// # Panics
    /// Where the offset lies outside.
    #[inline(always)]
    pub fn pointer(&self, at: usize) -> NonNull<u8> {
        assert!(at < self.len, "offset {at} lies outside the region");
        // SAFETY: just checked to lie inside the allocation.
        unsafe { self.base.add(at) }
    }

    /// The offset of a block, if all of its bytes lie inside.
    #[inline(always)]
    pub fn offset(&self, block: NonNull<u8>, size: usize) -> Option<usize> {
        let at = block.addr().get().wrapping_sub(self.base.addr().get());
        (at < self.len && size <= self.len - at).then_some(at)
    }

    /// The node at an offset.
    #[inline(always)]
    pub fn node<N: Node>(&self, at: usize) -> &N {
        let place = self.place(at);
        // SAFETY: within bounds, aligned and initialised (`place`), and `N` takes any bytes. Users of live blocks write
        // through pointers of their own, on this thread, while no such borrow is held.
        unsafe { place.as_ref() }
    }

    /// The node at an offset, to be written.
    #[inline(always)]
    pub fn node_mut<N: Node>(&mut self, at: usize) -> &mut N {
        let mut place = self.place(at);
        // SAFETY: as in `node`; the exclusive borrow of the region keeps other nodes' borrows away.
        unsafe { place.as_mut() }
    }

    #[inline(always)]
    fn place<N: Node>(&self, at: usize) -> NonNull<N> {
        const { assert!(align_of::<N>() <= 16) };
        let inside = at < self.len && size_of::<N>() <= self.len - at;
        assert!(inside && at.is_multiple_of(align_of::<N>()), "a link was overwritten: it leads to {at}");
        // SAFETY: just checked to lie inside the allocation.
        unsafe { self.base.add(at) }.cast()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: came from the same allocator with the same layout.
        unsafe { System.dealloc(self.whole.as_ptr(), self.layout) };
    }
}
