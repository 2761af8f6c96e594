//! Every variant against the check, the check against planted faults, and first fit against random histories.

use super::check::{check, layout, watched};
use super::replay::Replay;
use super::{Arena, Extent, Misuse, Statistics, WORKLOAD, first_fit_list, first_fit_tree, trace};
use perfbench_harness::case::Body;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Granted, Isa, Point, Setup};
use proptest::prelude::*;
use std::alloc::Layout;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::ptr::NonNull;

fn with_setup<R>(
    point: &'static Point,
    inputs: &BTreeMap<String, PathBuf>,
    then: impl FnOnce(&Setup<'_>) -> R,
) -> R {
    let granted = Granted::check(Isa::NONE).expect("no feature is needed");
    then(&Setup { point, granted, cpus: &[0], seed: 1, inputs })
}

#[test]
fn every_variant_passes_the_check() {
    for variant in WORKLOAD.variants {
        let checked = with_setup(&WORKLOAD.points[0], &BTreeMap::new(), variant.check);
        assert_eq!(checked, Ok(()), "{}", variant.name);
    }
}

#[test]
fn every_case_runs_twice_alike() {
    let clock = Clock::open(ClockChoice::Scripted(1));
    let small = |point: &&Point| !cfg!(miri) || point.size < 1000 && point.name != "replay";
    for point in WORKLOAD.points.iter().filter(small) {
        for variant in WORKLOAD.variants {
            let run = || {
                let case = with_setup(point, &BTreeMap::new(), variant.build);
                case.expect("the case can be built").batch(300, &clock).checksum
            };
            assert_eq!(run(), run(), "{}/{}", point.name, variant.name);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "the recording is too long to interpret")]
fn a_replay_tells_its_fragmentation_only_where_the_arena_knows_it() {
    let point = WORKLOAD.points.iter().find(|point| point.name == "replay").expect("the table has it");
    for variant in WORKLOAD.variants {
        let mut case =
            with_setup(point, &BTreeMap::new(), variant.build).expect("the recording can be played");
        let facts = case.facts();
        let fact = |name: &str| facts.iter().find(|fact| fact.name == name).map(|fact| fact.value);
        assert!(fact("peak_live_bytes").is_some_and(|bytes| bytes > 0.0));
        assert_eq!(fact("fragmentation_percent").is_some(), variant.name != "system_malloc");
    }
}

#[test]
fn a_file_that_is_no_trace_makes_a_row_with_a_reason() {
    let point = WORKLOAD.points.iter().find(|point| point.name == "replay").expect("the table has it");
    let inputs = BTreeMap::from([("trace".to_owned(), PathBuf::from("no-such-file"))]);
    let refused =
        with_setup(point, &inputs, WORKLOAD.variants[0].build).err().expect("there is no such file");
    assert_eq!(refused.reason.code(), "no-input");
    assert!(refused.detail.contains("no-such-file"), "{}", refused.detail);
}

/// An arena with one fault.
struct Faulty<const FAULT: u8> {
    arena: first_fit_list::Arena,
    last: Option<NonNull<u8>>,
    calls: u32,
}

const HANDS_OUT_TWICE: u8 = 0;
const FORGETS_TO_FREE: u8 = 1;
const IGNORES_ALIGNMENT: u8 = 2;
const LEAVES_DIRT: u8 = 3;
const TAKES_ANYTHING: u8 = 4;
const HIDES_FREE_BLOCKS: u8 = 5;
const MOVES_NOTHING: u8 = 6;
const SMEARS: u8 = 7;

impl<const FAULT: u8> Arena for Faulty<FAULT> {
    const FREE_BLOCK_BYTES: Option<usize> = Some(16);

    fn with_capacity(bytes: usize) -> Option<Self> {
        Some(Self { arena: Arena::with_capacity(bytes)?, last: None, calls: 0 })
    }

    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.calls += 1;
        if FAULT == HANDS_OUT_TWICE && self.calls == 20 {
            return self.last;
        }
        let align = if FAULT == IGNORES_ALIGNMENT { 1 } else { layout.align() };
        let before = self.last;
        self.last = self.arena.allocate(self::layout(layout.size(), align));
        if let (SMEARS, Some(before)) = (FAULT, before) {
            // SAFETY: the block is the region's; that its holder's first byte is lost is the fault under test.
            unsafe { before.write(0x5a) };
        }
        self.last
    }

    unsafe fn reallocate(&mut self, block: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        if FAULT != MOVES_NOTHING {
            // SAFETY: the caller's promise, handed on.
            return unsafe { self.arena.reallocate(block, old, new) };
        }
        let moved = self.arena.allocate_zeroed(new)?;
        // SAFETY: the caller's promise, handed on.
        unsafe { self.arena.free(block, old) }.ok()?;
        Some(moved)
    }

    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> Result<(), Misuse> {
        if FAULT == FORGETS_TO_FREE {
            return Ok(());
        }
        // SAFETY: the caller's promise, handed on.
        let freed = unsafe { self.arena.free(block, layout) };
        if FAULT == TAKES_ANYTHING { Ok(()) } else { freed }
    }

    fn allocate_zeroed(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        if FAULT == LEAVES_DIRT { self.allocate(layout) } else { self.arena.allocate_zeroed(layout) }
    }

    fn statistics(&self) -> Option<Statistics> {
        self.arena.statistics()
    }

    fn snapshot(&self) -> Vec<Extent> {
        let extents = self.arena.snapshot();
        let hides = |extent: &Extent| FAULT == HIDES_FREE_BLOCKS && extent.is_free;
        extents.into_iter().filter(|extent| !hides(extent)).collect()
    }

    fn validate(&self) -> Result<(), Broken> {
        self.arena.validate()
    }
}

#[test]
fn the_check_catches_every_planted_fault() {
    fn caught<const FAULT: u8>(words: &str) {
        let Broken(why) =
            with_setup(&WORKLOAD.points[0], &BTreeMap::new(), check::<Faulty<FAULT>>).unwrap_err();
        assert!(why.contains(words), "fault {FAULT} is reported as: {why}");
    }
    caught::<HANDS_OUT_TWICE>("overlaps");
    caught::<FORGETS_TO_FREE>("live blocks counted");
    caught::<IGNORES_ALIGNMENT>("stands at");
    caught::<LEAVES_DIRT>("not zero");
    caught::<TAKES_ANYTHING>("a wrong free is answered");
    caught::<HIDES_FREE_BLOCKS>("in the snapshot");
}

#[test]
fn the_watched_replay_of_a_users_trace_catches_what_its_blocks_lose() {
    fn replayed<const FAULT: u8>() -> Result<(), Broken> {
        let text = b"a 1 0 100\na 1 1 100\nf 1 1\nz 1 1 100\nr 1 0 200\nf 1 0\nf 1 1\n";
        let trace = trace::parse(text).expect("the text is a trace");
        Replay::<Faulty<FAULT>>::new(trace).expect("a small region").watched_cycle()
    }
    fn caught<const FAULT: u8>(words: &str) {
        let Broken(why) = replayed::<FAULT>().unwrap_err();
        assert!(why.contains(words), "fault {FAULT} is reported as: {why}");
    }
    assert_eq!(replayed::<TAKES_ANYTHING>(), Ok(()));
    caught::<LEAVES_DIRT>("event 4: a zeroed block");
    caught::<MOVES_NOTHING>("event 5: a reallocated block");
    caught::<SMEARS>("event 5: a block of");
}

#[test]
fn a_trace_of_empty_blocks_tells_no_fragmentation() {
    let trace = trace::parse(b"a 1 0 0\nf 1 0\n").expect("the text is a trace");
    let mut replay = Replay::<first_fit_list::Arena>::new(trace).expect("a small region");
    assert_eq!(replay.watched_cycle(), Ok(()));
    let facts = replay.facts();
    assert!(facts.iter().all(|fact| fact.value.is_finite()), "{facts:?}");
    assert!(!facts.iter().any(|fact| fact.name == "fragmentation_percent"), "{facts:?}");
}

/// A step of a random history.
#[derive(Debug, Clone)]
enum Step {
    Allocate { size: usize, align_log2: u32 },
    Reallocate { block: usize, size: usize },
    Free { block: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![0usize..200, 1usize..10_000];
    let step = prop_oneof![
        4 => (size.clone(), 0u32..17).prop_map(|(size, align_log2)| Step::Allocate { size, align_log2 }),
        1 => (any::<usize>(), size).prop_map(|(block, size)| Step::Reallocate { block, size }),
        3 => any::<usize>().prop_map(|block| Step::Free { block }),
    ];
    proptest::collection::vec(step, 1..if cfg!(miri) { 20 } else { 200 })
}

fn every_promise_holds_after_each_step<A: Arena>(steps: &[Step]) -> Result<(), Broken> {
    let mut arena = watched::<A>(16 << 20)?;
    for step in steps {
        let live = arena.live.len();
        match *step {
            Step::Allocate { size, align_log2 } => {
                assert!(arena.allocate(layout(size, 1 << align_log2), size as u8)?, "16 MiB are enough");
            }
            Step::Reallocate { block, size } if live > 0 => arena.reallocate(block % live, size)?,
            Step::Free { block } if live > 0 => arena.free(block % live)?,
            _ => {}
        }
        arena.inspect()?;
    }
    arena.free_all(&mut Random::new(steps.len() as u64))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 64 }, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_list_keeps_every_promise_through_any_history(steps in steps()) {
        prop_assert_eq!(every_promise_holds_after_each_step::<first_fit_list::Arena>(&steps), Ok(()));
    }

    #[test]
    fn the_tree_keeps_every_promise_through_any_history(steps in steps()) {
        prop_assert_eq!(every_promise_holds_after_each_step::<first_fit_tree::Arena>(&steps), Ok(()));
    }
}

#[test]
fn both_designs_serve_the_lowest_block_that_fits() {
    fn lowest<A: Arena>() {
        let mut arena = A::with_capacity(1 << 16).expect("64 KiB can be had");
        let blocks: Vec<NonNull<u8>> =
            (0..6).map(|_| arena.allocate(layout(480, 16)).expect("there is room")).collect();
        for index in [4, 2, 0] {
            // SAFETY: each of these blocks is live and freed once.
            assert_eq!(unsafe { arena.free(blocks[index], layout(480, 16)) }, Ok(()));
        }
        let served = [480, 480, 96].map(|size| arena.allocate(layout(size, 16)).expect("there is room"));
        assert_eq!(served, [blocks[0], blocks[2], blocks[4]]);
    }
    lowest::<first_fit_list::Arena>();
    lowest::<first_fit_tree::Arena>();
}

/// Neither design marks live blocks, so a free that hits only live memory looks right: only a header, a bit beside the
/// block or a generation in the handle could tell.
#[test]
fn a_stale_free_after_reissue_and_a_free_inside_a_live_block_are_not_detected() {
    fn undetected<A: Arena>() {
        let mut arena = A::with_capacity(1 << 16).expect("64 KiB can be had");
        let first = arena.allocate(layout(96, 16)).expect("there is room");
        // SAFETY: the block is live.
        assert_eq!(unsafe { arena.free(first, layout(96, 16)) }, Ok(()));
        let second = arena.allocate(layout(96, 16)).expect("there is room");
        assert_eq!(first, second);
        // SAFETY: the arena keeps statistics, and neither pointer is used afterwards.
        assert_eq!(unsafe { arena.free(first, layout(96, 16)) }, Ok(()), "the stale free goes unnoticed");
        let third = arena.allocate(layout(96, 16)).expect("there is room");
        // SAFETY: 48 is inside the block.
        let inside = unsafe { third.add(48) };
        // SAFETY: as above.
        assert_eq!(unsafe { arena.free(inside, layout(48, 16)) }, Ok(()), "half a block is freed");
    }
    undetected::<first_fit_list::Arena>();
    undetected::<first_fit_tree::Arena>();
}

#[test]
#[should_panic(expected = "a link was overwritten")]
fn a_free_block_whose_links_are_overwritten_stops_the_tree_instead_of_leading_it_astray() {
    let mut arena = first_fit_tree::Arena::with_capacity(1 << 16).expect("64 KiB can be had");
    let block = arena.allocate(layout(48, 16)).expect("there is room");
    arena.allocate(layout(48, 16)).expect("there is room");
    // SAFETY: the block is live.
    assert_eq!(unsafe { arena.free(block, layout(48, 16)) }, Ok(()));
    // SAFETY: the memory is the region's; that the block is free already is the fault under test.
    unsafe { block.write_bytes(0xff, 48) };
    arena.allocate(layout(48, 16));
}
