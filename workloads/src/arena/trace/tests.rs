//! Good traces are read to the letter, bad ones refused with their line, and nothing makes the parser panic.

use super::load::read_within;
use super::*;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::{self, Write};
use std::path::PathBuf;

fn refused(text: &str) -> (usize, Expected) {
    let error = parse(text.as_bytes()).unwrap_err();
    (error.line, error.expected)
}

#[test]
fn every_kind_of_event_is_read() {
    let trace = parse(b"# a comment\na 1 0 10\n\nz 2 1 0\nm 1 2 7 4096\nr 1 0 20\nf 1 2\n").unwrap();
    let layout = |size, align| Layout::from_size_align(size, align).unwrap();
    let recorded = [
        Event::Allocate { slot: 0, layout: layout(10, 16) },
        Event::AllocateZeroed { slot: 1, layout: layout(0, 16) },
        Event::Allocate { slot: 2, layout: layout(7, 4096) },
        Event::Reallocate { slot: 0, layout: layout(20, 16) },
        Event::Free { slot: 2 },
    ];
    assert_eq!(trace.events[..trace.recorded], recorded);
    assert_eq!(trace.events[trace.recorded..], [Event::Free { slot: 0 }, Event::Free { slot: 1 }]);
    assert_eq!((trace.slots, trace.peak_live_bytes, trace.live_at_end), (3, 27, 2));
}

#[test]
fn what_could_not_have_happened_is_refused_with_its_line() {
    assert_eq!(refused("# only comments\n"), (2, Expected::AnyEvent));
    assert_eq!(refused(""), (1, Expected::AnyEvent));
    assert_eq!(refused("a 1 0 8\nq 1 0"), (2, Expected::EventLetter));
    assert_eq!(refused("aa 1 0 8"), (1, Expected::EventLetter));
    assert_eq!(refused("a x 0 8"), (1, Expected::Thread));
    assert_eq!(refused("a"), (1, Expected::Thread));
    assert_eq!(refused("a 1 -1 8"), (1, Expected::Slot(LIMITS.slots)));
    assert_eq!(refused("a 1 1 8"), (1, Expected::Slot(LIMITS.slots)));
    assert_eq!(refused("a 1 0"), (1, Expected::Size(LIMITS.live_bytes)));
    assert_eq!(refused("a 1 0 99999999999999999999999"), (1, Expected::Size(LIMITS.live_bytes)));
    assert_eq!(refused("a 1 0 268435456\na 1 1 1"), (2, Expected::Size(LIMITS.live_bytes)));
    assert_eq!(refused("m 1 0 8 48"), (1, Expected::Alignment));
    assert_eq!(refused("m 1 0 8 0"), (1, Expected::Alignment));
    assert_eq!(refused("m 1 0 8 131072"), (1, Expected::Alignment));
    assert_eq!(refused("a 1 0 8 8"), (1, Expected::EndOfLine));
    assert_eq!(refused("a 1 0 8\na 1 0 8"), (2, Expected::EmptySlot));
    assert_eq!(refused("a 1 0 8\nf 1 0\nf 1 0"), (3, Expected::LiveSlot));
    assert_eq!(refused("a 1 0 8\nr 1 1 8"), (2, Expected::LiveSlot));
}

#[test]
fn an_error_says_where_what_and_instead_of_what() {
    let error = parse(b"a 1 0 8\nf one 0").unwrap_err();
    assert_eq!(error.to_string(), "line 2: expected a thread number, found \"one\"");
}

#[test]
fn a_compressed_trace_that_is_damaged_is_an_error() {
    assert!(matches!(read(&[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3][..]), Err(LoadError::Io(_))));
    let whole = frame("a 1 0 8\n");
    assert!(matches!(read(&whole[..whole.len() - 5]), Err(LoadError::Io(_))));
}

/// A zstd frame with a checksum.
fn frame(text: &str) -> Vec<u8> {
    compress_to_vec(text.as_bytes(), CompressionLevel::Fastest)
}

fn damage(bytes: &[u8]) -> Damage {
    match read(bytes).unwrap_err() {
        LoadError::Damaged(damage) => damage,
        other => panic!("{other:?} is no damage"),
    }
}

#[test]
fn a_frame_whose_contents_are_not_those_of_its_checksum_is_refused() {
    let mut bytes = frame("a 1 0 8\nf 1 0\n");
    *bytes.last_mut().unwrap() ^= 1;
    assert!(matches!(damage(&bytes), Damage::Checksum { stated, computed } if stated ^ computed == 1 << 24));
}

#[test]
fn all_frames_of_a_file_are_read_and_skippable_ones_passed_over() {
    const SKIPPABLE: [u8; 11] = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let parts = [&frame("a 1 0 8\na 1")[..], &SKIPPABLE, &frame(""), &frame(" 1 9\n"), &SKIPPABLE];
    assert_eq!(read(&parts.concat()[..]).unwrap(), parse(b"a 1 0 8\na 1 1 9\n").unwrap());
    let cut_short = [parts[0], &SKIPPABLE[..10]].concat();
    assert_eq!(damage(&cut_short), Damage::CutShort);
}

