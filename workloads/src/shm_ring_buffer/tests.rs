//! What streams promise, and where the documented one breaks it.

use super::check::{Twins, chase, check};
use super::{announced::Announced, moved_head::MovedHead, *};
#[cfg(not(miri))]
use crate::testing;
use crate::testing::with_setup;
use proptest::prelude::*;

#[cfg(not(miri))]
#[test]
fn every_stream_passes_its_check_and_runs_at_every_point() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

#[test]
fn both_streams_pass_the_check_on_the_heap() {
    assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, check::<Announced>), Ok(()));
    assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, check::<MovedHead>), Ok(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 3 } else { 200 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_operations_agrees_with_a_deque(
        exponent in 0u32..7,
        steps in prop::collection::vec((0u8..4, 0usize..70), 0..60),
    ) {
        let (mut documented, mut announced) = (Twins::<MovedHead>::new(1 << exponent), Twins::<Announced>::new(1 << exponent));
        for (operation, count) in steps {
            prop_assert_eq!(documented.step(operation, count), Ok(()));
            prop_assert_eq!(announced.step(operation, count), Ok(()));
        }
    }
}

/// The reader has read both indices when the writer overwrites the oldest word.
#[test]
fn the_documented_reader_takes_a_new_word_for_the_oldest_and_then_takes_it_again() {
    let (mut writer, mut reader) = MovedHead::on_heap(4);
    writer.push_bulk(&[0, 1, 2, 3]);
    let half = reader.begin_pop();
    writer.push_overwrite(4);
    let mut into = [9; 1];
    reader.finish_pop(half, &mut into);
    assert_eq!(into, [4], "the oldest is 1 by now");
    let mut rest = [9; 4];
    let count = reader.pop_bulk(&mut rest);
    assert_eq!(rest[..count], [1, 2, 3, 4], "and 4 comes once more");
}

#[test]
fn a_reader_that_is_overwritten_counts_what_it_missed() {
    let (mut writer, mut reader) = Announced::on_heap(4);
    (0..10).for_each(|word| writer.push_overwrite(word));
    let mut into = [0; 8];
    let mut taken = Vec::new();
    for _ in 0..3 {
        let count = reader.pop_bulk(&mut into);
        taken.extend_from_slice(&into[..count]);
    }
    assert_eq!((taken, reader.lost()), (vec![6, 7, 8, 9], Some(6)));
}

#[cfg(not(miri))]
#[test]
fn nothing_is_misread_however_fast_it_is_overwritten() {
    let found = chase::<Announced>(check::CHASED);
    assert_eq!((found.misread, found.unaccounted), (0, 0));
}

/// The last word of the writer that died was begun in the place of the oldest: nobody can tell what lies there.
#[test]
fn after_a_writer_that_was_killed_half_way_the_next_goes_on_and_no_torn_word_is_read() {
    let [memory, again] = words::on_heap(4);
    let mut reader = announced::Reader::resumed(memory.clone());
    let mut dead = announced::Writer::resumed(memory);
    dead.push_bulk(&[0, 1, 2, 3]);
    dead.write_and_leave(77);
    let mut next = announced::Writer::resumed(again);
    assert_eq!(next.total_written(), 4);
    let mut into = [0; 4];
    let count = reader.pop_bulk(&mut into);
    assert_eq!((&into[..count], reader.lost()), (&[1, 2, 3][..], Some(1)));
    assert_eq!(next.push_bulk(&[4, 5]), 2);
    let count = reader.pop_bulk(&mut into);
    assert_eq!(into[..count], [4, 5]);
}

#[test]
fn after_a_reader_that_was_killed_the_next_goes_on_where_it_had_come_to() {
    let [memory, again] = words::on_heap(4);
    let mut writer = announced::Writer::resumed(memory.clone());
    let mut dead = announced::Reader::resumed(memory);
    writer.push_bulk(&[0, 1, 2]);
    assert_eq!(dead.pop_bulk(&mut [0; 2]), 2);
    drop(dead);
    let mut next = announced::Reader::resumed(again);
    let mut into = [0; 4];
    let count = next.pop_bulk(&mut into);
    assert_eq!(into[..count], [2]);
}
