//! A journal file from anybody: any bytes, any bytes behind a good header, and a journal of which bytes were replaced, which must
//! give a prefix of its records.
#![no_main]

use libfuzzer_sys::fuzz_target;
use perfbench_workloads::journal::format::{HEADER_BYTES, Header};
use perfbench_workloads::journal::log::{Alone, Memory};
use perfbench_workloads::journal::recover::recover;
use std::sync::atomic::{AtomicU64, Ordering};

const BYTES: usize = 1024;
const HEADER: Header = Header { capacity_bytes: BYTES as u64, identity: 7, epoch: 0, first_sequence: 0 };

fuzz_target!(|data: &[u8]| {
    let _ = recover(data);
    let _ = recover(&[&HEADER.to_bytes()[..], data].concat());
    let payloads: Vec<&[u8]> = data.chunks(40).take(12).collect();
    let mut bytes = journal_of(&payloads);
    for change in data.chunks_exact(3).take(20) {
        let at =
            HEADER_BYTES + usize::from(u16::from_le_bytes([change[0], change[1]])) % (BYTES - HEADER_BYTES);
        bytes[at] = change[2];
    }
    let recovered = recover(&bytes).expect("the header is whole");
    let read: Vec<&[u8]> = recovered.records.iter().map(|record| record.payload).collect();
    assert!(payloads.starts_with(&read));
});

fn journal_of(payloads: &[&[u8]]) -> Vec<u8> {
    let words: Box<[AtomicU64]> = (0..BYTES / 8).map(|_| AtomicU64::new(0)).collect();
    let mut log = Alone::create(words, HEADER);
    for payload in payloads {
        log.append(payload).expect("there is room for twelve");
    }
    log.memory().words().iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect()
}
