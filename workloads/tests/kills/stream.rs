//! Streams and arrays whose one side is killed.

use crate::{KILLS, fork, let_run};
use perfbench_harness::stats::random::Random;
use perfbench_workloads::seqlock::state_of;
use perfbench_workloads::shm_ring_buffer::{Read, Stream, Write, announced::Announced};
use perfbench_workloads::shm_versioned_array::{self as array, Array, element_version::ElementVersion};

const CAPACITY: usize = 64;

/// Pushes numbers in bulks of changing length.
fn push_some(writer: &mut impl Write) {
    let next = writer.total_written();
    let bulk: Vec<u64> = (next..).take(1 + next as usize % 13).collect();
    writer.push_bulk(&bulk);
}

/// Takes what is there; every word is its own number.
fn take_all(reader: &mut impl Read, due: &mut u64) {
    let mut into = [0; CAPACITY];
    loop {
        let count = reader.pop_bulk(&mut into);
        for word in &into[..count] {
            assert_eq!(word, due);
            *due += 1;
        }
        if count == 0 {
            return;
        }
    }
}

pub fn a_killed_writer_has_a_successor(random: &mut Random) {
    for _ in 0..KILLS {
        let (mut writer, mut reader) = Announced::mapped(CAPACITY).unwrap();
        let mut due = 0;
        for _ in 0..3 {
            let child = fork(|| push_some(&mut writer));
            (0..random.below(500)).for_each(|_| take_all(&mut reader, &mut due));
            let_run(random);
            child.kill();
            writer = writer.successor();
            take_all(&mut reader, &mut due);
            assert_eq!(writer.total_written(), due, "what it had published is there, and no more");
            assert_eq!(reader.lost(), Some(0));
        }
    }
}

pub fn a_killed_reader_has_a_successor(random: &mut Random) {
    for _ in 0..KILLS {
        let (mut writer, mut reader) = Announced::mapped(CAPACITY).unwrap();
        for _ in 0..3 {
            let mut due = reader.position();
            let child = fork(|| take_all(&mut reader, &mut due));
            (0..random.below(2_000)).for_each(|_| push_some(&mut writer));
            let_run(random);
            child.kill();
            reader = reader.successor();
            let mut due = reader.position();
            take_all(&mut reader, &mut due);
            assert_eq!(due, writer.total_written());
        }
    }
}

pub fn a_killed_array_writer_tears_nothing(random: &mut Random) {
    const ELEMENTS: usize = 8;
    for _ in 0..KILLS {
        let (mut writer, reader) = ElementVersion::mapped(ELEMENTS).unwrap();
        (0..ELEMENTS).for_each(|index| array::Write::write(&mut writer, index, state_of(0)));
        let mut lap = 0;
        let child = fork(|| {
            lap += 1;
            (0..ELEMENTS).for_each(|index| array::Write::write(&mut writer, index, state_of(lap)));
        });
        let_run(random);
        child.kill();
        let read: Vec<_> = (0..ELEMENTS).map(|index| array::Read::try_read(&reader, index)).collect();
        assert!(read.iter().flatten().all(|state| *state == state_of(state[0])));
        assert!(read.iter().flatten().count() >= ELEMENTS - 1, "at most the one that it was at");
        (0..ELEMENTS).for_each(|index| array::Write::write(&mut writer, index, state_of(7)));
        let healed = (0..ELEMENTS).all(|index| array::Read::try_read(&reader, index) == Some(state_of(7)));
        assert!(healed, "the next writer heals it");
    }
}
