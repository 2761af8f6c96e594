//! The system's allocator asked for what a raw message is: a block that begins at a cache line.

use super::pool::{Bytes, Fault, Pool};
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::NonNull;

/// What it is, for the table.
pub const ABOUT: &str = "a block of the system's allocator at a multiple of 64 bytes";

/// Keeps nothing.
#[derive(Default)]
pub struct SystemAligned;

/// A block and how much of it is written.
pub struct Block {
    start: NonNull<u8>,
    layout: Layout,
    written_bytes: usize,
}

// SAFETY: a block is plain memory that its only holder owns.
unsafe impl Send for Block {}

impl Pool for SystemAligned {
    type Buffer = Block;

    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<Block, Fault> {
        let layout = Layout::from_size_align(bytes.max(1), 64).map_err(|_| Fault::Oversize { bytes })?;
        // SAFETY: the layout is not empty.
        let start = NonNull::new(unsafe { System.alloc(layout) });
        start.map(|start| Block { start, layout, written_bytes: 0 }).ok_or(Fault::Oversize { bytes })
    }

    #[inline(always)]
    fn release(&mut self, block: Block) -> Result<(), Fault> {
        drop(block);
        Ok(())
    }
}

impl Bytes for Block {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> Result<(), Fault> {
        if message.len() > self.layout.size() {
            return Err(Fault::Oversize { bytes: message.len() });
        }
        // SAFETY: the block has room for the message, and nobody else holds it.
        unsafe { self.start.copy_from_nonoverlapping(NonNull::from(message).cast(), message.len()) };
        self.written_bytes = message.len();
        Ok(())
    }

    #[inline(always)]
    fn message(&self) -> &[u8] {
        // SAFETY: that many bytes were written, and nobody writes while the block is borrowed.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.written_bytes) }
    }
}

impl Drop for Block {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: came from the same allocator with the same layout.
        unsafe { System.dealloc(self.start.as_ptr(), self.layout) };
    }
}
