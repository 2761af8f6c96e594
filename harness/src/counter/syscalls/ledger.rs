//! The threads whose system calls are counted, each from its own `enter` to its own `leave`. In which way a thread is
//! watched is the business of `dispatch`, `tracepoint` and `seccomp`.

use super::calls::{Calls, left_out, told};
use crate::clock::Bracket;
use crate::unavailable::{Reason, Unavailable};
use std::cell::Cell;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts the calls of the one thread that made it.
pub trait Watch: Send + Sync {
    /// Counts from here on. The last thing that happens before the region.
    ///
    /// # Errors
    /// What the kernel refused.
    fn begin(&self) -> Result<(), Unavailable>;

    /// Counts no longer. The first thing that happens after the region.
    fn end(&self);
}

/// Makes a watch for the calling thread that counts into these calls.
pub type Open = fn(&'static Calls) -> Result<Box<dyn Watch>, Unavailable>;

/// Every thread that has entered so far; the one that made the ledger comes first.
pub struct Ledger {
    open: Open,
    seats: Mutex<Vec<Arc<Seat>>>,
    refused: Mutex<Option<Unavailable>>,
}

/// What the threads called.
pub struct Counted {
    /// How often each thread did, the first one first and the others by age.
    pub threads: Vec<u64>,
    /// The most frequent calls by name.
    pub calls: String,
    /// What is not in it, in words.
    pub left_out: Vec<String>,
}

/// One thread.
struct Seat {
    thread: i32,
    calls: &'static Calls,
    watch: Box<dyn Watch>,
}

thread_local! {
    /// The seat of this thread while it is in a region: it can be had without a call of the kernel.
    static HERE: Cell<*const Seat> = const { Cell::new(ptr::null()) };

    /// Yields of this thread while it waited for a partner in a region.
    static YIELDS: Cell<u64> = const { Cell::new(0) };
}

/// Gives up this thread's turn while it waits for a partner, by one call that is not counted: how often a thread waits
/// is the machine's doing, and not that of the operation that is measured.
pub fn yield_turn() {
    YIELDS.set(YIELDS.get() + 1);
    std::thread::yield_now();
}

impl Ledger {
    /// A ledger whose first thread is the calling one.
    ///
    /// # Errors
    /// Why this thread cannot be watched.
    pub fn new(open: Open) -> Result<Self, Unavailable> {
        let ledger = Self { open, seats: Mutex::default(), refused: Mutex::default() };
        ledger.seat()?;
        Ok(ledger)
    }

    /// Forgets what was counted.
    pub fn clear(&self) {
        self.seats().iter().for_each(|seat| seat.calls.clear());
    }

    /// What the threads called since the last `clear`.
    ///
    /// # Errors
    /// Why a thread was not counted, or not to the end.
    pub fn counted(&self) -> Result<Counted, Unavailable> {
        if let Some(refused) = unpoisoned(&self.refused).clone() {
            return Err(refused);
        }
        let calls: Vec<_> = self.seats().iter().map(|seat| seat.calls).collect();
        match calls.iter().any(|calls| calls.is_incomplete()) {
            true => Err(Unavailable::new(
                Reason::Unsupported,
                "the kernel was called from too many places to follow",
            )),
            false => Ok(Counted {
                threads: calls.iter().map(|calls| calls.total()).collect(),
                calls: told(&calls),
                left_out: left_out(&calls),
            }),
        }
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Arc<Seat>>> {
        unpoisoned(&self.seats)
    }

    /// The calling thread's seat, a new one where it has none.
    fn seat(&self) -> Result<Arc<Seat>, Unavailable> {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        if let Some(seat) = self.seats().iter().find(|seat| seat.thread == thread) {
            return Ok(seat.clone());
        }
        let calls = Calls::new();
        let seat = Arc::new(Seat { thread, calls, watch: (self.open)(calls)? });
        let mut seats = self.seats();
        seats.push(seat.clone());
        if let [_, others @ ..] = seats.as_mut_slice() {
            others.sort_by_key(|seat| seat.thread);
        }
        Ok(seat)
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bracket for Ledger {
    fn enter(&self) {
        YIELDS.set(0);
        let begun = self.seat().and_then(|seat| {
            HERE.set(Arc::as_ptr(&seat));
            seat.watch.begin()
        });
        if let Err(refused) = begun {
            HERE.set(ptr::null());
            *unpoisoned(&self.refused) = Some(refused);
        }
    }

    fn leave(&self) {
        let seat = HERE.replace(ptr::null());
        // SAFETY: null, or what `enter` of this ledger has set on this thread: the ledger keeps its seats as long as it
        // lives, and a thread leaves the ledger that it has entered.
        if let Some(seat) = unsafe { seat.as_ref() } {
            seat.watch.end();
            seat.calls.forgive_yields(YIELDS.get());
        }
    }
}
