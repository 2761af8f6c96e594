//! What a segment promises within one process; what it promises when processes are killed stands in `tests/processes`.

use super::unique_name as unique;
use super::*;
use proptest::prelude::*;
use rustix::fs::{Mode, fstat, ftruncate};
use rustix::io::pwrite;
use rustix::shm;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

const LAYOUT: u64 = layout_hash("test of segments");

/// A file of shared memory under `name`, removed on drop.
struct Planted(String);

impl Planted {
    fn new(name: &str, bytes: &[u8], file_bytes: u64) -> Self {
        let flags = shm::OFlags::RDWR | shm::OFlags::CREATE | shm::OFlags::EXCL;
        let file: OwnedFd = shm::open(name, flags, Mode::RUSR | Mode::WUSR).unwrap();
        ftruncate(&file, file_bytes).unwrap();
        pwrite(&file, bytes, 0).unwrap();
        Self(name.into())
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        let _ = shm::unlink(self.0.as_str());
    }
}

fn word(segment: &Segment, index: u64) -> &AtomicU64 {
    let place = segment.place::<AtomicU64>(index * 8, 1).unwrap();
    // SAFETY: the place lies in the payload of a segment that outlives the reference, and every pattern is a number.
    unsafe { place.as_ref() }
}

fn is_missing(name: &str) -> bool {
    Segment::open(name, LAYOUT).unwrap_err() == SegmentError::Missing { name: Name::new(name).unwrap() }
}

#[test]
fn what_one_writes_the_other_reads_and_the_last_to_leave_takes_the_name_away() {
    let name = unique("life");
    let first = Segment::create(&name, 4096, LAYOUT).unwrap();
    let second = Segment::open(&name, LAYOUT).unwrap();
    word(&first, 7).store(42, Ordering::Relaxed);
    assert_eq!(word(&second, 7).load(Ordering::Relaxed), 42);
    assert_eq!(first.participants(), [Identity::own(); 2]);
    assert_eq!(first.leave().unwrap(), Departure::Remains { participants: 1 });
    assert_eq!(second.leave().unwrap(), Departure::Unlinked);
    assert!(is_missing(&name));
}

#[test]
fn a_dropped_segment_leaves_nothing() {
    let name = unique("drop");
    drop(Segment::create_or_open(&name, 100, LAYOUT).unwrap());
    assert!(is_missing(&name));
}

#[test]
fn owner_and_group_may_read_and_write() {
    let segment = Segment::create(&unique("mode"), 100, LAYOUT).unwrap();
    assert_eq!(fstat(segment.file()).unwrap().st_mode & 0o7777, 0o660);
}

#[test]
fn a_segment_in_use_is_not_made_anew_and_one_of_another_kind_is_not_joined() {
    let name = unique("use");
    let held = Segment::create(&name, 8192, LAYOUT).unwrap();
    let named = held.name().clone();
    let found = Segment::create(&name, 100, LAYOUT).unwrap_err();
    assert_eq!(found, SegmentError::Exists { name: named.clone(), participants: 1 });
    let fault = HeaderFault::Layout { expected: 1, found: LAYOUT };
    for found in [Segment::open(&name, 1), Segment::create_or_open(&name, 8192, 1)] {
        assert_eq!(found.unwrap_err(), SegmentError::Malformed { name: named.clone(), fault });
    }
    let found = Segment::create_or_open(&name, 8193, LAYOUT).unwrap_err();
    assert_eq!(found, SegmentError::Smaller { name: named, asked_bytes: 8193, payload_bytes: 8192 });
    assert_eq!(held.participants().len(), 1, "whoever was refused is no participant");
}

#[test]
fn more_than_the_limit_is_refused_before_anything_is_made() {
    let name = unique("large");
    let beyond = SEGMENT_BYTES_MAX - PAYLOAD_OFFSET_BYTES + 1;
    for payload_bytes in [beyond, u64::MAX] {
        let found = Segment::create(&name, payload_bytes, LAYOUT).unwrap_err();
        assert!(matches!(found, SegmentError::TooLarge { limit_bytes: SEGMENT_BYTES_MAX, .. }), "{found}");
    }
    assert!(is_missing(&name));
}

#[test]
fn as_many_join_as_there_are_places() {
    let name = unique("crowd");
    let made = Segment::create(&name, 100, LAYOUT).unwrap();
    let joined: Vec<Segment> = (1..PARTICIPANTS).map(|_| Segment::open(&name, LAYOUT).unwrap()).collect();
    let crowded = SegmentError::Crowded { name: made.name().clone() };
    assert_eq!(Segment::open(&name, LAYOUT).unwrap_err(), crowded);
    drop(joined);
    assert_eq!(made.participants().len(), 1);
    assert!(Segment::open(&name, LAYOUT).is_ok());
}

