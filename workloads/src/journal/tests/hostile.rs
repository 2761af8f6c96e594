//! Bytes that are no journal, or were one until somebody changed them: refused or read as far as they are right, and never a
//! panic.

use super::*;
use proptest::prelude::*;

#[test]
fn files_of_another_kind_version_or_length_are_refused_by_name() {
    let bytes = bytes_of(&log_of(256, &[b"one"]));
    let changed = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x40;
        recover(&bytes).map(|_| ()).unwrap_err()
    };
    assert_eq!(recover(&[]).unwrap_err(), Refusal::TooShort { bytes: 0 });
    assert_eq!(recover(&[0; HEADER_BYTES]).unwrap_err(), Refusal::WrongMagic);
    assert_eq!(changed(0), Refusal::WrongMagic);
    assert_eq!(changed(8), Refusal::WrongVersion { version: 0x41 });
    (16..HEADER_BYTES).for_each(|at| assert_eq!(changed(at), Refusal::DamagedHeader, "byte {at}"));
}

#[test]
fn a_header_that_is_whole_but_cannot_be_is_refused() {
    let refusal = |header: Header| recover(&header.to_bytes()).map(|_| ()).unwrap_err();
    for capacity_bytes in [0, 8, HEADER_BYTES as u64 + 4, u64::MAX, 8 << 32] {
        assert_eq!(refusal(Header { capacity_bytes, ..HEADER }), Refusal::DamagedHeader, "{capacity_bytes}");
    }
    let overflowing = Header { capacity_bytes: 1024, first_sequence: u64::MAX - 1, ..HEADER };
    assert_eq!(refusal(overflowing), Refusal::DamagedHeader);
}

/// Lengths of a whole header's records that lie: behind the end, and so long that a sum would wrap.
#[test]
fn a_length_that_points_behind_the_file_ends_the_journal() {
    for length in [1, 40, 41, 1 << 20, u32::MAX] {
        let mut bytes = bytes_of(&log_of(128, &[&[1; 8]]));
        bytes[HEADER_BYTES..HEADER_BYTES + 4].copy_from_slice(&length.to_le_bytes());
        let recovered = recover(&bytes).unwrap();
        assert_eq!((recovered.records.len(), recovered.tail), (0, Tail::Torn), "{length}");
    }
}

/// Every word looks like the mark of a record as long as the file: the search behind a gap gives up.
#[test]
fn a_file_full_of_marks_is_damaged_and_soon_told_so() {
    let mut bytes = bytes_of(&log_of(if cfg!(miri) { 2048 } else { 1 << 20 }, &[]));
    let header = Header::of_bytes(&bytes).unwrap();
    let mark = header.stamp().mark(bytes.len() / 2).to_le_bytes();
    bytes[HEADER_BYTES..].as_chunks_mut::<8>().0.iter_mut().for_each(|word| *word = mark);
    assert_eq!(recover(&bytes).unwrap().tail, Tail::Damaged);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2000 }))]

    #[test]
    fn arbitrary_bytes_are_refused(bytes: Vec<u8>) {
        prop_assert!(recover(&bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_behind_a_header_hold_no_record(epoch: u64, first_sequence: u64, rest: Vec<u8>) {
        let header = Header { capacity_bytes: 4096, epoch, first_sequence, ..HEADER };
        let bytes = [&header.to_bytes()[..], &rest].concat();
        if let Ok(recovered) = recover(&bytes) {
            prop_assert!(recovered.records.is_empty());
        }
    }

    #[test]
    fn a_journal_with_bytes_replaced_gives_a_prefix_of_its_records(
        changes in proptest::collection::vec((HEADER_BYTES..1024, any::<u8>()), 1..20),
        cut in HEADER_BYTES..1025,
    ) {
        let payloads = payloads();
        let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let mut bytes = bytes_of(&log_of(1024, &slices));
        changes.iter().for_each(|(at, byte)| bytes[*at] = *byte);
        let recovered = recover(&bytes[..cut]).unwrap();
        let read = payloads_of(&recovered);
        prop_assert!(read.len() <= slices.len());
        prop_assert_eq!(&read[..], &slices[..read.len()]);
    }

    #[test]
    fn any_payloads_come_back(payloads: Vec<Vec<u8>>) {
        let bytes = HEADER_BYTES + payloads.iter().map(|payload| 8 * words_of_record(payload.len())).sum::<usize>();
        let slices: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        let mut log = log_of(bytes, &slices);
        let full = matches!(log.append(&[]), Err(Error::Full { left_bytes: 0 }));
        prop_assert!(full);
        let bytes = bytes_of(&log);
        let recovered = recover(&bytes).unwrap();
        prop_assert_eq!(payloads_of(&recovered), slices);
        prop_assert_eq!(recovered.tail, Tail::Clean);
    }
}
