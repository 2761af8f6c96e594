//! A thread's own buffers in three sizes, the one used last first out. Nothing is shared, so nothing is locked; a buffer
//! dropped on another thread joins that thread's pool.

use super::pool::{Bytes, Fault, Pool};
use perfbench_harness::case::Fact;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::null_mut;

/// What it is, for the table.
pub const ABOUT: &str = "thread-local vectors of 256, 512 and 1500 bytes, larger ones from the heap";

/// Bytes of the buffers of each class.
pub const CLASS_BYTES: [usize; 3] = [256, 512, 1500];

/// Buffers that a thread keeps of each class.
pub const KEPT: usize = 32;

thread_local! {
    /// Without a destructor, so that no access asks whether it has run; [`Closing`] is the destructor.
    static POOL: [Class; CLASS_BYTES.len()] =
        const { [Class::new(CLASS_BYTES[0]), Class::new(CLASS_BYTES[1]), Class::new(CLASS_BYTES[2])] };
    static CLOSING: Closing = const { Closing };
}

/// Idle buffers of one size: the hottest in a field of its own, so that a buffer that comes and goes moves no height.
struct Class {
    bytes: usize,
    hottest: Cell<*mut u8>,
    len: Cell<usize>,
    idle: [Cell<*mut u8>; KEPT - 1],
    open: Cell<bool>,
}

impl Class {
    const fn new(bytes: usize) -> Self {
        let idle = [const { Cell::new(null_mut()) }; KEPT - 1];
        Self { bytes, hottest: Cell::new(null_mut()), len: Cell::new(0), idle, open: Cell::new(false) }
    }

    #[inline(always)]
    fn take(&self) -> Vec<u8> {
        let hottest = self.hottest.replace(null_mut());
        let start = if hottest.is_null() { self.pop() } else { hottest };
        if start.is_null() {
            return Vec::with_capacity(self.bytes);
        }
        // SAFETY: every pointer in the pool is a vector of this capacity that was taken apart in `give_back`.
        unsafe { Vec::from_raw_parts(start, 0, self.bytes) }
    }

    /// The next below the hottest; null where there is none.
    #[cold]
    fn pop(&self) -> *mut u8 {
        let Some(last) = self.len.get().checked_sub(1) else { return null_mut() };
        self.len.set(last);
        self.idle[last].get()
    }

    /// Keeps a buffer of exactly this class's size.
    #[inline(always)]
    fn give_back(&self, buffer: ManuallyDrop<Vec<u8>>) {
        let start = buffer.as_ptr().cast_mut();
        if self.open.get() && self.hottest.get().is_null() {
            self.hottest.set(start);
        } else {
            self.push(start);
        }
    }

    #[cold]
    fn push(&self, start: *mut u8) {
        let below = self.hottest.replace(start);
        if below.is_null() {
            self.open_or_free(start);
        } else if let Some(cell) = self.idle.get(self.len.get()) {
            cell.set(below);
            self.len.set(self.len.get() + 1);
        } else {
            self.free(below);
        }
    }

    /// A pool that is used for the first time lets its thread close it; one that is closed keeps nothing.
    fn open_or_free(&self, start: *mut u8) {
        match CLOSING.try_with(|_| ()) {
            Ok(()) => self.open.set(true),
            Err(_) => {
                self.hottest.set(null_mut());
                self.free(start);
            }
        }
    }

    fn free(&self, start: *mut u8) {
        // SAFETY: as in `take`; the pointer has just left the pool.
        drop(unsafe { Vec::from_raw_parts(start, 0, self.bytes) });
    }

    fn count(&self) -> usize {
        self.len.get() + usize::from(!self.hottest.get().is_null())
    }
}

/// Frees what an ending thread keeps; what comes later is freed at once.
struct Closing;

impl Drop for Closing {
    fn drop(&mut self) {
        POOL.with(|pool| {
            for class in pool {
                class.open.set(false);
                while class.count() > 0 {
                    drop(class.take());
                }
            }
        });
    }
}

/// A buffer of a class on loan, or one of the heap's own where no class is large enough.
#[derive(Debug)]
pub struct Pooled(ManuallyDrop<Vec<u8>>);

impl Pooled {
    /// An empty buffer with room for at least `bytes`.
    #[inline(always)]
    pub fn take(bytes: usize) -> Self {
        Pooled(ManuallyDrop::new(match CLASS_BYTES.iter().position(|room| bytes <= *room) {
            Some(class) => POOL.with(|pool| pool[class].take()),
            None => Vec::with_capacity(bytes),
        }))
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
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: a value is dropped once, and nothing reads it afterwards.
        let buffer = unsafe { ManuallyDrop::take(&mut self.0) };
        match CLASS_BYTES.iter().position(|room| buffer.capacity() == *room) {
            Some(class) => POOL.with(|pool| pool[class].give_back(ManuallyDrop::new(buffer))),
            None => drop(buffer),
        }
    }
}

/// Idle buffers of each class on this thread.
pub fn idle() -> [usize; CLASS_BYTES.len()] {
    POOL.with(|pool| pool.each_ref().map(Class::count))
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
