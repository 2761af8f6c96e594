//! The one check that every level passes before it is timed: sealed texts and tags equal the oracle's at all boundary
//! lengths, what was sealed opens, and one flipped bit anywhere does not.

use super::{Forged, Gcm, Key, Level, Nonce, Tag, oracle, random_bytes};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};

/// Lengths around blocks, batches of blocks, and the sizes of the points.
pub const LENGTHS: [usize; 18] =
    [0, 1, 15, 16, 17, 31, 32, 63, 64, 111, 112, 113, 127, 128, 129, 210, 255, 256];
const LONG: usize = 4096;

pub fn check<L: Level>(setup: &Setup<'_>) -> Result<(), Broken> {
    let mut random = Random::new(setup.seed);
    let key = random_bytes(&mut random);
    let level = L::new(setup.granted, &key).map_err(|missing| Broken(missing.to_string()))?;
    check_key(&level, &key, &mut random)
}

/// The check over one expanded key.
pub fn check_key(level: &dyn Gcm, key: &Key, random: &mut Random) -> Result<(), Broken> {
    for length in LENGTHS {
        for (aad_bytes, text_bytes) in [(0, length), (13, length), (length, 0), (length, 210)] {
            check_message(level, key, &Message::generate(random, aad_bytes, text_bytes), random)?;
        }
    }
    for (aad_bytes, text_bytes) in [(0, LONG), (LONG, 0), (LONG, LONG), (20, LONG + 15)] {
        check_message(level, key, &Message::generate(random, aad_bytes, text_bytes), random)?;
    }
    Ok(())
}

#[derive(Clone)]
struct Message {
    nonce: Nonce,
    aad: Vec<u8>,
    text: Vec<u8>,
}

impl Message {
    fn generate(random: &mut Random, aad_bytes: usize, text_bytes: usize) -> Self {
        let mut bytes = |count| (0..count).map(|_| random.bits() as u8).collect::<Vec<_>>();
        let (aad, text) = (bytes(aad_bytes), bytes(text_bytes));
        Message { nonce: random_bytes(random), aad, text }
    }

    fn lengths(&self) -> String {
        format!("{} bytes of text, {} of additional data", self.text.len(), self.aad.len())
    }
}

fn check_message(level: &dyn Gcm, key: &Key, plain: &Message, random: &mut Random) -> Result<(), Broken> {
    let (expected, expected_tag) = oracle::seal(key, &plain.nonce, &plain.aad, &plain.text);
    let (mut sealed, mut tag) = (plain.clone(), Tag::default());
    level.seal(&sealed.nonce, &sealed.aad, &mut sealed.text, &mut tag);
    ensure!(sealed.text == expected, "wrong ciphertext at {}", plain.lengths());
    ensure!(tag == expected_tag, "wrong tag at {}: {tag:02x?}, not {expected_tag:02x?}", plain.lengths());
    check_tampering(level, &sealed, tag, random)?;
    let opened = level.open(&sealed.nonce, &sealed.aad, &mut sealed.text, &tag);
    ensure!(opened.is_ok(), "its own tag is refused at {}", plain.lengths());
    ensure!(sealed.text == plain.text, "wrong plaintext at {}", plain.lengths());
    Ok(())
}

fn check_tampering(level: &dyn Gcm, sealed: &Message, tag: Tag, random: &mut Random) -> Result<(), Broken> {
    for part in ["text", "additional data", "nonce", "tag"] {
        let (mut altered, mut altered_tag) = (sealed.clone(), tag);
        let bytes: &mut [u8] = match part {
            "text" => &mut altered.text,
            "additional data" => &mut altered.aad,
            "nonce" => &mut altered.nonce,
            _ => &mut altered_tag,
        };
        if bytes.is_empty() {
            continue;
        }
        bytes[random.below(bytes.len() as u64) as usize] ^= 1 << random.below(8);
        let before = altered.text.clone();
        let opened = level.open(&altered.nonce, &altered.aad, &mut altered.text, &altered_tag);
        ensure!(opened == Err(Forged), "a flipped bit in the {part} passes at {}", sealed.lengths());
        ensure!(altered.text == before, "a refused text is altered at {}", sealed.lengths());
    }
    Ok(())
}
