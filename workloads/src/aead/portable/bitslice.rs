//! AES-256 on four blocks at once, bitsliced: word `i` holds bit `i` of all 64 bytes, and the S-box is computed in the
//! tower field GF(((2^2)^2)^2) instead of looked up, so no address depends on a secret.
//!
//! Byte (block b, column c, row r) lies at bit 16 r + 4 c + b of each word: rows are 16-bit fields, so that moving
//! between the rows of a column is a rotation of the word.

use crate::aead::Key;
use crate::aead::schedule::{ROUND_KEYS, expand};

/// Four blocks, bit by bit.
type Planes = [u64; 8];

/// Expanded round keys, each repeated for the four blocks.
pub struct Aes {
    keys: [Planes; ROUND_KEYS],
}

impl Aes {
    /// Expands a key.
    pub fn new(key: &Key) -> Self {
        Aes { keys: expand(key, sub_word).map(|key| pack([key; 4])) }
    }

    /// Encrypts four blocks.
    pub fn encrypt(&self, blocks: [[u8; 16]; 4]) -> [[u8; 16]; 4] {
        let [first, middle @ .., last] = &self.keys;
        let mut state = add(pack(blocks), first);
        for key in middle {
            state = add(mix_columns(shift_rows(substitute(state))), key);
        }
        unpack(add(shift_rows(substitute(state)), last))
    }
}

fn sub_word(word: u32) -> u32 {
    let mut blocks = [[0; 16]; 4];
    blocks[0][..4].copy_from_slice(&word.to_le_bytes());
    let [block, ..] = unpack(substitute(pack(blocks)));
    u32::from_le_bytes([block[0], block[1], block[2], block[3]])
}

#[inline(always)]
fn pack(blocks: [[u8; 16]; 4]) -> Planes {
    transpose(std::array::from_fn(|word| {
        let columns = blocks[word % 4].as_chunks().0;
        let column = |i: usize| spread(u32::from_le_bytes(columns[i]));
        column(word / 4) | column(word / 4 + 2) << 8
    }))
}

#[inline(always)]
fn unpack(planes: Planes) -> [[u8; 16]; 4] {
    let words = transpose(planes);
    std::array::from_fn(|block| {
        let column = |i: usize| gather(words[block + i % 2 * 4] >> (i / 2 * 8)).to_le_bytes();
        let columns: [[u8; 4]; 4] = std::array::from_fn(column);
        std::array::from_fn(|byte| columns[byte / 4][byte % 4])
    })
}

/// Puts the four bytes of a word on the even bytes of a wider one.
#[inline(always)]
fn spread(word: u32) -> u64 {
    let halves = (u64::from(word) | u64::from(word) << 16) & 0x0000_ffff_0000_ffff;
    (halves | halves << 8) & 0x00ff_00ff_00ff_00ff
}

/// Undoes [`spread`], whatever the odd bytes hold.
#[inline(always)]
fn gather(word: u64) -> u32 {
    let bytes = word & 0x00ff_00ff_00ff_00ff;
    let halves = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (halves | halves >> 16) as u32
}

/// Swaps bit `i` of byte `k` of word `j` with bit `j` of byte `k` of word `i`; its own inverse.
#[inline(always)]
fn transpose(mut words: Planes) -> Planes {
    for (distance, mask) in
        [(1, 0x5555_5555_5555_5555), (2, 0x3333_3333_3333_3333), (4, 0x0f0f_0f0f_0f0f_0f0f)]
    {
        for i in (0..8).filter(|i| i & distance == 0) {
            let changed = (words[i] >> distance ^ words[i + distance]) & mask;
            words[i + distance] ^= changed;
            words[i] ^= changed << distance;
        }
    }
    words
}

#[inline(always)]
fn add(mut state: Planes, key: &Planes) -> Planes {
    state.iter_mut().zip(key).for_each(|(word, key)| *word ^= key);
    state
}

/// Row r turns by r columns: rows 1 and 3 by one column, then rows 2 and 3 by two.
#[inline(always)]
fn shift_rows(state: Planes) -> Planes {
    state.map(|word| {
        let word = word & 0x0000_ffff_0000_ffff
            | word >> 4 & 0x0fff_0000_0fff_0000
            | word << 12 & 0xf000_0000_f000_0000;
        word & 0x0000_0000_ffff_ffff | word >> 8 & 0x00ff_00ff_0000_0000 | word << 8 & 0xff00_ff00_0000_0000
    })
}

