//! The model against what can be worked out by hand, and against an oracle without any eviction.

use super::*;
use crate::simulate::geometry::Level;
use proptest::prelude::*;
use std::collections::BTreeMap;

const LINE_BYTES: u64 = 64;

fn at(thread: u32, address: u64, kind: AccessKind) -> Access {
    Access { thread, address, size_bytes: 8, kind }
}

fn read(line: u64) -> Access {
    at(0, line * LINE_BYTES, AccessKind::Read)
}

fn named(name: &str) -> Geometry {
    Geometry::named(name).expect("it is in the table")
}

/// Laps over so many lines in a row.
fn laps(geometry: &Geometry, lines: u64, laps: u64) -> Counts {
    let mut model = Model::new(geometry, 1);
    (0..laps).for_each(|_| (0..lines).for_each(|line| model.access(read(line))));
    model.counts()
}

#[test]
fn the_edge_of_the_first_level_is_a_knife_edge() {
    let zen5 = named("zen5-desktop");
    assert_eq!(laps(&zen5, 768, 100).l1d_misses.reads, 768);
    let beyond = laps(&zen5, 769, 100);
    assert_eq!((beyond.l1d_misses.reads, beyond.l2_misses.reads), (13 * 100 + 756, 769));
    assert_eq!((beyond.first_touches, beyond.l3_misses.sum()), (769, 769));
}

#[test]
fn each_level_holds_what_fits_it_and_nothing_of_a_walk_that_does_not() {
    let document = named("document-000");
    let misses = |lines| {
        let counts = laps(&document, lines, 4);
        [counts.l1d_misses, counts.l2_misses, counts.l3_misses].map(ByKind::sum)
    };
    assert_eq!(misses(512), [512, 512, 512]);
    assert_eq!(misses(4096), [4 * 4096, 4096, 4096]);
    assert_eq!(misses(131_072), [4 * 131_072, 4 * 131_072, 131_072]);
    assert_eq!(misses(2 * 131_072), [8 * 131_072, 8 * 131_072, 8 * 131_072]);
}

#[test]
fn a_last_level_of_victims_adds_its_lines_to_those_above_it() {
    let level = |lines: u64, holds| Level { size_bytes: lines * LINE_BYTES, ways: lines as u32, holds };
    let machine = |holds| Geometry {
        l1d: level(2, Holds::Misses),
        l2: Some(level(4, Holds::Everything)),
        l3: level(8, holds),
        ..named("zen5-desktop")
    };
    assert_eq!(laps(&machine(Holds::Victims), 12, 10).l3_misses.sum(), 12);
    assert_eq!(laps(&machine(Holds::Misses), 12, 10).l3_misses.sum(), 120);
    assert_eq!(laps(&machine(Holds::Everything), 8, 10).l3_misses.sum(), 8);
}

#[test]
fn what_an_inclusive_last_level_evicts_is_lost_above_as_well() {
    let level = |lines: u64, holds| Level { size_bytes: lines * LINE_BYTES, ways: lines as u32, holds };
    let (l1d, l3) = (level(2, Holds::Misses), level(2, Holds::Everything));
    let machine = Geometry { l1d, l2: None, l3, ..named("zen5-desktop") };
    let mut model = Model::new(&machine, 2);
    model.access(at(0, 0, AccessKind::Read));
    for line in 1..3 {
        model.access(at(1, line * LINE_BYTES, AccessKind::Read));
    }
    model.reset_counts();
    model.access(at(0, 0, AccessKind::Read));
    assert_eq!((model.counts().l1d_misses.reads, model.counts().first_touches), (1, 0));
}

#[test]
fn an_access_across_two_lines_is_one_access_and_two_misses() {
    let mut model = Model::new(&named("zen5-desktop"), 1);
    model.access(Access { thread: 0, address: 60, size_bytes: 8, kind: AccessKind::Write });
    let counts = model.counts();
    assert_eq!((counts.accesses.writes, counts.l1d_misses.writes, counts.page_walks), (1, 2, 1));
}

#[test]
fn a_warm_model_counts_from_zero() {
    let mut model = Model::new(&named("zen5-desktop"), 1);
    (0..100).for_each(|line| model.access(read(line)));
    model.reset_counts();
    (0..100).for_each(|line| model.access(read(line)));
    let hits = ByKind { reads: 100, writes: 0 };
    assert_eq!(model.counts(), Counts { accesses: hits, ..Counts::default() });
}

#[test]
fn pages_beyond_the_translation_buffers_are_walked_on_every_lap() {
    let pages = |pages: u64, page_bytes: u64| {
        let mut model = Model::new(&named("sapphire-rapids").with_pages(page_bytes), 1);
        (0..3).for_each(|_| (0..pages).for_each(|page| model.access(read(page * 64))));
        (model.counts().dtlb_misses, model.counts().page_walks)
    };
    assert_eq!(pages(96, 4096), (96, 96));
    assert_eq!(pages(2048, 4096), (3 * 2048, 2048));
    assert_eq!(pages(2048, 2 << 20), (4, 4));
}

