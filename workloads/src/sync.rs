//! The synchronisation primitives of every concurrent structure here: the standard library's, or loom's under
//! `--cfg loom`, so that a model can explore every interleaving of the code that is timed. No structure lives here.

mod handed;
#[cfg(loom)]
pub mod weaken;

pub use handed::Handed;

#[cfg(not(loom))]
pub use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(loom)]
pub use {
    loom::{cell::UnsafeCell, sync::Arc},
    std::sync::atomic::Ordering,
    weaken::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
};

/// A hint that this thread waits for another; under loom, a turn for the others.
#[inline(always)]
pub fn spin_loop() {
    #[cfg(not(loom))]
    std::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}

/// Attempts that are followed by a pause before the CPU is yielded instead: some microseconds.
const PAUSES: u32 = 200;

/// After a failed attempt: a pause, and after many of them a yielded turn each, because whoever is waited for may need this
/// CPU. `attempt` begins at zero.
#[inline(always)]
pub fn pause_or_yield(attempt: &mut u32) {
    *attempt = attempt.saturating_add(1);
    if *attempt < PAUSES || cfg!(loom) {
        spin_loop()
    } else {
        perfbench_harness::counter::syscalls::yield_turn()
    }
}

/// `std::cell::UnsafeCell` with loom's interface: the pointer is lent to a closure, which is what loom checks for races.
#[cfg(not(loom))]
#[repr(transparent)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(loom))]
impl<T> UnsafeCell<T> {
    /// A cell that holds `value`.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Lends a pointer for reading.
    #[inline(always)]
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Lends a pointer for writing.
    #[inline(always)]
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
