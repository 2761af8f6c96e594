//! Two participants take objects, add to what lies in them, and give them back.

use crate::survivors;
use perfbench_workloads::roll::Identity;
use perfbench_workloads::shm_object_pool::{Pool, magazine::Magazine, on_heap, tagged::Tagged};
use std::collections::BTreeSet;

const CAPACITY: usize = 2;

const fn process(number: u32) -> Identity {
    Identity::of(number, 1)
}

/// Adds one by a read and a write, which lose count where two have the object, or where one does not see the last one's.
fn add_one<P: Pool>(pool: &P, number: u32) {
    let object = pool.object(number);
    object.write(0, object.read(0) + 1);
}

/// One takes and gives once; the other takes two and gives the first back first, so that a head comes back to where it was.
fn lends_each_object_to_one_at_a_time<P: Pool>() {
    loom::model(|| {
        let mut first = P::first(on_heap(CAPACITY), process(1), |_| true);
        let mut second = first.another(process(2));
        let taking = loom::thread::spawn(move || {
            let taken = [second.take(), second.take()];
            for number in taken.iter().flatten() {
                add_one(&second, *number);
            }
            for number in taken.iter().flatten() {
                second.give(*number).unwrap();
            }
            taken.iter().flatten().count() as u64
        });
        let taken = first.take();
        if let Some(number) = taken {
            add_one(&first, number);
            first.give(number).unwrap();
        }
        let added = taken.iter().count() as u64 + taking.join().unwrap();
        let there: BTreeSet<u32> = (0..2 * CAPACITY).map_while(|_| first.take()).collect();
        assert_eq!(there.len(), CAPACITY, "nothing is lost, nothing is doubled");
        assert_eq!(there.iter().map(|number| first.object(*number).read(0)).sum::<u64>(), added);
    });
}

#[test]
fn tagged_lends_each_object_to_one_at_a_time() {
    lends_each_object_to_one_at_a_time::<Tagged>();
}

/// Reading the head, reading it again where the swap failed, and publishing a push.
#[test]
fn tagged_needs_each_of_its_orderings() {
    assert_eq!(survivors(lends_each_object_to_one_at_a_time::<Tagged>), (3, vec![]));
}

#[test]
fn magazine_lends_each_object_to_one_at_a_time() {
    lends_each_object_to_one_at_a_time::<Magazine>();
}

/// Signing a slot and letting go of it.
#[test]
fn magazine_needs_each_of_its_orderings() {
    assert_eq!(survivors(lends_each_object_to_one_at_a_time::<Magazine>), (2, vec![]));
}
