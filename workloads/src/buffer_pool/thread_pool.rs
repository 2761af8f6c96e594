//! One documented pool a thread, made when the thread first asks: how document 002 hands its pools out. The pool itself is
//! in `raw_64k`.

use super::DOCUMENTED_BUFFERS;
use super::raw_64k::Raw64k;
use super::raw_pool::Raw;
use crate::pages::Wish;
use perfbench_harness::{Reason, Unavailable};
use std::cell::{Cell, RefCell};

thread_local! {
    static BUFFERS: Cell<usize> = const { Cell::new(DOCUMENTED_BUFFERS) };
    static POOL: RefCell<Option<Raw64k>> = const { RefCell::new(None) };
}

/// Sets how many buffers this thread's pool will have.
///
/// # Errors
/// [`Reason::InUse`] where the thread has its pool already.
pub fn set_capacity(buffers: usize) -> Result<(), Unavailable> {
    if POOL.with_borrow(Option::is_some) {
        return Err(Unavailable::new(
            Reason::InUse,
            "this thread has its pool already: set the capacity before its first use",
        ));
    }
    BUFFERS.set(buffers);
    Ok(())
}

/// Lends this thread's pool, which no other thread can reach, to `work`: once before a thread's loop rather than for each
/// message in it.
///
/// # Errors
/// What the kernel refused when the pool was made.
///
/// # Panics
/// Where `work` asks for the same pool again.
pub fn with_pool<R>(work: impl FnOnce(&mut Raw64k) -> R) -> Result<R, Unavailable> {
    POOL.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Some(Raw64k::new(BUFFERS.get(), Wish::ALL)?);
        }
        Ok(work(slot.as_mut().expect("just made")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer_pool::pool::Pool;

    #[test]
    fn buffer_pool_of_a_thread_is_its_own_and_has_the_capacity_set_before_its_first_use() {
        set_capacity(4).unwrap();
        let lend = || with_pool(|pool| (pool.buffers(), pool.acquire(1).unwrap())).unwrap();
        let (buffers, first) = lend();
        assert_eq!((buffers, set_capacity(8).unwrap_err().reason), (4, Reason::InUse));
        let elsewhere = std::thread::spawn(move || {
            set_capacity(2).unwrap();
            let refused = with_pool(|pool| pool.release(first)).unwrap();
            (with_pool(|pool| pool.buffers()).unwrap(), refused.is_err())
        });
        assert_eq!(elsewhere.join().unwrap(), (2, true));
    }
}
