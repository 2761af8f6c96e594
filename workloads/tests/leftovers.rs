//! Zeroing survives the optimiser: an allocator looks at what lies in each freed block of the pool's size. In a release
//! build plain stores right before a free would be dropped, so this is worth most there.

use perfbench_workloads::object_pool::payload::wipe;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A size that nothing else in this program asks for.
const BYTES: usize = 1024 + 8;

/// Bytes other than zero in the blocks of that size freed until now. Relaxed: one thread reads and writes it.
static LEFTOVER: AtomicUsize = AtomicUsize::new(0);

struct Looking;

// SAFETY: every method hands its arguments to `System` and returns what that returns; looking at a block before it is
// freed neither allocates nor unwinds.
unsafe impl GlobalAlloc for Looking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() == BYTES {
            LEFTOVER.fetch_add((0..BYTES).filter(|at| byte(block, *at) != 0).count(), Ordering::Relaxed);
        }
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is `System`'s; every block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

fn byte(block: *const u8, at: usize) -> u8 {
    let address = block.wrapping_add(at);
    // SAFETY: `at` is inside a block of `BYTES` that is still allocated, and this program fills each of them whole.
    unsafe { address.read_volatile() }
}

#[global_allocator]
static ALLOCATOR: Looking = Looking;

fn main() {
    assert_eq!(leftover(|bytes| bytes.clear()), BYTES, "without zeroing the contents are found");
    assert_eq!(leftover(wipe), 0, "after zeroing nothing is found");
    println!("leftovers: none after a wipe, all without");
}

/// Fills a buffer, lets `end` have it, frees it; how much of it was still there.
#[inline(never)]
fn leftover(end: impl FnOnce(&mut Vec<u8>)) -> usize {
    let before = LEFTOVER.load(Ordering::Relaxed);
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.resize(BYTES, 0xa5u8);
    black_box(bytes.as_ptr());
    bytes.clear();
    end(&mut bytes);
    drop(bytes);
    LEFTOVER.load(Ordering::Relaxed) - before
}
