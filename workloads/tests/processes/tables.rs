//! Tables whose adders are killed or stopped.

use crate::Scenario;
use crate::traced::{Pace, Point, Traced, killed_at, length, points};
use perfbench_workloads::shm::{Segment, scratch};
use perfbench_workloads::shm_table::robust::Robust;
use perfbench_workloads::shm_table::{Shape, Table as _, TableError};
use std::sync::Arc;

/// What this module shows.
pub const SCENARIOS: &[Scenario] = &[
    ("adders killed all along an addition", adders_killed_all_along),
    ("a stopped adder is a typed error", a_stopped_adder_is_a_typed_error),
];

type Table = Robust<64>;

const SHAPE: Shape = Shape { element_bytes: 8, count: 3, layout: 11 };

fn segment() -> Arc<Segment> {
    scratch("table", 32 << 10, 1).expect("a segment is made")
}

/// A process opens the segment anew, as any other would, and holds a table of its own.
fn opened(segment: &Segment) -> Table {
    let joined = Segment::open(segment.name().as_str(), 1).expect("the segment is there");
    Table::at(&Arc::new(joined)).expect("the table is in order")
}

fn add(table: &Table) {
    table.add("theirs", SHAPE).expect("there is room");
}

/// Wherever an adder is killed, its entry is whole or missing, and the next adder goes on.
fn adders_killed_all_along() {
    let first = segment();
    let Some(length) = length(Pace::Instruction, || opened(&first), |table| add(&table)) else { return };
    for instructions in points(length, 30) {
        let segment = segment();
        let own = Table::at(&segment).unwrap();
        let before = own.add("before", SHAPE).unwrap();
        killed_at(Point { system_calls: 0, instructions }, || opened(&segment), |table| add(&table));
        let after = own.add("after", SHAPE).expect("the dead do not keep the lock");
        assert_eq!((own.find("before"), own.find("after")), (Ok(before), Ok(after)));
        match own.find("theirs") {
            Ok(entry) => assert_eq!(entry.shape, SHAPE),
            Err(error) => assert_eq!(error, TableError::Missing),
        }
        own.audit().expect("no entry lies on another");
        assert!(own.reserved_bytes() <= Table::TABLE_BYTES + 3 * 64, "one gap at most");
    }
}

/// Stops adders along an addition until one holds the lock, which others then hear of within seconds.
fn a_stopped_adder_is_a_typed_error() {
    let segment = segment();
    let own = Table::at(&segment).unwrap();
    let Some(stopped) = Traced::start(|| opened(&segment), |table| add(&table)) else { return };
    while !is_locked(&segment) {
        assert!(stopped.go(Pace::Instruction), "an adder locks");
    }
    let found = own.add("ours", SHAPE).unwrap_err();
    assert!(matches!(found, TableError::Stuck { .. }), "{found}");
    stopped.kill();
    assert!(own.add("ours", SHAPE).is_ok());
}

/// The lock is the table's first word.
fn is_locked(segment: &Segment) -> bool {
    let word = segment.place::<std::sync::atomic::AtomicU64>(0, 1).unwrap();
    // SAFETY: the word lies in the payload of a segment that outlives the reference; every pattern is a number.
    unsafe { word.as_ref() }.load(std::sync::atomic::Ordering::Relaxed) != 0
}
