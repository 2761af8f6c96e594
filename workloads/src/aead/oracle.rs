//! AES-256-GCM as its definition reads, a byte and a bit at a time: slow, obvious, and never timed.

use super::{Key, Nonce, Tag};

/// The sealed text and its tag.
pub fn seal(key: &Key, nonce: &Nonce, aad: &[u8], text: &[u8]) -> (Vec<u8>, Tag) {
    let aes = Aes::new(key);
    let mut sealed = Vec::new();
    for (i, chunk) in text.chunks(16).enumerate() {
        let stream = aes.encrypt(counter_block(nonce, i as u32 + 2));
        sealed.extend(chunk.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
    }
    let hash_key = u128::from_be_bytes(aes.encrypt([0; 16]));
    let mask = u128::from_be_bytes(aes.encrypt(counter_block(nonce, 1)));
    let tag = hash(hash_key, aad, &sealed) ^ mask;
    (sealed, tag.to_be_bytes())
}

fn counter_block(nonce: &Nonce, counter: u32) -> [u8; 16] {
    let mut block = [0; 16];
    block[..12].copy_from_slice(nonce);
    block[12..].copy_from_slice(&counter.to_be_bytes());
    block
}

/// GHASH (SP 800-38D, section 6.4). The first bit of a block is its highest, the coefficient of x^0.
fn hash(key: u128, aad: &[u8], sealed: &[u8]) -> u128 {
    let padded = |bytes: &[u8]| {
        let mut block = [0; 16];
        block[..bytes.len()].copy_from_slice(bytes);
        u128::from_be_bytes(block)
    };
    let bits = |bytes: &[u8]| bytes.len() as u128 * 8;
    let mut hash = 0;
    for block in aad.chunks(16).chain(sealed.chunks(16)) {
        hash = multiply(hash ^ padded(block), key);
    }
    multiply(hash ^ (bits(aad) << 64 | bits(sealed)), key)
}

/// The product in GF(2^128) (SP 800-38D, section 6.3).
fn multiply(a: u128, b: u128) -> u128 {
    let (mut product, mut shifted) = (0, b);
    for i in (0..128).rev() {
        if a >> i & 1 == 1 {
            product ^= shifted;
        }
        shifted = shifted >> 1 ^ if shifted & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    product
}

struct Aes {
    sbox: [u8; 256],
    round_keys: Vec<[u8; 16]>,
}

impl Aes {
    fn new(key: &Key) -> Self {
        let sbox = std::array::from_fn(|byte| substitute(byte as u8));
        let mut words: Vec<[u8; 4]> = key.as_chunks().0.to_vec();
        let mut round_constant = 1;
        for i in 8..60 {
            let mut word = words[i - 1];
            if i % 8 == 0 {
                word.rotate_left(1);
            }
            if i % 4 == 0 {
                word = word.map(|byte| sbox[byte as usize]);
            }
            if i % 8 == 0 {
                word[0] ^= round_constant;
                round_constant = times(round_constant, 2);
            }
            words.push(std::array::from_fn(|j| words[i - 8][j] ^ word[j]));
        }
        let round_keys = words.chunks(4).map(|four| std::array::from_fn(|i| four[i / 4][i % 4])).collect();
        Aes { sbox, round_keys }
    }

    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut state = add(block, self.round_keys[0]);
        for (round, key) in self.round_keys.iter().enumerate().skip(1) {
            state = state.map(|byte| self.sbox[byte as usize]);
            state = std::array::from_fn(|i| state[(i + 4 * (i % 4)) % 16]);
            if round < 14 {
                state = mix_columns(state);
            }
            state = add(state, *key);
        }
        state
    }
}

fn add(a: [u8; 16], b: [u8; 16]) -> [u8; 16] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

fn mix_columns(state: [u8; 16]) -> [u8; 16] {
    std::array::from_fn(|i| {
        let below = |rows: usize| state[i / 4 * 4 + (i + rows) % 4];
        times(below(0), 2) ^ times(below(1), 3) ^ below(2) ^ below(3)
    })
}

/// The S-box (FIPS 197, section 5.1.1): the inverse in the field, then the affine map.
fn substitute(byte: u8) -> u8 {
    let inverse = (0..=255).find(|candidate| times(byte, *candidate) == 1).unwrap_or(0);
    (0..5).fold(0x63, |sum, bits| sum ^ inverse.rotate_left(bits))
}

/// The product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
fn times(a: u8, b: u8) -> u8 {
    let (mut product, mut shifted) = (0, a);
    for i in 0..8 {
        if b >> i & 1 == 1 {
            product ^= shifted;
        }
        shifted = shifted << 1 ^ if shifted >> 7 == 1 { 0x1b } else { 0 };
    }
    product
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn the_oracle_encrypts_the_example_of_the_standard() {
        let key = std::array::from_fn(|i| i as u8);
        let block = std::array::from_fn(|i| 0x11 * i as u8);
        let expected = 0x8ea2_b7ca_5167_45bf_eafc_4990_4b49_6089_u128;
        assert_eq!(Aes::new(&key).encrypt(block), expected.to_be_bytes());
    }
}
