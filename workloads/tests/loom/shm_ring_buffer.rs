//! Streams of words between processes. A model has threads only; a side that follows a killed one is in `tests/kills`.

use crate::survivors;
use loom::thread::{spawn, yield_now};
use perfbench_workloads::shm_ring_buffer::{
    Read, Stream, Write, announced::Announced, moved_head::MovedHead,
};

const CAPACITY: usize = 2;

/// Twice as many as fit, in bulk: every place is used again.
fn carries_words_in_order<S: Stream>() {
    loom::model(|| {
        const WORDS: usize = 4;
        let (mut writer, mut reader) = S::on_heap(CAPACITY);
        let reading = spawn(move || {
            let mut read = Vec::new();
            while read.len() < WORDS {
                let before = read.len();
                take(&mut reader, &mut read);
                if read.len() == before {
                    yield_now();
                }
            }
            read
        });
        let words: [u64; WORDS] = [1, 2, 3, 4];
        let mut sent = 0;
        while sent < WORDS {
            let count = writer.push_bulk(&words[sent..]);
            sent += count;
            if count == 0 {
                yield_now();
            }
        }
        assert_eq!(reading.join().unwrap(), words);
    });
}

/// One word more than fit is written while a reader takes what it can: its words come in order, each once.
fn overwrites_in_order<S: Stream>() {
    loom::model(|| {
        let (mut writer, mut reader) = S::on_heap(CAPACITY);
        let reading = spawn(move || {
            let mut read = Vec::new();
            (0..2).for_each(|_| take(&mut reader, &mut read));
            (reader, read)
        });
        (1..=3).for_each(|word| writer.push_overwrite(word));
        let (mut reader, mut read) = reading.join().unwrap();
        (0..2).for_each(|_| take(&mut reader, &mut read));
        assert!(read.is_sorted_by(|a, b| a < b), "a word twice or out of order");
        assert_eq!(read.last(), Some(&3));
        if let Some(lost) = reader.lost() {
            assert_eq!(read.len() as u64 + lost, 3);
        }
    });
}

fn take(reader: &mut impl Read, read: &mut Vec<u64>) {
    let mut into = [u64::MAX; CAPACITY];
    let count = reader.pop_bulk(&mut into);
    read.extend_from_slice(&into[..count]);
}

fn announced_carries_and_overwrites() {
    carries_words_in_order::<Announced>();
    overwrites_in_order::<Announced>();
}

#[test]
fn shm_ring_buffer_announced_carries_and_overwrites() {
    announced_carries_and_overwrites();
}

#[test]
fn shm_ring_buffer_announced_needs_both_indices_and_both_fences() {
    assert_eq!(survivors(announced_carries_and_overwrites), (4, vec![]));
}

#[test]
fn shm_ring_buffer_moved_head_carries_words_in_order() {
    carries_words_in_order::<MovedHead>();
}

/// The documented design is unsound: whoever overwrites moves the reader's index, and the reader moves it back.
#[test]
#[should_panic = "a word twice or out of order"]
fn shm_ring_buffer_moved_head_reads_words_twice() {
    overwrites_in_order::<MovedHead>();
}

/// The two by which words are published are missed. The two by which they are let go of stay: without them a machine may
/// read a word after it has told that it did. Loom runs a thread's own steps in order, so that no model of atomic words shows
/// that.
#[test]
fn shm_ring_buffer_moved_head_needs_its_orderings() {
    let (sites, survivors) = survivors(carries_words_in_order::<MovedHead>);
    let kinds: Vec<&str> = survivors.iter().map(|survivor| survivor.split_once(' ').unwrap().1).collect();
    assert_eq!((sites, kinds), (4, vec!["Acquire as Relaxed", "Release as Relaxed"]), "{survivors:?}");
}
