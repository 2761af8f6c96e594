//! Holds a map to an ordered one, alone and with inserters of the same keys at once.

use super::{Full, Map};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, ensure};
use std::collections::BTreeMap;
use std::num::NonZeroU64;

/// The one check of this workload.
///
/// # Errors
/// The first difference from the oracle.
pub fn check<M: Map>() -> Result<(), Broken> {
    for keys in [0, 1, 2, 3, 4, 5, 31, 32, 33, 1000] {
        let mut map = M::with_room_for(keys).map_err(|refusal| Broken(refusal.to_string()))?;
        follows_the_oracle(&map, keys, keys as u64)?;
        map.clear();
        follows_the_oracle(&map, keys, !(keys as u64))?;
    }
    let map = M::with_room_for(20).map_err(|refusal| Broken(refusal.to_string()))?;
    fills_to_a_typed_end(&map, 100)?;
    let map = M::with_room_for(3000).map_err(|refusal| Broken(refusal.to_string()))?;
    each_key_is_inserted_once([&map, &map], 1500)
}

/// Inserts and finds keys at random, as many as there is room for.
///
/// # Errors
/// The first difference.
pub fn follows_the_oracle<M: Map>(map: &M, room: usize, seed: u64) -> Result<(), Broken> {
    let (mut oracle, mut random) = (BTreeMap::new(), Random::new(seed));
    for _ in 0..4 * room + 8 {
        let key = word(1 + random.below(2 * room as u64 + 4));
        let value = word(random.bits() | 1);
        let expected = oracle.get(&key).copied();
        if expected.is_some() || oracle.len() < room {
            let found = map.insert(key, value);
            ensure!(found == Ok(expected), "inserting {key} gave {found:?}, expected {expected:?}");
            oracle.entry(key).or_insert(value);
        }
        let asked = word(1 + random.below(2 * room as u64 + 4));
        let (found, expected) = (map.get(asked), oracle.get(&asked).copied());
        ensure!(found == expected, "{asked} is {found:?}, expected {expected:?}");
    }
    Ok(())
}

/// Fills a map until it says that it is full: all that was taken is found.
///
/// # Errors
/// What was lost.
pub fn fills_to_a_typed_end<M: Map>(map: &M, beyond: u64) -> Result<(), Broken> {
    let taken = (1..=beyond).take_while(|key| map.insert(word(*key), word(*key)).is_ok()).count() as u64;
    ensure!(taken < beyond, "{beyond} keys found room");
    let refused = map.insert(word(beyond + 1), word(1));
    ensure!(refused == Err(Full), "a full map answered {refused:?}");
    let lost = (1..=taken).find(|key| map.get(word(*key)) != Some(word(*key)));
    ensure!(lost.is_none(), "{lost:?} was taken and is gone");
    Ok(())
}

/// Two threads insert the same keys with values of their own: one of them wins each key, and both see who. There is to be
/// room for both.
///
/// # Errors
/// A key with two winners or none.
pub fn each_key_is_inserted_once<M: Map>(maps: [&M; 2], keys: u64) -> Result<(), Broken> {
    let insert = |map: &M, thread: u64| -> Vec<Result<Option<NonZeroU64>, Full>> {
        (1..=keys).map(|key| map.insert(word(key), word(thread * keys + key))).collect()
    };
    let [first, second] = std::thread::scope(|scope| {
        let running = [0, 1].map(|thread| scope.spawn(move || insert(maps[thread as usize], thread)));
        running.map(|thread| thread.join().expect("an inserter does not panic"))
    });
    for key in 1..=keys {
        let outcome = (first[key as usize - 1], second[key as usize - 1], maps[0].get(word(key)));
        let (ours, theirs) = (Some(word(key)), Some(word(keys + key)));
        let single = outcome == (Ok(None), Ok(ours), ours) || outcome == (Ok(theirs), Ok(None), theirs);
        ensure!(single, "two inserters of {key} saw {outcome:?}");
    }
    Ok(())
}

fn word(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).expect("words of this check are not zero")
}
