//! Memory that two processes share, unmapped on drop: an anonymous mapping made before a fork, or one of an open file.
//! What lies in a mapping is not here.

use perfbench_harness::{Reason, Unavailable};
use rustix::io;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use std::os::fd::AsFd;
use std::ptr::{NonNull, null_mut};

/// A page-aligned shared mapping.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: a mapping is plain memory that belongs to the process, not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared mapping only tells where it lies; what is done there is the affair of whoever does it.
unsafe impl Sync for Mapping {}

const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

impl Mapping {
    /// Maps at least `len_bytes` bytes, all zero. The mapping has no name, so no file mode guards it: only this process
    /// and those that it forks can reach it.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn new(len_bytes: usize) -> Result<Self, Unavailable> {
        // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
        let start = unsafe { mmap_anonymous(null_mut(), len_bytes, READ_WRITE, MapFlags::SHARED) };
        let start = start.map_err(|error| Unavailable::new(Reason::Unsupported, format!("mmap: {error}")))?;
        Ok(Self::at(start.cast(), len_bytes))
    }

    /// Maps the first `len_bytes` bytes of a file, which must be that long: behind a file's end an access is fatal.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn of_file(file: impl AsFd, len_bytes: usize) -> io::Result<Self> {
        // SAFETY: a fresh mapping at an address that the kernel picks aliases nothing of this program.
        let start = unsafe { mmap(null_mut(), len_bytes, READ_WRITE, MapFlags::SHARED, file, 0) }?;
        Ok(Self::at(start.cast(), len_bytes))
    }

    fn at(start: *mut u8, len_bytes: usize) -> Self {
        Self { start: NonNull::new(start).expect("a mapping is never at zero"), len_bytes }
    }

    /// Where it starts: aligned to a page.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// How long it was asked to be.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made with this length by a constructor; whoever holds a pointer into it also holds the mapping.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len_bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can always be unmapped");
    }
}
