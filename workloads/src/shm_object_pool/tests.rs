//! What the pools in shared memory promise, and where the printed one breaks it.

use super::check::{agrees_with_a_set, contend};
use super::free_list::{begin_pop, finish_pop, pop, push};
use super::{magazine::Magazine, tagged::Tagged, untagged::Untagged, *};
#[cfg(not(miri))]
use crate::testing;

const DEAD: Identity = Identity::of(2, 1);
const LIVING: Identity = Identity::of(1, 1);

fn pool<P: Pool>(capacity: usize) -> P {
    P::first(on_heap(capacity), LIVING, |who| who != DEAD)
}

#[cfg(not(miri))]
#[test]
fn every_pool_passes_its_check_and_runs_at_every_point() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

#[test]
fn every_pool_agrees_with_a_set() {
    assert_eq!(agrees_with_a_set::<Untagged>(3), Ok(()));
    assert_eq!(agrees_with_a_set::<Tagged>(3), Ok(()));
    assert_eq!(agrees_with_a_set::<Magazine>(3), Ok(()));
}

/// One contender stops between its read and its swap; the other takes two and gives the first back.
fn pop_across_a_head_that_came_back<const TAGGED: bool>() -> (bool, Option<u32>, u32) {
    let memory = on_heap(4);
    let stopped = begin_pop(&memory).unwrap();
    let (first, second) = (pop::<TAGGED>(&memory).unwrap(), pop::<TAGGED>(&memory).unwrap());
    push::<TAGGED>(&memory, first);
    let succeeded = finish_pop::<TAGGED>(&memory, stopped).is_ok();
    (succeeded, pop::<TAGGED>(&memory), second)
}

#[test]
fn the_printed_list_lends_an_object_twice_where_a_head_comes_back() {
    let (succeeded, next, still_lent) = pop_across_a_head_that_came_back::<false>();
    assert!(succeeded, "a bare number hides that the head has moved");
    assert_eq!(next, Some(still_lent));
}

#[test]
fn a_tag_tells_a_head_that_came_back() {
    let (succeeded, next, still_lent) = pop_across_a_head_that_came_back::<true>();
    assert!(!succeeded);
    assert_ne!(next, Some(still_lent));
}

/// When contenders break the printed list is chance, and what they find of it is a fact of its row; that it breaks is shown
/// by the script above.
#[cfg(not(miri))]
#[test]
fn contenders_break_neither_of_the_repaired_pools() {
    assert_eq!(contend::<Tagged>(check::ROUNDS), check::Found::default());
    assert_eq!(contend::<Magazine>(check::ROUNDS), check::Found::default());
}

fn comes_back_from_the_dead<P: Pool>() {
    let mut living = pool::<P>(64);
    let mut dead = living.another(DEAD);
    let had: Vec<u32> = (0..20).map(|_| dead.take().unwrap()).collect();
    dead.give(had[0]).unwrap();
    std::mem::forget(dead);
    let ours: Vec<u32> = std::iter::from_fn(|| living.take()).collect();
    assert!(ours.len() < 64 - 18, "the dead still have theirs");
    let back = living.recover();
    let more: Vec<u32> = std::iter::from_fn(|| living.take()).collect();
    assert_eq!((back, ours.len() + more.len()), (64 - ours.len(), 64));
    assert_eq!(living.recover(), 0, "the living keep theirs");
}

#[test]
fn what_a_killed_process_had_comes_back_and_nothing_else() {
    comes_back_from_the_dead::<Tagged>();
    comes_back_from_the_dead::<Magazine>();
}

#[test]
fn a_kill_between_swap_and_signature_costs_the_tagged_list_one_object() {
    let mut living = pool::<Tagged>(4);
    let mut dead = living.another(DEAD);
    let lost = dead.pop_and_leave().unwrap();
    assert_eq!(living.recover(), 0);
    let left: Vec<u32> = std::iter::from_fn(|| living.take()).collect();
    assert_eq!(left.len(), 3);
    assert!(!left.contains(&lost));
}

#[test]
fn a_participant_that_leaves_lets_go_of_what_it_kept() {
    let mut first = pool::<Magazine>(8);
    let mut second = first.another(LIVING);
    let number = second.take().unwrap();
    second.give(number).unwrap();
    drop(second);
    assert_eq!(std::iter::from_fn(|| first.take()).count(), 8);
}

/// A pool that keeps its promise but for one fault.
struct Faulty<const FAULT: char>(Tagged, u32);

impl<const FAULT: char> Pool for Faulty<FAULT> {
    const KIND: u64 = 0;

    fn first(memory: Shared, who: Identity, alive: Census) -> Self {
        Self(Tagged::first(memory, who, alive), 0)
    }

    fn another(&self, who: Identity) -> Self {
        Self(self.0.another(who), 0)
    }

    fn take(&mut self) -> Option<u32> {
        self.1 += 1;
        match FAULT {
            'd' if self.1 == 9 => Some(0),
            'l' if self.1 == 9 => self.0.take().and_then(|_| self.0.take()),
            _ => self.0.take(),
        }
    }

    fn give(&mut self, number: u32) -> Result<(), Misuse> {
        match self.0.give(number) {
            Err(Misuse::NotLent) if FAULT == 't' => Ok(()),
            Err(Misuse::Foreign(_)) if FAULT == 'f' => Ok(()),
            outcome => outcome,
        }
    }

    fn recover(&mut self) -> usize {
        self.0.recover()
    }

    fn object(&self, number: u32) -> &Object {
        self.0.object(number)
    }
}

#[test]
fn the_check_finds_doubles_losses_and_misuse_that_goes_unseen() {
    assert_eq!(agrees_with_a_set::<Faulty<' '>>(3), Ok(()));
    let found = [
        agrees_with_a_set::<Faulty<'d'>>(3),
        agrees_with_a_set::<Faulty<'l'>>(3),
        agrees_with_a_set::<Faulty<'t'>>(3),
        agrees_with_a_set::<Faulty<'f'>>(3),
    ];
    assert!(found.iter().all(Result::is_err), "{found:?}");
}
