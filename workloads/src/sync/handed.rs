//! A word that several sides have in turn. What says whose turn it is are other atomics, which are not here.

#[cfg(loom)]
use super::UnsafeCell;
#[cfg(not(loom))]
use super::{AtomicU64, Ordering};

/// A word that one side at a time reads and writes. A model fails where two are at it without an order between them; outside
/// of models it is atomic, so that whoever breaks in from another process spoils a number and nothing else.
#[repr(transparent)]
pub struct Handed(#[cfg(not(loom))] AtomicU64, #[cfg(loom)] UnsafeCell<u64>);

// SAFETY: a model runs one thread at a time, and loom itself watches that each access is ordered with the others.
#[cfg(loom)]
unsafe impl Sync for Handed {}

// Relaxed, all of it: what hands the word on orders it.
impl Handed {
    /// A word that nobody has had yet.
    pub fn new(value: u64) -> Self {
        #[cfg(not(loom))]
        return Self(AtomicU64::new(value));
        #[cfg(loom)]
        Self(UnsafeCell::new(value))
    }

    /// Reads it, in the caller's turn.
    #[inline(always)]
    pub fn read(&self) -> u64 {
        #[cfg(not(loom))]
        return self.0.load(Ordering::Relaxed);
        #[cfg(loom)]
        // SAFETY: loom has just compared this access with all others.
        self.0.with(|word| unsafe { *word })
    }

    /// Writes it, in the caller's turn.
    #[inline(always)]
    pub fn write(&self, value: u64) {
        #[cfg(not(loom))]
        self.0.store(value, Ordering::Relaxed);
        #[cfg(loom)]
        // SAFETY: loom has just compared this access with all others.
        self.0.with_mut(|word| unsafe { *word = value });
    }
}
