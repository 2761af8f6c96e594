//! The same functions on the heap, for an interpreter of Rust, which knows memory and no pages.

use super::{HUGE_BYTES, Region};
use perfbench_harness::{Reason, Unavailable};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

fn layout(len_bytes: usize) -> Layout {
    Layout::from_size_align(len_bytes, HUGE_BYTES).expect("a region is far below the largest")
}

fn none<T>() -> Result<T, Unavailable> {
    Err(Unavailable::new(Reason::Unsupported, "the heap has no pages"))
}

pub fn map_reserved(_: usize) -> Result<Region, Unavailable> {
    none()
}

pub fn map_guarded(len_bytes: usize) -> Result<Region, Unavailable> {
    // SAFETY: a region is at least one huge page long.
    let start = unsafe { alloc_zeroed(layout(len_bytes)) };
    let start = NonNull::new(start).ok_or_else(|| Unavailable::new(Reason::Unsupported, "no memory"))?;
    Ok(Region { start, len_bytes, whole: start, whole_bytes: len_bytes })
}

pub fn advise(_: Region, _: bool) -> Result<(), Unavailable> {
    none()
}

pub fn populate(_: Region) -> Result<(), Unavailable> {
    none()
}

pub fn discard(region: Region) -> Result<(), Unavailable> {
    // SAFETY: the region's owner, who alone may use it, asks for zeros.
    unsafe { region.start.write_bytes(0, region.len_bytes) };
    Ok(())
}

pub fn unmap(region: Region) {
    // SAFETY: came from `map_guarded` with the same layout.
    unsafe { dealloc(region.whole.as_ptr(), layout(region.whole_bytes)) };
}
