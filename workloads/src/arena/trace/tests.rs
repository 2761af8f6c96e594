//! Good traces are read to the letter, bad ones refused with their line, and nothing makes the parser panic.

use super::*;
use proptest::prelude::*;
use std::io::Write;
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
    assert_eq!(refused("a 1 -1 8"), (1, Expected::Slot));
    assert_eq!(refused("a 1 1 8"), (1, Expected::Slot));
    assert_eq!(refused("a 1 0"), (1, Expected::Size));
    assert_eq!(refused("a 1 0 99999999999999999999999"), (1, Expected::Size));
    assert_eq!(refused("a 1 0 4294967296\na 1 1 1"), (2, Expected::Size));
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
    assert!(matches!(read(&[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), Err(LoadError::Io(_))));
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
        let _ = read(&bytes);
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
        let _ = read(&text);
    }
}
