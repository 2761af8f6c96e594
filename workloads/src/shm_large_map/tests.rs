//! Every map keeps the contract, also on the heap, where Miri looks on; a damaged map neither hangs nor reaches outside.

use super::chained::Chained;
use super::check::{each_key_is_inserted_once, fills_to_a_typed_end, follows_the_oracle};
use super::lines::Lines;
use super::*;

#[test]
fn maps_on_the_heap_follow_the_oracle() {
    let room = if cfg!(miri) { 12 } else { 500 };
    let ([chained], [lines]) = (Chained::on_heap(room), Lines::on_heap(room));
    assert_eq!(follows_the_oracle(&chained, room, 1), Ok(()));
    assert_eq!(follows_the_oracle(&lines, room, 1), Ok(()));
}

#[test]
fn maps_fill_to_a_typed_end() {
    let ([chained], [lines]) = (Chained::on_heap(20), Lines::on_heap(20));
    assert_eq!(fills_to_a_typed_end(&chained, 100), Ok(()));
    assert_eq!(fills_to_a_typed_end(&lines, 100), Ok(()));
}

#[test]
fn inserters_at_once_win_each_key_once() {
    let keys = if cfg!(miri) { 8 } else { 20_000 };
    let [one, other] = Chained::on_heap(2 * keys as usize);
    assert_eq!(each_key_is_inserted_once([&one, &other], keys), Ok(()));
    let [one, other] = Lines::on_heap(2 * keys as usize);
    assert_eq!(each_key_is_inserted_once([&one, &other], keys), Ok(()));
}

#[cfg(not(miri))]
mod in_segments {
    use super::super::check::check;
    use super::*;
    use crate::shm::Placed;
    use crate::testing::every_variant_is_checked_and_runs;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn every_map_keeps_the_contract() {
        every_variant_is_checked_and_runs(&WORKLOAD);
    }

    /// Loses every eighth key.
    struct Leaky(Lines);

    impl Map for Leaky {
        fn with_room_for(keys: usize) -> Result<Self, Unavailable> {
            Lines::with_room_for(keys).map(Self)
        }

        fn insert(&self, key: NonZeroU64, value: NonZeroU64) -> Result<Option<NonZeroU64>, Full> {
            if key.get() % 8 == 7 { Ok(None) } else { self.0.insert(key, value) }
        }

        fn get(&self, key: NonZeroU64) -> Option<NonZeroU64> {
            self.0.get(key)
        }

        fn clear(&mut self) {
            self.0.clear();
        }
    }

    #[test]
    fn the_check_finds_a_lost_key() {
        assert!(check::<Leaky>().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn hostile_words_end_in_an_answer(
            words in proptest::collection::vec((0u64..500, prop_oneof![any::<u64>(), 0u64..40]), 1..20),
        ) {
            let segment = crate::shm::scratch("map", 4096, 1).unwrap();
            let (chained, lines) = (Chained::at(&segment, 40).unwrap(), Lines::at(&segment, 40).unwrap());
            for (index, word) in words {
                Placed::<AtomicU64>::one(&segment, index * 8).unwrap().store(word, Ordering::Relaxed);
            }
            for key in (1..20).map(|key| NonZeroU64::new(key).unwrap()) {
                let _ = (chained.get(key), lines.get(key), chained.insert(key, key), lines.insert(key, key));
            }
        }
    }
}
