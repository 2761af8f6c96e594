//! The pools of shared memory. A model has threads only; what a killed process leaves is in `tests/kills`.

use crate::survivors;
use loom::thread::spawn;
use perfbench_workloads::shm::Identity;
use perfbench_workloads::shm_object_pool::{
    Pool, magazine::Magazine, on_heap, tagged::Tagged, untagged::Untagged,
};

const CAPACITY: usize = 2;

fn two_participants<P: Pool>() -> [P; 2] {
    let first = P::first(on_heap(CAPACITY), Identity::of(1, 1), |_| true);
    let second = first.another(Identity::of(2, 1));
    [first, second]
}

/// Adds one to an object; loom itself watches that nobody else is at it.
fn add_one<P: Pool>(pool: &P, number: u32) {
    let object = pool.object(number);
    object.write(0, object.read(0) + 1);
}

/// One takes an object; the other takes two, gives the first back, so that the head of a list is where it was, and then the
/// other. What an owner wrote, the next one reads.
fn carries_what_owners_wrote<P: Pool>() {
    loom::model(|| {
        let [mut first, mut second] = two_participants::<P>();
        let lending = spawn(move || {
            let taken = [second.take(), second.take()];
            for number in taken.into_iter().flatten() {
                add_one(&second, number);
                second.give(number).unwrap();
            }
            taken.iter().flatten().count()
        });
        let taken = first.take();
        if let Some(number) = taken {
            add_one(&first, number);
            first.give(number).unwrap();
        }
        let added = lending.join().unwrap() + taken.iter().count();
        let mut all: Vec<u32> = (0..=CAPACITY).map_while(|_| first.take()).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1], "each object is there once");
        assert_eq!(all.iter().map(|number| first.object(*number).read(0)).sum::<u64>(), added as u64);
    });
}

/// The same, where the second of the two is kept: nobody else has it.
fn lends_to_one_at_a_time<P: Pool>() {
    loom::model(|| {
        let [mut first, mut second] = two_participants::<P>();
        let lending = spawn(move || {
            let taken = second.take();
            let kept = second.take();
            taken.into_iter().for_each(|number| second.give(number).unwrap());
            (kept, second)
        });
        let ours: Vec<u32> = (0..2).filter_map(|_| first.take()).collect();
        let (kept, _second) = lending.join().unwrap();
        assert!(kept.is_none_or(|number| !ours.contains(&number)), "an object is lent twice");
    });
}

#[test]
fn shm_object_pool_tagged_lends_to_one_at_a_time() {
    carries_what_owners_wrote::<Tagged>();
    lends_to_one_at_a_time::<Tagged>();
}

#[test]
fn shm_object_pool_magazine_lends_to_one_at_a_time() {
    carries_what_owners_wrote::<Magazine>();
    lends_to_one_at_a_time::<Magazine>();
}

/// The documented list is unsound: a head that came back passes for one that never moved.
#[test]
#[should_panic = "an object is lent twice"]
fn shm_object_pool_untagged_lends_an_object_twice() {
    lends_to_one_at_a_time::<Untagged>();
}

/// A head is read, read again where the swap failed, and published.
#[test]
fn shm_object_pool_tagged_needs_each_of_its_orderings() {
    assert_eq!(survivors(carries_what_owners_wrote::<Tagged>), (3, vec![]));
}

/// A slot is let go of and signed.
#[test]
fn shm_object_pool_magazine_needs_each_of_its_orderings() {
    assert_eq!(survivors(carries_what_owners_wrote::<Magazine>), (2, vec![]));
}
