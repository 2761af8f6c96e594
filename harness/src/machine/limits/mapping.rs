//! Anonymous memory of our own, so that its pages are fresh and their size is ours to ask for.

use crate::unavailable::{Reason, Unavailable};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use std::ptr::NonNull;

/// Zeroed words that live until dropped.
pub struct Mapping {
    start: NonNull<u64>,
    words: usize,
}

/// Size of the pages to ask for; the kernel may give others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    Base,
    Huge,
}

impl Mapping {
    /// Maps `size_bytes` of fresh zeroes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn new(size_bytes: usize, pages: Pages) -> Result<Self, Unavailable> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
        let mapped =
            unsafe { mmap_anonymous(std::ptr::null_mut(), size_bytes, protection, MapFlags::PRIVATE) };
        let start = mapped.map_err(|error| {
            Unavailable::new(Reason::Unsupported, format!("cannot map {size_bytes} bytes: {error}"))
        })?;
        let advice = if pages == Pages::Huge { Advice::LinuxHugepage } else { Advice::LinuxNoHugepage };
        // A kernel without huge pages refuses the advice; its pages are then of base size in either case.
        // SAFETY: advises on exactly the pages mapped above; neither advice changes what they hold.
        let _ = unsafe { madvise(start, size_bytes, advice) };
        Ok(Self {
            start: NonNull::new(start.cast()).expect("a mapping is never at zero"),
            words: size_bytes / 8,
        })
    }

    /// The words.
    pub fn words(&mut self) -> &mut [u64] {
        // SAFETY: the mapping holds this many zero-initialised words and `self` is borrowed for as long.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.words) }
    }

    /// The same memory, byte by byte.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: every byte of the mapping is initialised, and `self` is borrowed for as long.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast(), self.words * 8) }
    }

    /// Its size.
    pub fn size_bytes(&self) -> usize {
        self.words * 8
    }

    /// Address of the first word.
    pub fn address(&self) -> usize {
        self.start.as_ptr().addr()
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this length, and no borrow outlives `self`.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.words * 8) };
    }
}
