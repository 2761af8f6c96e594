//! Atomics for loom models that note where each ordering stronger than relaxed is used and can weaken it at one such
//! place, one step at a time, so that a test can show which orderings are needed. Built under `--cfg loom` only.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::atomic::Ordering;

/// A place in the source that uses an ordering stronger than relaxed: file, line, column, and which ordering of the call
/// it is (the second of a compare-and-swap is the one of its failure).
pub type Site = (&'static str, u32, u32, usize);

// Loom runs all threads of a model on the one that called it, so these belong to one model.
thread_local! {
    static SEEN: RefCell<BTreeMap<Site, Ordering>> = const { RefCell::new(BTreeMap::new()) };
    static WEAKENED: Cell<Option<(Site, Ordering)>> = const { Cell::new(None) };
}

/// Runs `model` and returns the sites that it passed, each with its ordering.
pub fn sites_of(model: impl FnOnce()) -> Vec<(Site, Ordering)> {
    SEEN.with(|seen| seen.borrow_mut().clear());
    model();
    SEEN.with(|seen| seen.borrow().iter().map(|(site, order)| (*site, *order)).collect())
}

/// Runs `model` with the ordering at `site` replaced.
pub fn with_ordering<R>(site: Site, order: Ordering, model: impl FnOnce() -> R) -> R {
    WEAKENED.set(Some((site, order)));
    let result = model();
    WEAKENED.set(None);
    result
}

/// The next weaker orderings: of both sides each one alone, of one side none.
pub fn weaker(order: Ordering) -> &'static [Ordering] {
    match order {
        Ordering::SeqCst => &[Ordering::AcqRel],
        Ordering::AcqRel => &[Ordering::Acquire, Ordering::Release],
        _ => &[Ordering::Relaxed],
    }
}

fn ordering_at(caller: &'static Location<'static>, which: usize, asked: Ordering) -> Ordering {
    if asked == Ordering::Relaxed {
        return asked;
    }
    let site = (caller.file(), caller.line(), caller.column(), which);
    SEEN.with(|seen| seen.borrow_mut().insert(site, asked));
    match WEAKENED.get() {
        Some((weakened, order)) if weakened == site => order,
        _ => asked,
    }
}

/// A fence, whose ordering can be weakened: a relaxed one is none.
#[track_caller]
pub fn fence(order: Ordering) {
    match ordering_at(Location::caller(), 0, order) {
        Ordering::Relaxed => {}
        order => loom::sync::atomic::fence(order),
    }
}

/// Loom's atomic of a type, each of whose orderings can be weakened.
macro_rules! weakened {
    ($name:ident$(<$parameter:ident>)?, $value:ty, $about:literal) => {
        #[doc = $about]
        #[derive(Debug)]
        pub struct $name$(<$parameter>)?(loom::sync::atomic::$name$(<$parameter>)?);

        impl$(<$parameter>)? $name$(<$parameter>)? {
            /// An atomic that holds `value`.
            pub fn new(value: $value) -> Self {
                Self(loom::sync::atomic::$name::new(value))
            }

            /// Loads the value.
            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                self.0.load(ordering_at(Location::caller(), 0, order))
            }

            /// Stores a value.
            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                self.0.store(value, ordering_at(Location::caller(), 0, order));
            }

            /// Stores a value and returns the one before.
            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                self.0.swap(value, ordering_at(Location::caller(), 0, order))
            }

            /// Stores `new` where the value is `current`.
            ///
            /// # Errors
            /// The value that was there instead.
            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let caller = Location::caller();
                let (success, failure) = (ordering_at(caller, 0, success), ordering_at(caller, 1, failure));
                self.0.compare_exchange(current, new, success, failure)
            }

            /// As `compare_exchange`: loom has no failures without a reason.
            ///
            /// # Errors
            /// The value that was there instead.
            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let caller = Location::caller();
                let (success, failure) = (ordering_at(caller, 0, success), ordering_at(caller, 1, failure));
                self.0.compare_exchange(current, new, success, failure)
            }
        }
    };
}

/// The arithmetic of one of the integers.
macro_rules! weakened_arithmetic {
    ($name:ident, $value:ty, $($operation:ident),+) => {
        impl $name {
            $(
                /// The operation of the standard atomic: returns the value before.
                #[track_caller]
                pub fn $operation(&self, value: $value, order: Ordering) -> $value {
                    self.0.$operation(value, ordering_at(Location::caller(), 0, order))
                }
            )+
        }
    };
}

weakened!(AtomicBool, bool, "Loom's `AtomicBool`.");
weakened!(AtomicU8, u8, "Loom's `AtomicU8`.");
weakened!(AtomicU32, u32, "Loom's `AtomicU32`.");
weakened!(AtomicU64, u64, "Loom's `AtomicU64`.");
weakened!(AtomicUsize, usize, "Loom's `AtomicUsize`.");
weakened!(AtomicPtr<T>, *mut T, "Loom's `AtomicPtr`.");
weakened_arithmetic!(AtomicU8, u8, fetch_add, fetch_sub, fetch_or, fetch_and);
weakened_arithmetic!(AtomicU32, u32, fetch_add, fetch_sub, fetch_or, fetch_and, fetch_max);
weakened_arithmetic!(AtomicU64, u64, fetch_add, fetch_sub, fetch_or, fetch_and, fetch_max);
weakened_arithmetic!(AtomicUsize, usize, fetch_add, fetch_sub);
