//! Many push, many pop, and some die at a cell.

use crate::survivors;
use perfbench_workloads::ring_spsc::{Pop, Push};
use perfbench_workloads::roll::Identity;
use perfbench_workloads::shm_queue::mpmc::{Handle, Shared, joined_on_heap};

const LIVING: Identity = Identity::of(1, 1);
const DEAD: Identity = Identity::of(2, 1);

fn alive(who: Identity) -> bool {
    who != DEAD
}

fn push(handle: &mut Handle, item: u64) {
    while handle.try_push(item).is_err() {
        loom::thread::yield_now();
    }
}

fn pop(handle: &mut Handle) -> u64 {
    loop {
        match handle.try_pop() {
            Some(item) => return item,
            None => loom::thread::yield_now(),
        }
    }
}

/// Two producers and one consumer through two cells, one of which is used again.
fn loses_nothing_and_keeps_order() {
    loom::model(|| {
        let mut consumer = joined_on_heap(2, LIVING, alive);
        let [mut one, mut other] = [(), ()].map(|()| consumer.another(LIVING).unwrap());
        let threads = [
            loom::thread::spawn(move || [10, 11].into_iter().for_each(|item| push(&mut one, item))),
            loom::thread::spawn(move || push(&mut other, 20)),
        ];
        let taken = [pop(&mut consumer), pop(&mut consumer), pop(&mut consumer)];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let of_one: Vec<u64> = taken.into_iter().filter(|item| *item < 20).collect();
        assert_eq!(of_one, [10, 11]);
        assert!(taken.contains(&20));
    });
}

#[test]
fn mpmc_loses_nothing_and_keeps_order() {
    loses_nothing_and_keeps_order();
}

/// A seat of a dead process goes to a living one, whose claim must not be taken for the dead one's.
fn robs_nobody_who_sits_where_a_dead_one_sat() {
    loom::model(|| {
        let mut consumer = joined_on_heap(2, LIVING, alive);
        let mut dead = consumer.another(DEAD).unwrap();
        assert!(dead.claim_and_leave());
        std::mem::forget(dead);
        let memory: Shared = consumer.memory();
        let producing = loom::thread::spawn(move || {
            let others = [(), ()].map(|()| Handle::join(memory.clone(), LIVING, alive).unwrap());
            let mut heir = Handle::join(memory, LIVING, alive).unwrap();
            push(&mut heir, 30);
            drop(others);
        });
        assert_eq!(pop(&mut consumer), 30);
        producing.join().unwrap();
    });
}

#[test]
fn mpmc_robs_nobody_who_sits_where_a_dead_one_sat() {
    robs_nobody_who_sits_where_a_dead_one_sat();
}

#[test]
fn mpmc_needs_its_orderings() {
    let (sites, carried) = survivors(loses_nothing_and_keeps_order);
    let (more, inherited) = survivors(robs_nobody_who_sits_where_a_dead_one_sat);
    assert_eq!((sites, carried, more, inherited), (0, vec![], 0, vec![]));
}
