//! Arrays that one writes and others read whole. A model has threads only; a writer killed within a write is in
//! `tests/kills`.

use crate::survivors;
use perfbench_workloads::seqlock::{State, WORDS};
use perfbench_workloads::shm_versioned_array::{
    Array, Read, Write, element_version::ElementVersion, global_version::GlobalVersion,
};

fn state(n: u64) -> State {
    [n; WORDS]
}

/// Two elements are written; each read is whole, and whoever has seen the second write sees the first.
fn is_read_whole<A: Array>() {
    loom::model(|| {
        let (mut writer, reader) = A::on_heap(2);
        let writing = loom::thread::spawn(move || {
            (0..2).for_each(|index| writer.write(index, state(index as u64 + 1)));
        });
        let [second, first] = [1, 0].map(|index| reader.try_read(index));
        assert!([None, Some(state(0)), Some(state(2))].contains(&second), "{second:?}");
        assert!([None, Some(state(0)), Some(state(1))].contains(&first), "{first:?}");
        assert!(second != Some(state(2)) || first == Some(state(1)), "the older write is not seen");
        writing.join().unwrap();
        assert_eq!([0, 1].map(|index| reader.try_read(index)), [Some(state(1)), Some(state(2))]);
    });
}

#[test]
fn shm_versioned_array_element_version_is_read_whole() {
    is_read_whole::<ElementVersion>();
}

#[test]
fn shm_versioned_array_element_version_needs_each_of_its_orderings_and_fences() {
    assert_eq!(survivors(is_read_whole::<ElementVersion>), (4, vec![]));
}

#[test]
fn shm_versioned_array_global_version_is_read_whole() {
    is_read_whole::<GlobalVersion>();
}

#[test]
fn shm_versioned_array_global_version_needs_each_of_its_orderings_and_fences() {
    assert_eq!(survivors(is_read_whole::<GlobalVersion>), (4, vec![]));
}
