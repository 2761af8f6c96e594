//! The queue of many to many between processes. A model has threads only: a process is dead where its census says so, at
//! the points that the models name. Processes killed at any point are in `tests/kills`.

use crate::survivors;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::{spawn, yield_now};
use perfbench_workloads::ring_spsc::{Pop, Push};
use perfbench_workloads::shm::Identity;
use perfbench_workloads::shm_queue::mpmc::{Handle, Refusal, joined_on_heap};

const CAPACITY: usize = 2;

const FIRST: Identity = Identity::of(1, 1);
const DEAD: Identity = Identity::of(2, 1);
const HEIR: Identity = Identity::of(3, 1);

fn all_but_the_dead(who: Identity) -> bool {
    who != DEAD
}

fn push(handle: &mut Handle, item: u64) {
    while handle.try_push(item).is_err() {
        yield_now();
    }
}

fn pop(handle: &mut Handle) -> u64 {
    loop {
        match handle.try_pop() {
            Some(item) => return item,
            None => yield_now(),
        }
    }
}

/// Two push at once, then one goes on alone.
fn two_push() {
    loom::model(|| {
        let mut first = joined_on_heap(CAPACITY, FIRST, |_| true);
        let mut other = first.another(FIRST).unwrap();
        let pushing = spawn(move || push(&mut other, 1));
        push(&mut first, 2);
        let taken = pop(&mut first);
        push(&mut first, 4);
        assert_eq!(taken + pop(&mut first) + pop(&mut first), 7);
        pushing.join().unwrap();
    });
}

/// Two pop at once, then one goes on alone, in a cell that was in use.
fn two_pop() {
    loom::model(|| {
        let mut first = joined_on_heap(CAPACITY, FIRST, |_| true);
        let mut other = first.another(FIRST).unwrap();
        (1..=2).for_each(|item| push(&mut first, item));
        let popping = spawn(move || pop(&mut other));
        let taken = pop(&mut first);
        push(&mut first, 4);
        assert_eq!(taken + popping.join().unwrap() + pop(&mut first), 7);
    });
}

/// A full roll in which one has died at its cell: who died, and the others.
fn with_one_dead_among_all() -> (Handle, Handle, [Handle; 2]) {
    let first = joined_on_heap(CAPACITY, FIRST, all_but_the_dead);
    let mut dead = first.another(DEAD).unwrap();
    assert!(dead.claim_and_leave());
    let others = [(); 2].map(|()| first.another(FIRST).unwrap());
    (dead, first, others)
}

/// The seat of the dead goes to an heir, who claims a cell. Whoever meanwhile looks for what the dead one held leaves that
/// claim alone.
fn an_heir_is_not_robbed(look: fn(&mut Handle)) {
    loom::model(move || {
        let (_dead, mut first, _others) = with_one_dead_among_all();
        let memory = first.memory();
        let inheriting = spawn(move || {
            let mut heir = Handle::join(memory, HEIR, all_but_the_dead).unwrap();
            assert!(heir.claim_and_leave());
            heir
        });
        look(&mut first);
        let _heir = inheriting.join().unwrap();
        assert_eq!(first.pop_within(1), Err(Refusal::Held(HEIR)), "the heir is still at it");
    });
}

fn an_heir_is_not_robbed_by_who_pops() {
    an_heir_is_not_robbed(|first| assert!(first.try_pop().is_none()));
}

fn an_heir_is_not_robbed_by_who_recovers() {
    an_heir_is_not_robbed(|first| _ = first.recover());
}

/// What was held in the name of a seat is free before the seat is: who sits down there is never in its own way.
fn nobody_is_in_its_own_way() {
    loom::model(|| {
        let (_dead, first, _others) = with_one_dead_among_all();
        let memory = first.memory();
        let inheriting = spawn(move || {
            let mut heir = Handle::join(memory, HEIR, all_but_the_dead).unwrap();
            assert_ne!(heir.pop_within(1), Err(Refusal::Held(HEIR)), "no cell bears its name");
        });
        first.recover();
        inheriting.join().unwrap();
    });
}

loom::lazy_static! {
    /// The kernel's notice of a death, which orders all that the dead one did before.
    static ref GONE: AtomicBool = AtomicBool::new(false);
}

/// One dies with an item half pushed, another finds that out, and a third fills the cell.
fn a_cell_of_the_dead_is_filled_again() {
    loom::model(|| {
        let mut first = joined_on_heap(CAPACITY, FIRST, |who| who != DEAD || !GONE.load(Ordering::Acquire));
        let mut dying = first.another(DEAD).unwrap();
        let finder = first.another(FIRST).unwrap();
        let dying = spawn(move || {
            dying.claim_and_leave();
            GONE.store(true, Ordering::Release);
            dying
        });
        let finding = spawn(move || finder.recover());
        let pushed: Vec<u64> = (1..=2).filter(|item| first.try_push(*item).is_ok()).collect();
        let _dead = dying.join().unwrap();
        finding.join().unwrap();
        first.recover();
        assert_eq!(std::iter::from_fn(|| first.try_pop()).collect::<Vec<_>>(), pushed);
    });
}

fn carries_each_item_once_whoever_dies() {
    two_push();
    two_pop();
    an_heir_is_not_robbed_by_who_pops();
    an_heir_is_not_robbed_by_who_recovers();
    nobody_is_in_its_own_way();
    a_cell_of_the_dead_is_filled_again();
}

#[test]
fn shm_queue_carries_each_item_once() {
    two_push();
    two_pop();
}

#[test]
fn shm_queue_an_heir_is_not_robbed_by_who_pops() {
    an_heir_is_not_robbed_by_who_pops();
}

#[test]
fn shm_queue_an_heir_is_not_robbed_by_who_recovers() {
    an_heir_is_not_robbed_by_who_recovers();
}

#[test]
fn shm_queue_nobody_is_in_its_own_way() {
    nobody_is_in_its_own_way();
}

#[test]
fn shm_queue_a_cell_of_the_dead_is_filled_again() {
    a_cell_of_the_dead_is_filled_again();
}

/// Of a push and a pop four, of a take-over two, of a seat two.
#[test]
fn shm_queue_needs_each_of_its_orderings() {
    assert_eq!(survivors(carries_each_item_once_whoever_dies), (8, vec![]));
}
