//! A thread's own buffers in three sizes, the one used last first out. Nothing is shared, so nothing is locked; a buffer
//! dropped on another thread joins that thread's pool.

use std::cell::Cell;
use std::ops::Deref;

/// Bytes of the buffers of each class.
pub const CLASS_BYTES: [usize; 3] = [256, 512, 1500];

/// Buffers that a thread keeps of each class.
pub const KEPT: usize = 32;

thread_local! {
    static POOL: [Class; CLASS_BYTES.len()] = const { [const { Class::new() }; CLASS_BYTES.len()] };
}

/// Idle buffers of one size: the first `len` cells hold them, the rest hold empty vectors.
struct Class {
    len: Cell<usize>,
    idle: [Cell<Vec<u8>>; KEPT],
}

impl Class {
    const fn new() -> Self {
        Self { len: Cell::new(0), idle: [const { Cell::new(Vec::new()) }; KEPT] }
    }

    #[inline]
    fn take(&self) -> Option<Vec<u8>> {
        let last = self.len.get().checked_sub(1)?;
        let buffer = self.idle.get(last)?.take();
        self.len.set(last);
        Some(buffer)
    }

    #[inline]
    fn give_back(&self, buffer: Vec<u8>) {
        let len = self.len.get();
        if let Some(cell) = self.idle.get(len) {
            cell.set(buffer);
            self.len.set(len + 1);
        }
    }
}

/// A buffer of a class on loan, or one of the heap's own where no class is large enough.
#[derive(Debug)]
pub struct Pooled(Vec<u8>);

impl Pooled {
    /// An empty buffer with room for at least `bytes`.
    #[inline]
    pub fn take(bytes: usize) -> Self {
        let Some(class) = CLASS_BYTES.iter().position(|room| bytes <= *room) else {
            return Pooled(Vec::with_capacity(bytes));
        };
        // A thread that is ending has no pool any more.
        let idle = POOL.try_with(|pool| pool[class].take()).ok().flatten();
        Pooled(idle.unwrap_or_else(|| Vec::with_capacity(CLASS_BYTES[class])))
    }

    /// Appends bytes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

impl Deref for Pooled {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Pooled {
    /// Only a buffer of exactly a class's size is kept: one that has grown would make the classes drift upwards.
    #[inline]
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        buffer.clear();
        if let Some(class) = CLASS_BYTES.iter().position(|room| buffer.capacity() == *room) {
            let _ = POOL.try_with(|pool| pool[class].give_back(buffer));
        }
    }
}

/// Idle buffers of each class on this thread.
pub fn idle() -> [usize; CLASS_BYTES.len()] {
    POOL.with(|pool| pool.each_ref().map(|class| class.len.get()))
}
