//! An atomic for loom models that notes where each ordering stronger than relaxed is used and can take it away at one
//! such place, so that a test can show that every ordering is needed. Built under `--cfg loom` only.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::atomic::Ordering;

/// A place in the source that uses an ordering stronger than relaxed: file, line, column.
pub type Site = (&'static str, u32, u32);

// Loom runs all threads of a model on the one that called it, so these belong to one model.
thread_local! {
    static SEEN: RefCell<BTreeSet<Site>> = const { RefCell::new(BTreeSet::new()) };
    static WEAKENED: Cell<Option<Site>> = const { Cell::new(None) };
}

/// Runs `model` and returns the sites that it passed.
pub fn sites_of(model: impl FnOnce()) -> Vec<Site> {
    SEEN.with(|seen| seen.borrow_mut().clear());
    model();
    SEEN.with(|seen| seen.borrow().iter().copied().collect())
}

/// Runs `model` with the ordering at `site` relaxed.
pub fn with_relaxed<R>(site: Site, model: impl FnOnce() -> R) -> R {
    WEAKENED.set(Some(site));
    let result = model();
    WEAKENED.set(None);
    result
}

fn ordering_at(caller: &'static Location<'static>, asked: Ordering) -> Ordering {
    if asked == Ordering::Relaxed {
        return asked;
    }
    let site = (caller.file(), caller.line(), caller.column());
    SEEN.with(|seen| seen.borrow_mut().insert(site));
    if WEAKENED.get() == Some(site) { Ordering::Relaxed } else { asked }
}

/// Loom's `AtomicU64`, each of whose orderings can be weakened.
#[derive(Debug)]
pub struct AtomicU64(loom::sync::atomic::AtomicU64);

impl AtomicU64 {
    /// An atomic that holds `value`.
    pub fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }

    /// Loads the value.
    #[track_caller]
    pub fn load(&self, order: Ordering) -> u64 {
        self.0.load(ordering_at(Location::caller(), order))
    }

    /// Stores a value.
    #[track_caller]
    pub fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, ordering_at(Location::caller(), order));
    }
}
