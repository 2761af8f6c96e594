//! Two threads that race on purpose: `ci/tsan` holds ThreadSanitizer to finding it before it believes its silence.

use std::cell::UnsafeCell;

struct Shared(UnsafeCell<u64>);

// SAFETY: not so, and that is the point: nothing orders the two threads' writes.
unsafe impl Sync for Shared {}

static SHARED: Shared = Shared(UnsafeCell::new(0));

fn main() {
    let add = || {
        for _ in 0..1000 {
            // SAFETY: the pointer is that of a static; the race is the planted fault.
            unsafe { SHARED.0.get().write_volatile(1) };
        }
    };
    let other = std::thread::spawn(add);
    add();
    other.join().expect("the other thread only writes");
    println!("done");
}
