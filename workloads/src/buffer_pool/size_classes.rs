//! A thread's own buffers in three sizes, the one used last first out. Nothing is shared, so nothing is locked; a buffer
//! dropped on another thread joins that thread's pool.

use super::pool::{Bytes, Fault, Pool};
use perfbench_harness::case::Fact;
use std::cell::Cell;
use std::ops::Deref;

/// What it is, for the table.
pub const ABOUT: &str = "thread-local vectors of 256, 512 and 1500 bytes, larger ones from the heap";

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

impl Bytes for Pooled {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> Result<(), Fault> {
        self.0.write(message)
    }

    #[inline(always)]
    fn message(&self) -> &[u8] {
        &self.0
    }
}

/// The pool of whichever thread asks.
#[derive(Default)]
pub struct SizeClasses;

impl Pool for SizeClasses {
    type Buffer = Pooled;

    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<Pooled, Fault> {
        Ok(Pooled::take(bytes))
    }

    #[inline(always)]
    fn release(&mut self, buffer: Pooled) -> Result<(), Fault> {
        drop(buffer);
        Ok(())
    }

    fn facts(&self) -> Vec<Fact> {
        vec![
            Fact::new("buffers_per_class", "buffers", buffers_per_class() as f64),
            Fact::new("reuse_percent", "%", reuse_percent()),
        ]
    }
}

/// Fills every class beyond its measure and counts what stays in the smallest of them.
pub fn buffers_per_class() -> usize {
    let taken: Vec<_> =
        CLASS_BYTES.into_iter().flat_map(|room| (0..2 * KEPT).map(move |_| Pooled::take(room))).collect();
    drop(taken);
    idle().into_iter().min().expect("there are classes")
}

/// Share of takes that a warm pool serves with a buffer it had lent before.
fn reuse_percent() -> f64 {
    const TAKES: usize = 1000;
    drop(CLASS_BYTES.map(Pooled::take));
    let reused = (0..TAKES).filter(|take| {
        let class = take % CLASS_BYTES.len();
        let before = idle()[class];
        let buffer = Pooled::take(CLASS_BYTES[class]);
        let after = idle()[class];
        drop(buffer);
        after + 1 == before
    });
    100.0 * reused.count() as f64 / TAKES as f64
}
