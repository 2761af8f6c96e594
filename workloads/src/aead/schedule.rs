//! What all levels derive from a key in the same way: the round keys of AES-256 (FIPS 197, section 5.2), given a
//! substitution that runs on the level at hand, and the hash key in the form that their products want.

use super::Key;

/// Round keys of AES-256.
pub const ROUND_KEYS: usize = 15;

/// Expands a key; `sub_word` puts each byte of a word through the S-box.
#[inline(always)]
pub fn expand(key: &Key, sub_word: impl Fn(u32) -> u32) -> [[u8; 16]; ROUND_KEYS] {
    let mut words = [0u32; 4 * ROUND_KEYS];
    for (word, bytes) in words.iter_mut().zip(key.as_chunks().0) {
        *word = u32::from_le_bytes(*bytes);
    }
    for i in 8..words.len() {
        let last = words[i - 1];
        let mixed = match i % 8 {
            0 => sub_word(last.rotate_right(8)) ^ (1 << (i / 8 - 1)),
            4 => sub_word(last),
            _ => last,
        };
        words[i] = words[i - 8] ^ mixed;
    }
    std::array::from_fn(|round| {
        std::array::from_fn(|byte| words[4 * round + byte / 4].to_le_bytes()[byte % 4])
    })
}

/// A hash key times x, which makes up for the place that a product of bit-reversed operands lies too low.
pub fn times_x(hash_key: u128) -> u128 {
    let carry = (hash_key >> 127).wrapping_neg();
    hash_key << 1 ^ carry & (0xc2 << 120 | 1)
}
