//! The C library's malloc, reached through the program's global allocator, so that the heap counters see each call: what
//! a program has without an arena.

use super::{Extent, Misuse, Statistics};
use perfbench_harness::Broken;
use std::alloc::{self, Layout};
use std::ptr::NonNull;

/// What it is, for the table.
pub const ABOUT: &str =
    "the C library's malloc and free, through the global allocator, whose calls are counted";

/// Hands everything on to the global allocator.
pub struct Arena;

impl super::Arena for Arena {
    const FREE_BLOCK_BYTES: Option<usize> = None;

    fn with_capacity(_bytes: usize) -> Option<Self> {
        Some(Arena)
    }

    #[inline]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { alloc::alloc(not_empty(layout)) })
    }

    #[inline]
    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> Result<(), Misuse> {
        // SAFETY: the caller's promise, handed on.
        unsafe { alloc::dealloc(block.as_ptr(), not_empty(layout)) };
        Ok(())
    }

    fn allocate_zeroed(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { alloc::alloc_zeroed(not_empty(layout)) })
    }

    unsafe fn reallocate(&mut self, block: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        // SAFETY: the caller's promise, handed on; the new size is not zero.
        NonNull::new(unsafe { alloc::realloc(block.as_ptr(), not_empty(old), new.size().max(1)) })
    }

    fn statistics(&self) -> Option<Statistics> {
        None
    }

    fn snapshot(&self) -> Vec<Extent> {
        Vec::new()
    }

    fn validate(&self) -> Result<(), Broken> {
        Ok(())
    }
}

#[inline(always)]
fn not_empty(layout: Layout) -> Layout {
    if layout.size() > 0 {
        return layout;
    }
    Layout::from_size_align(1, layout.align()).expect("one byte at any alignment is a layout")
}