#[test]
fn bytes_that_are_no_frame_after_the_last_one_are_refused() {
    for trailing in ["\n", "abc", "f 1 0\n"] {
        let bytes = [frame("a 1 0 8\n"), trailing.into()].concat();
        assert_eq!(damage(&bytes), Damage::Trailing, "{trailing:?}");
    }
}

/// Limits that a short text reaches.
const SMALL: Limits = Limits { text_bytes: 40, line_bytes: 12, events: 3, slots: 2, live_bytes: 100 };

#[test]
fn what_goes_past_a_limit_is_refused_with_the_limit_plain_or_compressed() {
    let refused = |text: &str| {
        let plain = read_within(SMALL, text.as_bytes()).unwrap_err().to_string();
        assert_eq!(read_within(SMALL, &frame(text)[..]).unwrap_err().to_string(), plain);
        plain
    };
    assert!(read_within(SMALL, &b"#-----------\na 1 0 60\na 1 1 40\nf 1 0\n#\n"[..]).is_ok());
    assert_eq!(refused(&"#\n".repeat(21)), "more than 40 bytes of text");
    assert_eq!(refused(&"#".repeat(39)), "line 1: expected a line of at most 12 bytes, found \"13\"");
    assert_eq!(
        refused("a 1 0 1\nf 1 0\na 1 0 1\nf 1 0\n"),
        "line 4: expected the end of the trace after 3 events, found \"4\""
    );
    assert_eq!(
        refused("a 1 0 1\na 1 1 1\na 1 2 1\n"),
        "line 3: expected a slot number, at most one above all slots so far and below 2, found \"2\""
    );
    assert_eq!(
        refused("a 1 0 60\na 1 1 41\n"),
        "line 2: expected a size in bytes, with at most 100 bytes live, found \"41\""
    );
}

#[test]
fn the_recording_is_a_trace_worth_playing() {
    let trace = parse(DEFAULT.as_bytes()).unwrap();
    assert!((10_000..40_000).contains(&trace.recorded), "{} events", trace.recorded);
    assert!(trace.events.iter().any(|event| matches!(event, Event::Reallocate { .. })));
}

/// File, events, slots, peak live bytes, live at end: as stated beside the files.
const REAL: [(&str, usize, usize, usize, usize); 2] = [
    ("sqlite.trace.zst", 287_520, 12_690, 21_181_830, 16),
    ("cc1plus.trace.zst", 1_500_000, 39_036, 6_544_522, 38_992),
];

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn traces_of_real_programs_have_the_counts_stated_beside_them() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/alloc-traces");
    for (name, events, slots, peak_live_bytes, live_at_end) in REAL {
        let path = folder.join(name);
        if !path.exists() {
            writeln!(io::stderr(), "skipped: {} is absent", path.display()).unwrap();
            continue;
        }
        let trace = load(&path).unwrap();
        let counts = (trace.recorded, trace.slots, trace.peak_live_bytes, trace.live_at_end);
        assert_eq!(counts, (events, slots, peak_live_bytes, live_at_end), "{name}");
    }
}

/// The text of a trace that could have happened.
fn valid() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec((any::<u8>(), any::<u16>(), 0usize..5000, 0u32..17), 1..60).prop_map(|steps| {
        let (mut text, mut live) = (String::from("# made\n"), Vec::<bool>::new());
        for (kind, pick, size, align_log2) in steps {
            let slot = usize::from(pick) % (live.len() + 1);
            let event = match (live.get(slot).copied().unwrap_or(false), kind % 3) {
                (true, 0) => format!("r 1 {slot} {size}"),
                (true, _) => format!("f 1 {slot}"),
                (false, 0) => format!("m 1 {slot} {size} {}", 1 << align_log2),
                (false, 1) => format!("z 1 {slot} {size}"),
                (false, _) => format!("a 1 {slot} {size}"),
            };
            live.resize(live.len().max(slot + 1), false);
            live[slot] = !event.starts_with('f');
            text += &(event + "\n");
        }
        text.into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn what_could_have_happened_is_read_and_ends_with_all_freed(text in valid()) {
        let trace = parse(&text).unwrap();
        let mut live = vec![false; trace.slots];
        for event in &trace.events {
            live[event.slot()] = !matches!(event, Event::Free { .. });
        }
        prop_assert!(live.iter().all(|live| !live));
    }

    #[test]
    fn any_bytes_give_a_trace_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes[..]);
    }

    #[test]
    fn a_mutated_trace_gives_a_trace_or_an_error(
        mut text in valid(),
        harms in proptest::collection::vec((any::<usize>(), prop_oneof![any::<u8>(), Just(b' '), Just(b'\n'), Just(b'9')]), 1..8),
    ) {
        for (place, byte) in harms {
            let place = place % text.len();
            text[place] = byte;
        }
        let _ = read(&text[..]);
    }
}
