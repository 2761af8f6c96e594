//! One writes in bulk or over the oldest, one reads and validates.

use crate::survivors;
use perfbench_workloads::shm_ring_buffer::{Read, Stream, Write, announced::Announced};

const WORDS: u64 = 4;

/// Without loss, through fewer words than are sent, so that places are used again.
fn carries_words_in_order() {
    loom::model(|| {
        let (mut writer, mut reader) = Announced::on_heap(2);
        let writing = loom::thread::spawn(move || {
            let mut sent = 0;
            while sent < WORDS {
                let bulk: Vec<u64> = (sent..WORDS).take(2).collect();
                sent += writer.push_bulk(&bulk) as u64;
                loom::thread::yield_now();
            }
        });
        let mut due = 0;
        while due < WORDS {
            let mut into = [9; 2];
            let count = reader.pop_bulk(&mut into);
            for word in &into[..count] {
                assert_eq!(*word, due);
                due += 1;
            }
            loom::thread::yield_now();
        }
        writing.join().unwrap();
    });
}

/// Overwriting: what is read is in order and was the oldest at some time, and the rest is counted.
fn counts_what_is_overwritten() {
    loom::model(|| {
        let (mut writer, mut reader) = Announced::on_heap(2);
        let writing = loom::thread::spawn(move || (0..3).for_each(|word| writer.push_overwrite(word)));
        let (mut due, mut taken) = (0, 0);
        let mut read = |reader: &mut <Announced as Stream>::Reader| {
            let mut into = [9; 2];
            let count = reader.pop_bulk(&mut into);
            for word in &into[..count] {
                taken += 1;
                assert_eq!(taken + reader.lost().unwrap(), word + 1);
                assert!(*word >= due && *word < 3);
                due = word + 1;
            }
        };
        (0..2).for_each(|_| read(&mut reader));
        writing.join().unwrap();
        (0..2).for_each(|_| read(&mut reader));
        assert_eq!(taken + reader.lost().unwrap(), 3);
    });
}

#[test]
fn announced_carries_words_in_order() {
    carries_words_in_order();
}

#[test]
fn announced_counts_what_is_overwritten() {
    counts_what_is_overwritten();
}

/// Each model needs some: what is lost is found by the fences, what is carried by the two indices.
#[test]
fn announced_needs_each_of_its_orderings() {
    let (sites, carried) = survivors(carries_words_in_order);
    let (_, overwritten) = survivors(counts_what_is_overwritten);
    let both: Vec<&String> = carried.iter().filter(|survivor| overwritten.contains(survivor)).collect();
    // A side that takes over from a dead one reads the other's index with Acquire: no model has a dead one.
    assert_eq!((sites, both.len()), (8, 2), "{both:?}");
}