#[test]
fn of_many_who_make_and_join_at_once_all_share_one_segment() {
    let name = unique("race");
    for _ in 0..50 {
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    barrier.wait();
                    let segment = Segment::create_or_open(&name, 4096, LAYOUT).unwrap();
                    word(&segment, 0).fetch_add(1, Ordering::Relaxed);
                    barrier.wait();
                    assert_eq!(word(&segment, 0).load(Ordering::Relaxed), 4);
                });
            }
        });
        assert!(is_missing(&name));
    }
}

#[test]
fn places_outside_or_not_aligned_are_refused() {
    let segment = Segment::create(&unique("place"), 100, LAYOUT).unwrap();
    assert!(segment.place::<u64>(88, 1).is_ok());
    assert!(segment.place::<u8>(100, 0).is_ok());
    for (offset, count) in [(4, 1), (96, 1), (0, 13), (u64::MAX - 7, 1), (8, usize::MAX)] {
        let found = segment.place::<u64>(offset, count).unwrap_err();
        assert!(matches!(found, SegmentError::BadPlace { .. }), "{found}");
    }
}

#[test]
fn the_smallest_segment_has_no_payload() {
    let segment = Segment::create(&unique("empty"), 0, LAYOUT).unwrap();
    assert_eq!(segment.payload_bytes(), 0);
}

#[test]
fn a_half_made_segment_is_noticed_and_made_anew() {
    for file_bytes in [0, 5000] {
        let name = unique("half");
        let planted = Planted::new(&name, &[], file_bytes);
        let unfinished = SegmentError::Unfinished { name: Name::new(&name).unwrap() };
        assert_eq!(Segment::open(&name, LAYOUT).unwrap_err(), unfinished);
        assert!(Segment::create_or_open(&name, 100, LAYOUT).is_ok());
        drop(planted);
    }
}

#[test]
fn foreign_and_truncated_files_are_refused_and_left_alone() {
    let own = Segment::create(&unique("whole"), 8192, LAYOUT).unwrap();
    let mut whole = vec![0; HEADER_BYTES];
    rustix::io::pread(own.file(), &mut whole, 0).unwrap();
    for (bytes, file_bytes) in [(&b"hello"[..], 5), (b"hello", 9000), (&whole, 4096), (&whole[..900], 900)] {
        let name = unique("foreign");
        let _planted = Planted::new(&name, bytes, file_bytes);
        for found in [
            Segment::open(&name, LAYOUT),
            Segment::create(&name, 100, LAYOUT),
            Segment::create_or_open(&name, 100, LAYOUT),
        ] {
            let found = found.unwrap_err();
            assert!(matches!(found, SegmentError::Malformed { .. }), "{found}");
        }
        let left = shm::open(name.as_str(), shm::OFlags::RDONLY, Mode::empty()).unwrap();
        assert_eq!(fstat(left).unwrap().st_size as u64, file_bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Mutated files are joined, taken for half-made, or refused: never a panic, never a signal.
    #[test]
    fn a_mutated_file_is_never_fatal(
        words in proptest::collection::vec((0usize..HEADER_BYTES / 8, any::<u64>()), 0..4),
        file_bytes in prop_oneof![Just(12288u64), 0u64..20_000],
    ) {
        let own = Segment::create(&unique("model"), 8192, LAYOUT).unwrap();
        let mut bytes = vec![0; HEADER_BYTES];
        rustix::io::pread(own.file(), &mut bytes, 0).unwrap();
        for (index, word) in words {
            bytes[index * 8..index * 8 + 8].copy_from_slice(&word.to_ne_bytes());
        }
        let name = unique("mutant");
        let keep = bytes.len().min(file_bytes as usize);
        let _planted = Planted::new(&name, &bytes[..keep], file_bytes);
        if let Ok(segment) = Segment::open(&name, LAYOUT) {
            let last = segment.payload_bytes() / 8;
            word(&segment, last.saturating_sub(1).min(1023)).store(1, Ordering::Relaxed);
        }
    }
}

#[test]
fn errors_name_the_segment_and_a_way_out() {
    let found = Segment::open("nowhere", LAYOUT).unwrap_err().to_string();
    assert_eq!(found, "/nowhere does not exist: create it first");
    let found = Segment::open("a/b", LAYOUT).unwrap_err().to_string();
    assert!(found.starts_with("\"a/b\" cannot name a segment"), "{found}");
}
