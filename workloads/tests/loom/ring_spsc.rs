//! One thread pushes, one pops.

use crate::survivors;
use perfbench_workloads::ring_spsc::{Pop, Push, Spsc, cached_index::CachedIndex, sequenced::Sequenced};
use perfbench_workloads::shm_queue::head_tail;

/// More items than slots (`head_tail` has one more than it fills), so that a slot is used again while the other side may
/// still be at it.
const ITEMS: u64 = 4;
const CAPACITY: usize = 2;

/// One thread pushes, one pops; loom itself watches that no slot is touched by both at once.
fn carries_items_in_order<S>()
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    loom::model(|| {
        let (mut producer, mut consumer) = S::ring(CAPACITY, 0).unwrap();
        let pushing = loom::thread::spawn(move || {
            for item in 0..ITEMS {
                while producer.try_push(item).is_err() {
                    loom::thread::yield_now();
                }
            }
        });
        for expected in 0..ITEMS {
            let item = loop {
                match consumer.try_pop() {
                    Some(item) => break item,
                    None => loom::thread::yield_now(),
                }
            };
            assert_eq!(item, expected);
        }
        pushing.join().unwrap();
        assert!(consumer.try_pop().is_none());
    });
}

/// Slots are handed over both ways, by a store on one side and a load on the other, so four places must order memory.
fn needs_each_of_its_four_orderings<S>()
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    let survivors = survivors(carries_items_in_order::<S>);
    assert_eq!(survivors.0, 4);
    assert_eq!(survivors.1, Vec::<String>::new());
}

#[test]
fn sequenced_carries_items_in_order() {
    carries_items_in_order::<Sequenced>();
}

#[test]
fn sequenced_needs_each_of_its_orderings() {
    needs_each_of_its_four_orderings::<Sequenced>();
}

#[test]
fn cached_index_carries_items_in_order() {
    carries_items_in_order::<CachedIndex>();
}

#[test]
fn cached_index_needs_each_of_its_orderings() {
    needs_each_of_its_four_orderings::<CachedIndex>();
}

#[test]
fn head_tail_carries_items_in_order() {
    carries_items_in_order::<head_tail::OnHeap>();
}

#[test]
fn head_tail_needs_each_of_its_orderings() {
    needs_each_of_its_four_orderings::<head_tail::OnHeap>();
}
