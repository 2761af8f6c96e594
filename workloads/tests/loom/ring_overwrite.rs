//! Models of the overwriting rings.

use super::survivors;
use loom::thread::spawn;
use perfbench_workloads::ring_overwrite::{Overwriting, Read, Write, frame, versioned::Versioned};

/// Three frames through two slots, so that one may be overtaken while it is read; none is torn or unaccounted for.
fn frames_are_whole_or_dropped() {
    loom::model(|| {
        let (mut writer, mut reader) = Versioned::ring(2);
        let writing = spawn(move || (1..=3).for_each(|number| writer.push(frame(number))));
        let mut read = Vec::new();
        (0..2).for_each(|_| read.extend(reader.try_pop()));
        let overtaken = reader.dropped();
        writing.join().unwrap();
        while let Some(frame) = reader.try_pop() {
            read.push(frame);
        }
        assert!(read.iter().all(|read| *read == frame(read[0])), "a torn frame");
        assert!(read.is_sorted_by(|a, b| a[0] < b[0]), "out of order");
        assert_eq!(read.len() as u64 + reader.dropped(), 3);
        assert!(overtaken <= 1, "only the first can give way");
    });
}

#[test]
fn versioned_needs_each_of_its_orderings() {
    assert_eq!(survivors(frames_are_whole_or_dropped), (4, vec![]));
}
