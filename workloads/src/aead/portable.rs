//! The baseline: constant time on any CPU, without intrinsics. Framing of GCM over `bitslice` (AES) and `carryless`
//! (GHASH).

mod bitslice;
mod carryless;

use super::schedule::times_x;
use super::{Gcm, Key, Level, Nonce, Tag};
use bitslice::Aes;
use carryless::Hash;
use perfbench_harness::{Granted, Isa, Unavailable};

/// What it is, for the table.
pub const ABOUT: &str =
    "constant time without intrinsics: bitsliced AES, carry-less products from masked multiplications";

/// A key of this level.
pub struct Portable {
    aes: Aes,
    hash_key: u128,
}

impl Level for Portable {
    const NEEDS: Isa = Isa::NONE;

    fn new(_: Granted, key: &Key) -> Result<Self, Unavailable> {
        let aes = Aes::new(key);
        let hash_key = times_x(u128::from_be_bytes(aes.encrypt([[0; 16]; 4])[0]));
        Ok(Self { aes, hash_key })
    }
}

impl Gcm for Portable {
    fn apply_keystream(&self, nonce: &Nonce, text: &mut [u8]) {
        for (i, chunk) in text.chunks_mut(64).enumerate() {
            let stream = self.aes.encrypt(counter_blocks(nonce, 4 * i as u32 + 2));
            for (byte, mask) in chunk.iter_mut().zip(stream.as_flattened()) {
                *byte ^= mask;
            }
        }
    }

    fn authenticate(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag {
        let mut hash = Hash::new(self.hash_key);
        hash.absorb(aad);
        hash.absorb(ciphertext);
        let [aad_bits, text_bits] = [aad, ciphertext].map(|bytes| bytes.len() as u128 * 8);
        hash.absorb_block(aad_bits << 64 | text_bits);
        let mask = self.aes.encrypt(counter_blocks(nonce, 1))[0];
        (hash.value() ^ u128::from_be_bytes(mask)).to_be_bytes()
    }
}

fn counter_blocks(nonce: &Nonce, first: u32) -> [[u8; 16]; 4] {
    std::array::from_fn(|i| {
        let mut block = [0; 16];
        block[..12].copy_from_slice(nonce);
        block[12..].copy_from_slice(&first.wrapping_add(i as u32).to_be_bytes());
        block
    })
}