/// With s the sum of a row and the next: 2 s, plus the next row, plus s two rows on.
#[inline(always)]
fn mix_columns(state: Planes) -> Planes {
    let sums = state.map(|word| word ^ word.rotate_right(16));
    let [s0, s1, s2, s3, s4, s5, s6, s7] = sums;
    let doubled = [s7, s0 ^ s7, s1, s2 ^ s7, s3 ^ s7, s4, s5, s6];
    std::array::from_fn(|bit| doubled[bit] ^ state[bit].rotate_right(16) ^ sums[bit].rotate_right(32))
}

/// GF(2^8) to the tower: row i names the bits that sum to tower bit i. The root of the AES polynomial was searched for
/// the lightest pair of maps.
const TO_TOWER: [u8; 8] = [0x05, 0xc2, 0x24, 0xca, 0xa2, 0x72, 0x7e, 0xa0];
/// The tower back to GF(2^8), joined with the linear part of the S-box's affine map.
const FROM_TOWER: [u8; 8] = [0x35, 0x07, 0x03, 0x75, 0x39, 0x3c, 0xd0, 0x54];

/// The S-box on all 64 bytes: the inverse in the field, then the affine map.
#[inline(always)]
fn substitute(state: Planes) -> Planes {
    let [a0, a1, a2, a3, a4, a5, a6, a7] = linear(&TO_TOWER, state);
    let [[[a0, a1], [a2, a3]], [[a4, a5], [a6, a7]]] =
        invert_256([[[a0, a1], [a2, a3]], [[a4, a5], [a6, a7]]]);
    let [a0, a1, a2, a3, a4, a5, a6, a7] = linear(&FROM_TOWER, [a0, a1, a2, a3, a4, a5, a6, a7]);
    [!a0, !a1, a2, a3, a4, !a5, !a6, a7]
}

/// A linear map over the bits of each byte.
#[inline(always)]
fn linear(rows: &[u8; 8], input: Planes) -> Planes {
    std::array::from_fn(|row| {
        (0..8).filter(|bit| rows[row] >> bit & 1 == 1).fold(0, |sum, bit| sum ^ input[bit])
    })
}

/// c0 + c1 w over GF(2), with w^2 = w + 1.
type F4 = [u64; 2];
/// c0 + c1 y over GF(4), with y^2 = y + w.
type F16 = [F4; 2];
/// c0 + c1 z over GF(16), with z^2 = z + w y.
type F256 = [F16; 2];

#[inline(always)]
fn add_4(a: F4, b: F4) -> F4 {
    [a[0] ^ b[0], a[1] ^ b[1]]
}

#[inline(always)]
fn multiply_4(a: F4, b: F4) -> F4 {
    let low = a[0] & b[0];
    [low ^ a[1] & b[1], low ^ (a[0] ^ a[1]) & (b[0] ^ b[1])]
}

/// The square, which in GF(4) is also the inverse.
#[inline(always)]
fn square_4([low, high]: F4) -> F4 {
    [low ^ high, high]
}

#[inline(always)]
fn times_w([low, high]: F4) -> F4 {
    [high, low ^ high]
}

#[inline(always)]
fn add_16(a: F16, b: F16) -> F16 {
    [add_4(a[0], b[0]), add_4(a[1], b[1])]
}

#[inline(always)]
fn multiply_16(a: F16, b: F16) -> F16 {
    let low = multiply_4(a[0], b[0]);
    let high = multiply_4(a[1], b[1]);
    let cross = multiply_4(add_4(a[0], a[1]), add_4(b[0], b[1]));
    [add_4(low, times_w(high)), add_4(cross, low)]
}

#[inline(always)]
fn square_16([low, high]: F16) -> F16 {
    let high = square_4(high);
    [add_4(square_4(low), times_w(high)), high]
}

#[inline(always)]
fn times_w_y([low, high]: F16) -> F16 {
    [times_w(times_w(high)), times_w(add_4(low, high))]
}

/// The conjugate over the norm, which lies in GF(4).
#[inline(always)]
fn invert_16([low, high]: F16) -> F16 {
    let sum = add_4(low, high);
    let norm = add_4(times_w(square_4(high)), multiply_4(low, sum));
    let inverse = square_4(norm);
    [multiply_4(sum, inverse), multiply_4(high, inverse)]
}

/// The conjugate over the norm, which lies in GF(16); zero stays zero.
#[inline(always)]
fn invert_256([low, high]: F256) -> F256 {
    let sum = add_16(low, high);
    let norm = add_16(times_w_y(square_16(high)), multiply_16(low, sum));
    let inverse = invert_16(norm);
    [multiply_16(sum, inverse), multiply_16(high, inverse)]
}
