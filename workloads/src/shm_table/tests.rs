//! Both tables keep the contract; the printed one's faults are shown, and that the robust one has them not.

use super::check::{check, follows_the_oracle};
use super::printed::{OFFSET_BYTES, Printed};
use super::robust::Robust;
use super::*;
use crate::shm::robust_lock::Signer;
use crate::testing::every_variant_is_checked_and_runs;
use std::collections::BTreeSet;

const WORD: Shape = Shape { element_bytes: 8, count: 1, layout: 0 };

#[cfg(not(miri))]
#[test]
fn every_table_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

#[test]
fn the_robust_table_follows_the_oracle_on_the_heap() {
    let steps = if cfg!(miri) { 60 } else { 3000 };
    for seed in 0..4 {
        let table = Robust::<40>::on_heap([Signer::new(1, |_| true)], 4096).pop().unwrap();
        assert_eq!(follows_the_oracle(&table, steps, seed), Ok(()));
        assert_eq!(table.audit(), Ok(()));
    }
}

#[test]
fn adders_at_once_overlap_nowhere_and_each_name_is_added_once() {
    let (threads, names) = (3, if cfg!(miri) { 4 } else { 40 });
    let tables = Robust::<64>::on_heap((1..=threads).map(|word| Signer::new(word, |_| true)), 1 << 20);
    let added: Vec<Entry> = std::thread::scope(|scope| {
        let adds = |table: &Robust<64>| -> Vec<Entry> {
            (0..names).filter_map(|name| table.add(&format!("name {name}"), WORD).ok()).collect()
        };
        let running: Vec<_> = tables.iter().map(|table| scope.spawn(move || adds(table))).collect();
        running.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let places: BTreeSet<u64> = added.iter().map(|entry| entry.offset_bytes).collect();
    assert_eq!((added.len(), places.len()), (names, names));
    assert_eq!(tables[0].audit(), Ok(()));
}

#[test]
fn erased_names_leave_gaps_until_a_typed_end() {
    let table = Robust::<64>::on_heap([Signer::new(1, |_| true)], 64 * 10).pop().unwrap();
    for _ in 0..10 {
        table.add("again", WORD).unwrap();
        table.erase("again").unwrap();
    }
    assert_eq!(table.add("again", WORD), Err(TableError::NoSpace { asked_bytes: 8 }));
    let table = Robust::<40>::on_heap([Signer::new(1, |_| true)], 1 << 20).pop().unwrap();
    for _ in 0..40 {
        table.add("again", WORD).unwrap();
        table.erase("again").unwrap();
    }
    assert_eq!(table.add("again", WORD), Err(TableError::NoEntry));
    assert_eq!(table.find("again"), Err(TableError::Missing));
}

#[cfg(not(miri))]
mod in_segments {
    use super::*;
    use crate::shm::Placed;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU32, AtomicU64};

    fn segment(payload_bytes: u64) -> Arc<Segment> {
        crate::shm::scratch("table", payload_bytes, 1).unwrap()
    }

    /// Two processes that add at once are given one place twice.
    #[test]
    fn the_printed_table_gives_one_place_to_two_adders() {
        let segment = segment(1 << 20);
        let [one, other] = [(); 2].map(|()| Printed::<64>::at(&segment).unwrap());
        let mut theirs = 0;
        let ours = one.reserve_interrupted(64, || theirs = other.reserve(64).unwrap()).unwrap();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn the_printed_table_and_all_behind_it_lie_off_their_alignment() {
        let table = Printed::<64>::at(&segment(1 << 20)).unwrap();
        assert_ne!(OFFSET_BYTES % align_of::<u64>() as u64, 0);
        let entry = table.add("word", WORD).unwrap();
        assert_ne!(entry.offset_bytes % align_of::<u64>() as u64, 0);
        assert_eq!(table.find("word").unwrap().shape.layout, 0, "it says nothing of the type");
    }

    #[test]
    fn a_table_of_the_documented_sizes_is_as_long_as_documented() {
        assert_eq!(Printed::<4096>::TABLE_BYTES, 425_992);
        assert_eq!(Robust::<4096>::TABLE_BYTES, 426_048);
        for table_bytes in [Printed::<40>::TABLE_BYTES, Robust::<4174>::TABLE_BYTES] {
            assert!(is_documented_size(table_bytes), "{table_bytes}");
        }
        assert!(!is_documented_size(Robust::<4175>::TABLE_BYTES));
    }

    /// A table that gives places at random: what an unsynchronised one comes to.
    struct Careless(Robust<64>, AtomicU32);

    impl Table for Careless {
        const ALIGN_BYTES: u64 = 64;
        const TABLE_BYTES: u64 = Robust::<64>::TABLE_BYTES;

        fn at(segment: &Arc<Segment>) -> Result<Self, Unavailable> {
            Ok(Self(Robust::at(segment)?, AtomicU32::new(0)))
        }

        fn add(&self, name: &str, shape: Shape) -> Result<Entry, TableError> {
            let start_bytes = self.0.reserved_bytes();
            let added = self.0.add(name, shape);
            if self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 5 == 4 {
                self.0.rewind(start_bytes);
            }
            added
        }

        fn find(&self, name: &str) -> Result<Entry, TableError> {
            self.0.find(name)
        }

        fn erase(&self, name: &str) -> Result<(), TableError> {
            self.0.erase(name)
        }

        fn reserve(&self, size_bytes: u64) -> Result<u64, TableError> {
            self.0.reserve(size_bytes)
        }

        fn reserved_bytes(&self) -> u64 {
            self.0.reserved_bytes()
        }

        fn rewind(&self, reserved_bytes: u64) {
            self.0.rewind(reserved_bytes);
        }
    }

    #[test]
    fn the_check_finds_places_that_overlap() {
        let found = check::<Careless>().unwrap_err();
        assert!(found.0.contains("overlaps"), "{found}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Whatever stands in the table's memory, finding and joining end in an entry inside the segment or a typed error.
        #[test]
        fn hostile_words_never_lead_outside(
            words in proptest::collection::vec((0u64..64 + 12 * 3, prop_oneof![any::<u64>(), 0u64..20_000]), 1..6),
        ) {
            let segment = segment(16 << 10);
            let table = Robust::<64>::at(&segment).unwrap();
            for name in ["one", "two", "three"] {
                table.add(name, WORD).unwrap();
            }
            for (index, word) in words {
                // Hashes lie behind the header of 8 words, records behind the hashes.
                let place = Placed::<AtomicU64>::one(&segment, 64 + index * 8).unwrap();
                place.store(word, std::sync::atomic::Ordering::Relaxed);
            }
            for name in ["one", "two", "three"] {
                if let Ok(entry) = table.find(name) {
                    let size_bytes = entry.shape.size_bytes().unwrap();
                    prop_assert!(segment.place::<u8>(entry.offset_bytes, size_bytes as usize).is_ok());
                }
            }
            let _ = Robust::<64>::at(&segment);
        }
    }
}