/// Two threads that write a counter each in turn, so many bytes apart.
fn counters(bytes_apart: u64) -> Counts {
    let mut model = Model::new(&named("zen5-desktop"), 2);
    let step = |model: &mut Model| {
        (0..2)
            .for_each(|thread| model.access(at(thread, u64::from(thread) * bytes_apart, AccessKind::Write)));
    };
    (0..10).for_each(|_| step(&mut model));
    model.reset_counts();
    (0..1000).for_each(|_| step(&mut model));
    model.counts()
}

#[test]
fn false_sharing_is_seen_as_lines_that_go_to_and_fro() {
    let (packed, padded, same) = (counters(8), counters(64), counters(0));
    assert_eq!((packed.shared_written_lines, packed.false_shared_lines), (1, 1));
    assert_eq!((packed.hitm, packed.invalidations, packed.l1d_misses.writes), (2000, 2000, 2000));
    assert_eq!(padded, Counts { accesses: padded.accesses, ..Counts::default() });
    assert_eq!((same.shared_written_lines, same.false_shared_lines, same.hitm), (1, 0, 2000));
}

#[test]
fn a_line_that_many_read_is_fetched_clean_and_taken_back_by_a_write() {
    let mut model = Model::new(&named("zen5-desktop"), 3);
    (0..3).for_each(|thread| model.access(at(thread, 0, AccessKind::Read)));
    assert_eq!((model.counts().l3_misses.reads, model.counts().fills_from_clean_copies), (1, 2));
    model.access(at(1, 0, AccessKind::Write));
    assert_eq!((model.counts().invalidations, model.counts().l1d_misses.writes), (2, 0));
    model.access(at(0, 0, AccessKind::Read));
    assert_eq!((model.counts().hitm, model.counts().l3_misses.sum()), (1, 1));
}

/// MESI over caches without end: who holds a line in which state.
#[derive(Default)]
struct Endless {
    lines: BTreeMap<(u64, u32), State>,
    invalidations: u64,
    hitm: u64,
    misses: u64,
}

impl Endless {
    fn access(&mut self, thread: u32, line: u64, write: bool) {
        let own = self.lines.get(&(line, thread)).copied();
        let others: Vec<u32> = self
            .lines
            .keys()
            .filter(|(held, by)| *held == line && *by != thread)
            .map(|(_, by)| *by)
            .collect();
        let modified = others.iter().any(|by| self.lines[&(line, *by)] == State::Modified);
        self.misses += u64::from(own.is_none());
        self.hitm += u64::from(own.is_none() && modified);
        for by in &others {
            if write {
                self.lines.remove(&(line, *by));
                self.invalidations += 1;
            } else {
                self.lines.insert((line, *by), State::Shared);
            }
        }
        let alone = if others.is_empty() { State::Exclusive } else { State::Shared };
        let state = if write { State::Modified } else { own.unwrap_or(alone) };
        self.lines.insert((line, thread), state);
    }
}

proptest! {
    #[test]
    fn coherence_agrees_with_caches_without_end_where_nothing_is_evicted(
        steps in prop::collection::vec((0u32..3, 0u64..6, any::<bool>()), 0..200),
    ) {
        for name in ["document-000", "zen5-desktop", "sapphire-rapids"] {
            let mut model = Model::new(&named(name), 3);
            let mut oracle = Endless::default();
            for (thread, line, write) in &steps {
                let kind = if *write { AccessKind::Write } else { AccessKind::Read };
                model.access(at(*thread, line * LINE_BYTES, kind));
                oracle.access(*thread, *line, *write);
            }
            let counts = model.counts();
            prop_assert_eq!(counts.invalidations, oracle.invalidations);
            prop_assert_eq!((counts.hitm, counts.l1d_misses.sum()), (oracle.hitm, oracle.misses));
        }
    }

    #[test]
    fn one_core_alone_may_write_a_line_whatever_is_evicted(
        steps in prop::collection::vec((0u32..3, 0u64..24, any::<bool>()), 0..300),
        last in prop::sample::select(vec![Holds::Everything, Holds::Misses, Holds::Victims]),
        second in prop::sample::select(vec![Holds::Everything, Holds::Misses]),
    ) {
        let level = |lines: u64, holds| Level { size_bytes: lines * LINE_BYTES, ways: 2, holds };
        let (l1d, l2, l3) = (level(2, Holds::Misses), Some(level(4, second)), level(8, last));
        let mut model = Model::new(&Geometry { l1d, l2, l3, ..named("zen5-desktop") }, 3);
        for (thread, line, write) in steps {
            let kind = if write { AccessKind::Write } else { AccessKind::Read };
            model.access(at(thread, line * LINE_BYTES, kind));
            let states: Vec<_> = model.cores.iter_mut().filter_map(|core| core.state(line)).collect();
            let sole = states.iter().any(|state| *state > State::Shared);
            prop_assert!(!states.is_empty() && (!sole || states.len() == 1), "{states:?}");
            let held = model.cores[thread as usize].state(line);
            prop_assert!(!write || held == Some(State::Modified));
        }
    }
}
