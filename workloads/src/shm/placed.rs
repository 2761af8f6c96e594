//! A value or a row of them in a segment, held together with the segment; on the heap for models and Miri, which know no
//! shared memory. What it means is the affair of its type.

use super::{Segment, SegmentError};
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

/// What may lie in memory that other processes change at any time.
///
/// # Safety
/// Every bit pattern is a value of the type, all zeros among them, and all of it is atomic.
pub unsafe trait Shareable: Send + Sync {}

// SAFETY: an atomic integer, of which every pattern is a value.
unsafe impl Shareable for std::sync::atomic::AtomicU32 {}
// SAFETY: an atomic integer, of which every pattern is a value.
unsafe impl Shareable for std::sync::atomic::AtomicU64 {}

/// A shared reference that keeps alive what it refers to.
pub struct Placed<T: ?Sized> {
    place: NonNull<T>,
    _owner: Owner<T>,
}

#[expect(dead_code, reason = "held for their drop")]
enum Owner<T: ?Sized> {
    Segment(Arc<Segment>),
    Heap(Arc<T>),
}

// SAFETY: as for `Arc`: it lends shared references only.
unsafe impl<T: ?Sized + Send + Sync> Send for Placed<T> {}
// SAFETY: as for `Arc`: it lends shared references only.
unsafe impl<T: ?Sized + Send + Sync> Sync for Placed<T> {}

impl<T: Shareable> Placed<T> {
    /// The value at an offset of a segment's payload.
    ///
    /// # Errors
    /// [`SegmentError::BadPlace`].
    pub fn one(segment: &Arc<Segment>, offset_bytes: u64) -> Result<Self, SegmentError> {
        let place = segment.place(offset_bytes, 1)?;
        Ok(Self { place, _owner: Owner::Segment(segment.clone()) })
    }
}

impl<T: Shareable> Placed<[T]> {
    /// The row of `count` values at an offset of a segment's payload.
    ///
    /// # Errors
    /// [`SegmentError::BadPlace`].
    pub fn row(segment: &Arc<Segment>, offset_bytes: u64, count: usize) -> Result<Self, SegmentError> {
        let first = segment.place(offset_bytes, count)?;
        let place = NonNull::slice_from_raw_parts(first, count);
        Ok(Self { place, _owner: Owner::Segment(segment.clone()) })
    }
}

impl<T: ?Sized> Placed<T> {
    /// A value on the heap, shared by every clone of `value`.
    pub fn on_heap(value: Arc<T>) -> Self {
        Self { place: NonNull::from(&*value), _owner: Owner::Heap(value) }
    }
}

impl<T: ?Sized> Deref for Placed<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the owner keeps the value in place and lends it to nobody mutably; in a segment it was found to lie
        // inside and aligned, and its type takes whatever others write there.
        unsafe { self.place.as_ref() }
    }
}
