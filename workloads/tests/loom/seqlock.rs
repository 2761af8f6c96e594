//! One thread writes a cell, or two do, while another reads.

use crate::survivors;
use perfbench_workloads::seqlock::cell::{Cell, split};
use perfbench_workloads::sync::AtomicU64;

type Pair = [u64; 2];

/// Two writes of one writer; each of two reads is whole, and the second is not older.
fn is_read_whole() {
    loom::model(|| {
        let (mut writer, reader) = split::<Pair, 2, AtomicU64>(AtomicU64::new(0), [0, 0]);
        let writing = loom::thread::spawn(move || {
            writer.write([1, 1]);
            writer.write([2, 2]);
        });
        let mut last = 0;
        for [first, second] in (0..2).filter_map(|_| reader.try_read()) {
            assert_eq!(first, second);
            assert!(first >= last);
            last = first;
        }
        writing.join().unwrap();
        assert_eq!(reader.try_read(), Some([2, 2]));
    });
}

/// A write of each of two writers; a read between them is whole, and so is what they leave.
fn is_written_by_one_at_a_time() {
    loom::model(|| {
        let cell = loom::sync::Arc::new(Cell::<Pair, 2>::new(AtomicU64::new(0), [0, 0]));
        let other = cell.clone();
        let writing = loom::thread::spawn(move || other.write_among_many([1, 1]));
        cell.write_among_many([2, 2]);
        if let Some([first, second]) = cell.try_read() {
            assert_eq!(first, second);
        }
        writing.join().unwrap();
        let [first, second] = cell.try_read().unwrap();
        assert_eq!(first, second);
        assert_ne!(first, 0);
    });
}

#[test]
fn seqlock_is_read_whole() {
    is_read_whole();
}

#[test]
fn seqlock_needs_each_of_its_orderings_and_fences() {
    assert_eq!(survivors(is_read_whole), (4, Vec::<String>::new()));
}

#[test]
fn seqlock_is_written_by_one_at_a_time() {
    is_written_by_one_at_a_time();
}

#[test]
fn seqlock_of_many_writers_needs_the_orderings_of_its_writers() {
    let (sites, survivors) = survivors(is_written_by_one_at_a_time);
    // The Acquire by which a read begins: the reader here has written itself. The model of one writer needs it.
    assert_eq!((sites, survivors.len()), (5, 1), "{survivors:?}");
    assert!(survivors[0].ends_with("Acquire as Relaxed"), "{survivors:?}");
}
