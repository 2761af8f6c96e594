//! Records an allocation trace of a Rust program: a global allocator that hands everything on to `System` and notes what
//! one thread asks for while recording is on. `examples/record_trace.rs` shows its use.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// Largest alignment that malloc gives without being asked.
const MALLOC_ALIGN: usize = 16;

thread_local! {
    /// Whether this thread's calls are noted. Off while a note is taken, so that the log's own blocks are not in it.
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// The recording allocator, to be made a program's `#[global_allocator]`.
#[derive(Debug)]
pub struct Recorder;

/// Runs a job and returns the trace of what this thread asked of its allocator meanwhile.
pub fn record(job: impl FnOnce()) -> String {
    *lock() = Some(Log::default());
    RECORDING.set(true);
    job();
    RECORDING.set(false);
    lock().take().map(|log| log.text).unwrap_or_default()
}

fn lock() -> std::sync::MutexGuard<'static, Option<Log>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(take: impl FnOnce(&mut Log)) {
    if RECORDING.replace(false) {
        if let Some(log) = lock().as_mut() {
            take(log);
        }
        RECORDING.set(true);
    }
}

/// The events so far, and which slot stands for which live block.
#[derive(Debug, Default)]
struct Log {
    text: String,
    slots: HashMap<usize, usize>,
    empty: Vec<usize>,
}

impl Log {
    fn allocated(&mut self, letter: char, address: usize, layout: Layout) {
        let slot = self.empty.pop().unwrap_or(self.slots.len());
        self.slots.insert(address, slot);
        let (size, align) = (layout.size(), layout.align());
        match align > MALLOC_ALIGN {
            true => self.line(format_args!("m 1 {slot} {size} {align}")),
            false => self.line(format_args!("{letter} 1 {slot} {size}")),
        }
    }

    fn reallocated(&mut self, from: usize, to: usize, size: usize) {
        // A block from before the recording has no slot; it stays unknown.
        if let Some(slot) = self.slots.remove(&from) {
            self.slots.insert(to, slot);
            self.line(format_args!("r 1 {slot} {size}"));
        }
    }

    fn freed(&mut self, address: usize) {
        if let Some(slot) = self.slots.remove(&address) {
            self.empty.push(slot);
            self.line(format_args!("f 1 {slot}"));
        }
    }

    fn line(&mut self, event: std::fmt::Arguments<'_>) {
        writeln!(self.text, "{event}").expect("writing to a string succeeds");
    }
}

// SAFETY: every call is `System`'s own; what is noted beside it touches no block.
unsafe impl GlobalAlloc for Recorder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, handed on.
        let block = unsafe { System.alloc(layout) };
        note(|log| log.allocated('a', block.addr(), layout));
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, handed on.
        let block = unsafe { System.alloc_zeroed(layout) };
        note(|log| log.allocated('z', block.addr(), layout));
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        note(|log| log.freed(block.addr()));
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(block, layout) };
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise, handed on.
        let moved = unsafe { System.realloc(block, layout, size) };
        note(|log| log.reallocated(block.addr(), moved.addr(), size));
        moved
    }
}
