//! Models of the rings in bulk.

use super::survivors;
use loom::thread::{spawn, yield_now};
use perfbench_workloads::ring_bulk::{Bulk, Read, Write, head_tail::HeadTail, in_place::InPlace};

/// More than the slots (`head_tail` has one more than it fills), so that a slot is written again once it was read.
const ITEMS: usize = 4;

/// Batches of two through two slots, so that the second must wait for the first to be read.
fn carries_batches_in_order<B: Bulk<u64>>() {
    loom::model(|| {
        let (mut writer, mut reader) = B::ring(2).unwrap();
        let writing = spawn(move || {
            let mut next = 0;
            while next < ITEMS {
                let written = writer.write(2.min(ITEMS - next), |index| (next + index) as u64);
                next += written;
                if written == 0 {
                    yield_now();
                }
            }
        });
        let mut next = 0;
        while next < ITEMS as u64 {
            let read = reader.read(2, |item| {
                assert_eq!(*item, next);
                next += 1;
            });
            if read == 0 {
                yield_now();
            }
        }
        writing.join().unwrap();
    });
}

#[test]
fn in_place_needs_each_of_its_orderings() {
    assert_eq!(survivors(carries_batches_in_order::<InPlace>), (4, vec![]));
}

#[test]
fn head_tail_needs_each_of_its_orderings() {
    assert_eq!(survivors(carries_batches_in_order::<HeadTail>), (4, vec![]));
}
