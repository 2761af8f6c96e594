//! Memory that two processes share: an anonymous mapping made before the fork, unmapped on drop. Named segments and
//! what lies in a mapping are not here.

use perfbench_harness::{Reason, Unavailable};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::ptr::NonNull;

/// A zeroed, page-aligned shared mapping. It has no name, so no file mode guards it: only this process and those that
/// it forks can reach it.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: a mapping is plain memory that belongs to the process, not to a thread.
unsafe impl Send for Mapping {}
// SAFETY: a shared mapping only tells where it lies; what is done there is the affair of whoever does it.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps at least `len_bytes` bytes, all zero.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn new(len_bytes: usize) -> Result<Self, Unavailable> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a fresh anonymous mapping at an address that the kernel picks aliases nothing.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len_bytes, protection, MapFlags::SHARED) };
        let start = start.map_err(|error| Unavailable::new(Reason::Unsupported, format!("mmap: {error}")))?;
        Ok(Self { start: NonNull::new(start.cast()).expect("a mapping is never at zero"), len_bytes })
    }

    /// Where it starts: aligned to a page.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: made with this length by `new`; whoever holds a pointer into it also holds the mapping.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len_bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can always be unmapped");
    }
}
