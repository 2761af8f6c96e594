//! Every variant keeps the contract, the check sees wrong pools, and forged loans never come home.

use super::message::{Loan, Mark};
use super::pool::{Fault, Order, Pool};
use super::raw_64k::Raw64k;
use super::raw_64k_lifo::{Raw64kLifo, Stack};
use super::raw_pool::{FreeList, Raw, RawPool};
use super::remote::{Acquire, Release, Remote};
use super::size_classes::{CLASS_BYTES, KEPT, Pooled, idle};
use super::{WORKLOAD, check};
use crate::testing::every_variant_is_checked_and_runs;
use perfbench_harness::{Broken, Unavailable};
use proptest::prelude::*;

#[test]
fn buffer_pool_every_variant_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

/// A stack with one thing wrong.
struct Wrong<const FAULT: char>(Stack, u32);

impl<const FAULT: char> FreeList for Wrong<FAULT> {
    const ORDER: Order = if FAULT == 'o' { Order::Fifo } else { Order::Lifo };

    fn full(buffers: usize) -> Result<Self, Unavailable> {
        Ok(Self(Stack::full(buffers)?, 0))
    }

    fn take(&mut self) -> Option<Mark> {
        let idle = self.0.take()?;
        self.1 += 1;
        if FAULT == 't' && self.1.is_multiple_of(5) {
            self.0.give(idle);
        }
        Some(idle)
    }

    fn give(&mut self, idle: Mark) {
        let lost = FAULT == 'l' && self.1.is_multiple_of(7);
        if !lost {
            self.0.give(idle);
        }
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

/// A pool that says nothing of a fault.
struct Silent(Raw64kLifo);

impl Pool for Silent {
    type Buffer = Loan;

    fn acquire(&mut self, bytes: usize) -> Result<Loan, Fault> {
        self.0.acquire(bytes)
    }

    fn release(&mut self, loan: Loan) -> Result<(), Fault> {
        let _ = self.0.release(loan);
        Ok(())
    }
}

impl Raw for Silent {
    const ORDER: Order = Order::Lifo;

    fn new(buffers: usize, wish: crate::pages::Wish) -> Result<Self, Unavailable> {
        Ok(Self(Raw64kLifo::new(buffers, wish)?))
    }

    fn buffers(&self) -> usize {
        self.0.buffers()
    }

    fn discard(&mut self) {
        self.0.discard();
    }
}

#[test]
#[cfg_attr(miri, ignore = "few steps are made there, and some planted faults show late")]
fn buffer_pool_check_catches_a_list_that_lends_twice_loses_or_mixes_up() {
    let broken = [
        check::single::<RawPool<Wrong<'t'>>>(3),
        check::single::<RawPool<Wrong<'l'>>>(3),
        check::single::<RawPool<Wrong<'o'>>>(3),
    ];
    let words = ["refused without a reason", "refused without a reason", "Fifo is the order"];
    for (broken, words) in broken.into_iter().zip(words) {
        let Err(Broken(why)) = broken else { panic!("a pool that is wrong passed") };
        assert!(why.contains(words), "{why}");
    }
    assert_eq!(check::single::<RawPool<Wrong<'-'>>>(3), Ok(()));
}

#[test]
fn buffer_pool_check_names_every_fault_that_a_silent_pool_lets_pass() {
    let undetected = check::faults::undetected::<Silent>().unwrap();
    let returns = undetected.iter().filter(|name| name.contains("return") && !name.contains("data")).count();
    assert_eq!((undetected.len(), returns), (9, 8), "{undetected:?}");
    assert_eq!(check::faults::undetected::<Raw64k>(), Ok(vec![]));
    assert_eq!(check::faults::undetected::<Raw64kLifo>(), Ok(vec![]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn buffer_pool_only_a_current_loan_at_its_own_place_comes_home(
        index in 0u32..9, generation in 0u32..8, bytes in -130_000isize..130_000, exact in any::<bool>(), rounds in 0usize..3,
    ) {
        let mut pool = Raw64kLifo::new(4, check::PLAIN).unwrap();
        for _ in 0..rounds {
            let loan = pool.acquire(1).unwrap();
            pool.release(loan).unwrap();
        }
        let loan = pool.acquire(1).unwrap();
        let place = loan.place().as_ptr().wrapping_byte_offset(if exact { 0 } else { bytes });
        let mark = Mark::new(index, generation);
        // SAFETY: forged for `release` only.
        let forged = unsafe { Loan::from_parts(std::ptr::NonNull::new(place).unwrap(), mark) };
        let is_current = forged == loan;
        prop_assert_eq!(pool.release(forged).is_ok(), is_current);
        prop_assert_eq!(pool.release(loan).is_ok(), !is_current);
    }
}

#[test]
fn buffer_pool_memory_on_loan_outlives_its_pool() {
    let mut pool = Raw64k::new(2, check::PLAIN).unwrap();
    let mut loan = pool.acquire(8).unwrap();
    drop(pool);
    loan.data()[7] = 9;
    assert_eq!(loan.data()[7], 9);
}

#[test]
fn buffer_pool_one_of_two_threads_that_give_back_the_same_loan_is_refused() {
    for _ in 0..if cfg!(miri) { 2 } else { 200 } {
        let (mut owner, returner) = Raw64kLifo::new(4, check::PLAIN).unwrap().split();
        let loan = owner.acquire(1).unwrap();
        // SAFETY: forged for `release` only.
        let twin = unsafe { Loan::from_parts(loan.place(), loan.mark()) };
        let accepted: usize = std::thread::scope(|scope| {
            let give_back = |loan: Loan| {
                let mut returner = returner.clone();
                scope.spawn(move || usize::from(returner.release(loan).is_ok()))
            };
            [give_back(loan), give_back(twin)].map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(accepted, 1);
        let held: Vec<Loan> = (0..4).map(|_| owner.acquire(1).unwrap()).collect();
        assert!(owner.acquire(1).is_err(), "a buffer came home twice");
        held.into_iter().for_each(|loan| owner.release(loan).unwrap());
    }
}

#[test]
fn buffer_pool_pool_keeps_each_class_up_to_its_measure_and_nothing_that_grew() {
    drop((0..KEPT + 5).map(|_| Pooled::take(200)).collect::<Vec<_>>());
    assert_eq!(idle(), [KEPT, 0, 0]);
    drop((Pooled::take(257), Pooled::take(513), Pooled::take(1501)));
    assert_eq!(idle(), [KEPT, 1, 1]);
    let mut grown = Pooled::take(CLASS_BYTES[1]);
    grown.extend_from_slice(&[0; 600]);
    drop(grown);
    assert_eq!(idle(), [KEPT, 0, 1]);
}

#[test]
fn buffer_pool_buffer_that_crosses_threads_joins_the_pool_of_the_last() {
    let buffer = Pooled::take(100);
    std::thread::spawn(move || {
        drop(buffer);
        assert_eq!(idle(), [1, 0, 0]);
    })
    .join()
    .unwrap();
    assert_eq!(idle(), [0, 0, 0]);
}

#[test]
fn buffer_pool_buffer_given_back_while_its_thread_ends_is_freed() {
    struct Late(std::cell::RefCell<Option<Pooled>>);
    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.take());
        }
    }
    thread_local!(static LATE: Late = const { Late(std::cell::RefCell::new(None)) });
    std::thread::spawn(|| {
        LATE.with(|late| *late.0.borrow_mut() = Some(Pooled::take(100)));
        drop(Pooled::take(100));
        drop([Pooled::take(100), Pooled::take(100)]);
        assert_eq!(idle(), [2, 0, 0]);
    })
    .join()
    .unwrap();
}
