//! Two threads append to one journal while a third reads what is acknowledged.

use crate::survivors;
use perfbench_workloads::journal::format::Header;
use perfbench_workloads::journal::log::Shared;
use perfbench_workloads::sync::{AtomicU64, Ordering};

type Log = Shared<Box<[AtomicU64]>>;

/// Room for two records of one word behind the header.
const WORDS: usize = 8 + 2 * 4;

fn empty() -> Log {
    let words: Box<[AtomicU64]> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
    let header = Header { capacity_bytes: 8 * WORDS as u64, identity: 7, epoch: 0, first_sequence: 0 };
    Shared::create(words, header)
}

/// Every acknowledged record is whole and numbered in order; how many there are.
fn whole_records(log: &Log) -> u64 {
    let mut records = 0;
    log.for_each_acknowledged(|number, payload_bytes, words| {
        assert_eq!((number, payload_bytes), (records, 8));
        assert!([1, 2].contains(&u64::from_le(words[0].load(Ordering::Relaxed))));
        records += 1;
    });
    records
}

/// Whoever was told of a record finds it and all before it whole, and so does whoever only reads.
fn acknowledges_in_order() {
    loom::model(|| {
        let log = loom::sync::Arc::new(empty());
        let append = |value: u64| {
            let log = log.clone();
            move || {
                let number = log.append(&value.to_le_bytes()).unwrap();
                assert!(whole_records(&log) > number);
            }
        };
        let (first, second) = (loom::thread::spawn(append(1)), append(2));
        second();
        whole_records(&log);
        first.join().unwrap();
        assert_eq!(whole_records(&log), 2);
        assert!(log.append(&[]).is_err(), "the journal is full");
    });
}

#[test]
fn journal_acknowledges_in_order() {
    acknowledges_in_order();
}

#[test]
fn journal_needs_each_of_its_orderings() {
    assert_eq!(survivors(acknowledges_in_order), (4, Vec::<String>::new()));
}
