//! Messages come back as they went, everything else is refused with a reason, and the check sees a wrong codec.

use super::flat::Flat;
use super::message::*;
use super::nested::Nested;
use super::{Codec, WORKLOAD, check};
use crate::testing::every_variant_is_checked_and_runs;
use proptest::prelude::*;

#[test]
fn wire_message_every_variant_keeps_the_contract() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

fn any_message() -> impl Strategy<Value = (Header, Vec<u8>)> {
    let fields =
        (any::<[u8; 6]>(), any::<[u8; 6]>(), any::<u128>(), any::<u32>(), any::<u32>(), any::<[u8; 6]>());
    let payload = prop_oneof![Just(Vec::new()), proptest::collection::vec(any::<u8>(), 0..1455)];
    (fields, payload, any::<bool>()).prop_map(|((to, from, duration, id, hops, source), payload, data)| {
        let kind = if data || !payload.is_empty() { Kind::Data } else { Kind::Heartbeat };
        (Header { to, from, kind, duration, id, hops, source }, payload)
    })
}

/// Bytes that are a message but for a few places.
fn almost_a_message() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((0..HEADER_BYTES, any::<u8>()), 0..4);
    ((any_message(), changes), 0..1600usize).prop_map(|(((header, payload), changes), bytes)| {
        let mut wire = Flat::serialise(&Message { header, payload: &payload });
        changes.into_iter().for_each(|(at, byte)| wire[at] = byte);
        wire.truncate(bytes);
        wire
    })
}

/// The oracle: what bytes in one piece are, read byte by byte.
fn is_a_message(bytes: &[u8]) -> bool {
    let heartbeat = bytes.len() == 46 && bytes[14] == 0;
    let data = (46..=1500).contains(&bytes.len()) && bytes[14] == 1;
    (heartbeat || data) && bytes[12..14] == [48, 48] && bytes[15] == 0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 256 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wire_message_nested_and_flat_are_the_same_bytes((header, payload) in any_message()) {
        let message = Message { header, payload: &payload };
        let pieces = Nested::serialise(&message);
        prop_assert_eq!(pieces.concat(), Flat::serialise(&message));
        prop_assert_eq!(Nested::parse(&pieces), Ok(message));
    }

    #[test]
    fn wire_message_any_bytes_are_a_message_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..1600)) {
        prop_assert_eq!(Message::parse(&bytes).is_ok(), is_a_message(&bytes));
    }

    #[test]
    fn wire_message_almost_a_message_is_refused_or_goes_back_to_its_bytes(bytes in almost_a_message()) {
        let parsed = Message::parse(&bytes);
        prop_assert_eq!(parsed.is_ok(), is_a_message(&bytes));
        if let Ok(message) = parsed {
            prop_assert_eq!(Flat::serialise(&message), bytes);
        }
    }

    #[test]
    fn wire_message_any_pieces_are_a_message_or_refused(
        mut pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..8), 0..12),
        fit in any::<bool>(),
    ) {
        if fit {
            pieces.iter_mut().zip(FIELD_BYTES).for_each(|(piece, bytes)| piece.resize(bytes, 48));
        }
        let widths_fit = pieces.iter().zip(FIELD_BYTES).all(|(piece, bytes)| piece.len() == bytes);
        let whole = (9..=10).contains(&pieces.len()) && widths_fit && is_a_message(&pieces.concat());
        prop_assert_eq!(Nested::parse(&pieces).is_ok(), whole);
    }
}

#[test]
fn wire_message_each_fault_has_its_own_reason() {
    let good = Flat::serialise(&Message { header: Header::HEARTBEAT, payload: &[] });
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    assert_eq!(Message::parse(&good[..45]), Err(Malformed::Short { bytes: 45 }));
    assert_eq!(Message::parse(&with(12, 1)), Err(Malformed::Marker([1, 48])));
    assert_eq!(Message::parse(&with(14, 9)), Err(Malformed::Kind { packet: 9, control: 0 }));
    let mut pieces = Nested::serialise(&Message { header: Header::HEARTBEAT, payload: &[] });
    pieces[6].push(0);
    assert_eq!(Nested::parse(&pieces), Err(Malformed::Width { field: 6, bytes: 5 }));
    pieces.truncate(8);
    assert_eq!(Nested::parse(&pieces), Err(Malformed::Pieces { pieces: 8 }));
    assert!(Malformed::Width { field: 6, bytes: 5 }.to_string().contains("field 6"));
}

/// Writes the identifier with its least significant byte first.
struct WrongEnd;

impl Codec for WrongEnd {
    type Wire = Vec<u8>;

    fn serialise(message: &Message<'_>) -> Vec<u8> {
        let mut wire = Flat::serialise(message);
        wire[32..36].reverse();
        wire
    }

    fn parse(wire: &Vec<u8>) -> Result<Message<'_>, Malformed> {
        Message::parse(wire)
    }

    fn io_slices(wire: &Vec<u8>) -> impl Iterator<Item = &[u8]> {
        Flat::io_slices(wire)
    }

    fn inner_metadata_bytes(_: &Vec<u8>) -> usize {
        0
    }
}

#[test]
fn wire_message_check_catches_a_field_that_comes_back_wrong() {
    assert_eq!(check::check::<Flat>(5), Ok(()));
    assert!(check::check::<WrongEnd>(5).unwrap_err().0.contains("came back as"));
}
