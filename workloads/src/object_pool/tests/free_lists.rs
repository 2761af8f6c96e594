//! The printed free list hands one place to two holders, the tagged ones do not. Pools on top of them are elsewhere.

use crate::object_pool::indexed_cas::Packed;
use crate::object_pool::tagged::{Head, Stack, Top, links};
use crate::object_pool::tagged_cas::Wide;
use crate::object_pool::untagged_cas::Untagged;
use crate::sync::{AtomicU64, Ordering};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

thread_local! {
    /// What happens right before the next exchange of this thread.
    static BEFORE_EXCHANGE: Cell<Option<Box<dyn FnOnce()>>> = const { Cell::new(None) };
}

/// A head that can be overtaken at the worst moment.
struct Overtaken<H>(H);

impl<H: Head> Head for Overtaken<H> {
    fn new(links: &[AtomicU64]) -> Self {
        Self(H::new(links))
    }

    fn load(&self, order: Ordering) -> Top {
        self.0.load(order)
    }

    fn exchange(&self, seen: Top, new: Top, success: Ordering, failure: Ordering) -> Result<(), Top> {
        if let Some(act) = BEFORE_EXCHANGE.take() {
            act();
        }
        self.0.exchange(seen, new, success, failure)
    }
}

/// A pop that is overtaken: between its look at the head and its exchange, another holder takes the two topmost of three
/// places and gives back the first. Says what is handed out after it.
fn next_after_an_overtaken_pop<H: Head>() -> Option<u32> {
    let links = links(3);
    let list = Arc::new((Stack::<Overtaken<H>>::full(&links), links));
    let other = list.clone();
    BEFORE_EXCHANGE.set(Some(Box::new(move || {
        let (stack, links) = &*other;
        assert_eq!(stack.pop(links), Some(0));
        assert_eq!(stack.pop(links), Some(1));
        assert!(stack.push(links, 0, u32::MAX));
    })));
    let (stack, links) = &*list;
    assert_eq!(stack.pop(links), Some(0));
    stack.pop(links)
}

#[test]
fn object_pool_the_printed_free_list_hands_out_a_place_that_is_still_held() {
    // The one that overtook holds place 1.
    assert_eq!(next_after_an_overtaken_pop::<Untagged>(), Some(1));
}

#[test]
fn object_pool_a_tag_makes_the_overtaken_pop_begin_anew() {
    assert_eq!(next_after_an_overtaken_pop::<Packed>(), Some(2));
    assert_eq!(next_after_an_overtaken_pop::<Wide>(), Some(2));
}

/// Two threads pop two places and push them back, each place stamped with its holder: how often a place came to one while
/// the other held it, until the first time or the end.
fn handed_out_twice<H: Head>(rounds: u32) -> u32 {
    let links = links(4);
    let stack = Stack::<H>::full(&links);
    let holders: Vec<AtomicU32> = (0..4).map(|_| AtomicU32::new(0)).collect();
    let twice = AtomicU32::new(0);
    // Relaxed: a stamp is one word, and its swaps have one order for all.
    let run = |me: u32| {
        for _ in 0..rounds {
            let held = [stack.pop(&links), stack.pop(&links)];
            let held = held.into_iter().flatten();
            held.clone().for_each(|place| {
                if holders[place as usize].swap(me, Ordering::Relaxed) != 0 {
                    twice.fetch_add(1, Ordering::Relaxed);
                }
            });
            if twice.load(Ordering::Relaxed) > 0 {
                break;
            }
            held.for_each(|place| {
                holders[place as usize].store(0, Ordering::Relaxed);
                stack.push(&links, place, u32::MAX);
            });
        }
    };
    let run = &run;
    std::thread::scope(|scope| {
        [1, 2].map(|me| scope.spawn(move || run(me))).map(|thread| thread.join().unwrap())
    });
    twice.into_inner()
}

#[test]
fn object_pool_the_printed_free_list_fails_under_stress() {
    let at_once = std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1);
    if at_once && !cfg!(miri) {
        assert!(handed_out_twice::<Untagged>(200_000_000) > 0);
    }
}

#[test]
fn object_pool_tagged_free_lists_hand_each_place_to_one_holder() {
    let rounds = if cfg!(miri) { 30 } else { 300_000 };
    assert_eq!(handed_out_twice::<Packed>(rounds), 0);
    assert_eq!(handed_out_twice::<Wide>(rounds), 0);
}
