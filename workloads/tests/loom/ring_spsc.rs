//! One thread pushes, one pops.

use crate::survivors;
use perfbench_workloads::ring_spsc::index_ring::{Indexed, Publication};
use perfbench_workloads::ring_spsc::{
    Pop, Push, Spsc, cached_index::CachedIndex, line::Lines, sequenced::Sequenced,
};
use perfbench_workloads::shm_queue::head_tail;

/// More items than slots (`head_tail` has one more than it fills), so that a slot is used again while the other side may
/// still be at it.
const ITEMS: u64 = 4;
const CAPACITY: usize = 2;

/// The policy of `lazy_index` and `adaptive` with a share so large that a small ring has items taken and not told of.
struct Whole;

impl Publication for Whole {
    const SHARES: Option<u64> = Some(1);
    const CATCH_UP_PAUSES: u32 = 0;
}

type Lazy = Indexed<Whole>;

/// One thread pushes, one pops; loom itself watches that no slot is touched by both at once.
fn carries_items_in_order<S>()
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    carries_so_many::<S>(CAPACITY, ITEMS);
}

fn carries_so_many<S>(capacity: usize, items: u64)
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    let mut builder = loom::model::Builder::new();
    // More items have more interleavings than can be gone through with the same number of switches.
    builder.preemption_bound =
        builder.preemption_bound.map(|most| if items > ITEMS { most.min(2) } else { most });
    builder.check(move || {
        let (mut producer, mut consumer) = S::ring(capacity, 0).unwrap();
        let pushing = loom::thread::spawn(move || {
            for item in 0..items {
                while producer.try_push(item).is_err() {
                    loom::thread::yield_now();
                }
            }
        });
        for expected in 0..items {
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

/// Two items to a share, four slots: there are more items than slots.
fn lazy_carries() {
    carries_so_many::<Lazy>(CAPACITY, 5);
}

/// Two items to a line, four lines.
fn line_carries() {
    carries_so_many::<Lines<2>>(4, 10);
}

/// Neither side waits: loom would give up on a call that does, so each ends after a bounded number of steps wherever the
/// other side stands.
fn calls_end_wherever_the_other_side_stands<S>()
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    loom::model(|| {
        let (mut producer, mut consumer) = S::ring(CAPACITY, 0).unwrap();
        let pushing =
            loom::thread::spawn(move || (0..3).filter(|item| producer.try_push(*item).is_ok()).count());
        let popped: Vec<u64> = (0..3).filter_map(|_| consumer.try_pop()).collect();
        let pushed = pushing.join().unwrap();
        assert!(popped.len() <= pushed && popped.iter().is_sorted());
    });
}

#[test]
fn push_and_pop_are_wait_free() {
    calls_end_wherever_the_other_side_stands::<Sequenced>();
    calls_end_wherever_the_other_side_stands::<CachedIndex>();
    calls_end_wherever_the_other_side_stands::<Lazy>();
    calls_end_wherever_the_other_side_stands::<Lines<2>>();
}

#[test]
fn a_late_publication_carries_items_in_order() {
    lazy_carries();
}

#[test]
fn a_late_publication_needs_each_of_its_orderings() {
    assert_eq!(survivors(lazy_carries), (4, Vec::new()));
}

#[test]
fn items_beside_their_header_are_carried_in_order() {
    line_carries();
}

#[test]
fn items_beside_their_header_need_each_of_their_orderings() {
    assert_eq!(survivors(line_carries), (4, Vec::new()));
}

#[test]
fn head_tail_carries_items_in_order() {
    carries_items_in_order::<head_tail::OnHeap>();
}

#[test]
fn head_tail_needs_each_of_its_orderings() {
    needs_each_of_its_four_orderings::<head_tail::OnHeap>();
}
