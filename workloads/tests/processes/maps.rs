//! Maps whose inserters are killed.

use crate::Scenario;
use crate::traced::{Pace, Point, killed_at, length, points};
use perfbench_workloads::shm::{Segment, SegmentError, scratch};
use perfbench_workloads::shm_large_map::Map;
use perfbench_workloads::shm_large_map::chained::Chained;
use perfbench_workloads::shm_large_map::lines::Lines;
use std::num::NonZeroU64;
use std::sync::Arc;

/// What this module shows.
pub const SCENARIOS: &[Scenario] = &[
    ("inserters into chains killed all along", || killed_all_along(Chained::at)),
    ("inserters into lines killed all along", || killed_all_along(Lines::at)),
];

type At<M> = fn(&Arc<Segment>, usize) -> Result<M, SegmentError>;

const KEYS: usize = 64;

fn word(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).expect("words of this test are not zero")
}

fn opened<M: Map>(at: At<M>, segment: &Segment) -> M {
    let joined = Segment::open(segment.name().as_str(), 1).expect("the segment is there");
    at(&Arc::new(joined), KEYS).expect("the map fits")
}

fn insert<M: Map>(map: &M) {
    map.insert(word(5), word(50)).expect("there is room");
}

/// Wherever an inserter is killed, its key is there whole or not at all, and the next inserter goes on.
fn killed_all_along<M: Map>(at: At<M>) {
    let segment = || scratch("map", 16 << 10, 1).expect("a segment is made");
    let first = segment();
    let counted = length(Pace::Instruction, || opened(at, &first), |map| insert(&map));
    let Some(length) = counted else { return };
    for instructions in points(length, 30) {
        let segment = segment();
        let own = at(&segment, KEYS).unwrap();
        (1..4).for_each(|key| assert_eq!(own.insert(word(key), word(key)), Ok(None)));
        killed_at(Point { system_calls: 0, instructions }, || opened(at, &segment), |map| insert(&map));
        let seen = own.get(word(5));
        assert!(seen.is_none() || seen == Some(word(50)), "{seen:?}");
        assert_eq!(own.insert(word(5), word(51)), Ok(seen));
        assert_eq!(own.get(word(5)), seen.or(Some(word(51))));
        (1..4).for_each(|key| assert_eq!(own.get(word(key)), Some(word(key))));
    }
}
