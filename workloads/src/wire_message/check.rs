//! Holds a codec to the document's picture of a heartbeat, to round trips, and to refusing what is no message.

use super::Codec;
use super::message::*;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, ensure};

/// The heartbeat as document 001 draws it, piece by piece.
const DRAWN: [&[u8]; 9] =
    [&[255; 6], &[0; 6], &[48, 48], &[0], &[0], &[0; 16], &[0; 4], &[0, 0, 0, 1], &[4; 6]];

/// The one check of this workload.
pub fn check<C: Codec>(seed: u64) -> Result<(), Broken> {
    let heartbeat = C::serialise(&Message { header: Header::HEARTBEAT, payload: &[] });
    ensure!(joined::<C>(&heartbeat) == DRAWN.concat(), "the heartbeat lies as {:?}", joined::<C>(&heartbeat));
    let mut random = Random::new(seed);
    let payload: Vec<u8> = (0..MESSAGE_BYTES_MAX - HEADER_BYTES).map(|_| random.bits() as u8).collect();
    for bytes in [0, 1, 2, 45, 46, 47, 209, 210, 211, 465, 466, 467, 1453, 1454] {
        round_trip::<C>(&Message {
            header: any_header(&mut random, Kind::Data),
            payload: &payload[..bytes],
        })?;
        round_trip::<C>(&Message { header: any_header(&mut random, Kind::Heartbeat), payload: &[] })?;
    }
    refuses::<C>(&payload)
}

fn joined<C: Codec>(wire: &C::Wire) -> Vec<u8> {
    C::io_slices(wire).flatten().copied().collect()
}

fn any_header(random: &mut Random, kind: Kind) -> Header {
    let mut mac = || std::array::from_fn(|_| random.bits() as u8);
    let (to, from, source) = (mac(), mac(), mac());
    let duration = u128::from(random.bits()) << 64 | u128::from(random.bits());
    Header { to, from, kind, duration, id: random.bits() as u32, hops: random.bits() as u32, source }
}

fn round_trip<C: Codec>(message: &Message<'_>) -> Result<(), Broken> {
    let wire = C::serialise(message);
    ensure!(
        joined::<C>(&wire).len() == message.wire_bytes(),
        "{message:?} takes {} bytes",
        joined::<C>(&wire).len()
    );
    let parsed = C::parse(&wire);
    ensure!(parsed == Ok(*message), "{message:?} came back as {parsed:?}");
    Ok(())
}

/// What a sender can lay out and no receiver may take.
fn refuses<C: Codec>(payload: &[u8]) -> Result<(), Broken> {
    let data = Header { kind: Kind::Data, ..Header::HEARTBEAT };
    let too_long = [payload, &[0]].concat();
    let wrong = [
        (Message { header: Header::HEARTBEAT, payload: &[7] }, Malformed::Trailing { bytes: 1 }),
        (Message { header: data, payload: &too_long }, Malformed::Long { bytes: too_long.len() }),
    ];
    for (message, expected) in wrong {
        let wire = C::serialise(&message);
        let parsed = C::parse(&wire);
        ensure!(parsed == Err(expected), "expected {expected:?}, came {parsed:?}");
    }
    Ok(())
}
