//! Inserters of one key and of one chain at once, and a reader of what a value leads to.

use crate::survivors;
use loom::sync::Arc;
use perfbench_workloads::shm_large_map::chained::Chained;
use perfbench_workloads::shm_large_map::lines::Lines;
use perfbench_workloads::shm_large_map::{Map, hash};
use perfbench_workloads::sync::UnsafeCell;
use std::num::NonZeroU64;

fn word(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).unwrap()
}

/// What values 1 and 2 lead to; loom itself watches that nobody reads a place before it is given away.
struct Places([UnsafeCell<u64>; 2]);

// SAFETY: a place is written by one thread and read by those to whom a map gave its number.
unsafe impl Sync for Places {}
// SAFETY: as above.
unsafe impl Send for Places {}

impl Places {
    fn new() -> Arc<Self> {
        Arc::new(Self([UnsafeCell::new(0), UnsafeCell::new(0)]))
    }

    fn fill(&self, value: u64) {
        // SAFETY: the number of the place has not been given away.
        self.0[value as usize - 1].with_mut(|place| unsafe { *place = value });
    }

    fn read(&self, value: NonZeroU64) {
        // SAFETY: the place was filled before its number was given away.
        assert_eq!(self.0[value.get() as usize - 1].with(|place| unsafe { *place }), value.get());
    }
}

/// Two insert one key, each with a value of its own: whoever loses reads what the winner's value leads to.
fn one_key_has_one_winner<M: Map>(maps: fn() -> [M; 2]) {
    loom::model(move || {
        let ([one, other], places) = (maps(), Places::new());
        let theirs = places.clone();
        let inserting = loom::thread::spawn(move || inserts(&one, &theirs, 1));
        let ours = inserts(&other, &places, 2);
        let theirs = inserting.join().unwrap();
        let expected = if theirs.is_none() { (None, Some(word(1))) } else { (Some(word(2)), None) };
        assert_eq!((theirs, ours), expected);
        assert_eq!(other.get(word(9)), theirs.or(ours));
    });
}

fn inserts<M: Map>(map: &M, places: &Places, value: u64) -> Option<NonZeroU64> {
    places.fill(value);
    let there = map.insert(word(9), word(value)).unwrap();
    there.into_iter().for_each(|value| places.read(value));
    there
}

/// Keys of one chain: of the first few one has the bucket of key 1.
fn neighbour() -> NonZeroU64 {
    let bucket = |key| hash(word(key)) >> 63;
    word((2..).find(|key| bucket(*key) == bucket(1)).unwrap())
}

/// While another key is put before it, a key that is there stays there. The reader is the thread that is spawned: see
/// `main.rs`.
fn a_reader_loses_nothing<M: Map>(maps: fn() -> [M; 2]) {
    loom::model(move || {
        let ([one, other], places) = (maps(), Places::new());
        one.insert(word(1), word(7)).unwrap();
        let (theirs, key) = (places.clone(), neighbour());
        let reading = loom::thread::spawn(move || {
            other.get(key).into_iter().for_each(|value| theirs.read(value));
            assert_eq!(other.get(word(1)), Some(word(7)));
        });
        places.fill(1);
        one.insert(key, word(1)).unwrap();
        reading.join().unwrap();
        assert_eq!(one.get(key), Some(word(1)));
    });
}

fn chained() -> [Chained; 2] {
    Chained::on_heap(2)
}

fn lines() -> [Lines; 2] {
    Lines::on_heap(2)
}

fn both_with_chains() {
    one_key_has_one_winner(chained);
    a_reader_loses_nothing(chained);
}

fn both_with_lines() {
    one_key_has_one_winner(lines);
    a_reader_loses_nothing(lines);
}

#[test]
fn shm_large_map_chains_lose_and_repeat_nothing() {
    both_with_chains();
}

#[test]
fn shm_large_map_lines_lose_and_repeat_nothing() {
    both_with_lines();
}

/// Of an insertion three (the look, the link, a lost race), of a find one.
#[test]
fn shm_large_map_chains_need_each_of_their_orderings() {
    assert_eq!(survivors(both_with_chains), (4, vec![]));
}

/// Of an insertion two, of a find one.
#[test]
fn shm_large_map_lines_need_each_of_their_orderings() {
    assert_eq!(survivors(both_with_lines), (3, vec![]));
}
