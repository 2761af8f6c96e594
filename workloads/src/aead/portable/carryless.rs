//! GHASH without a carry-less multiplier: integer products of operands with holes between their bits, so that carries
//! fall into the holes. Integer multiplication is taken to run in constant time, as it does on 64-bit CPUs.

/// The running hash of one message.
pub struct Hash {
    key: u128,
    value: u128,
}

impl Hash {
    /// An empty hash under a hash key times x (`schedule::times_x`).
    pub fn new(key: u128) -> Self {
        Hash { key, value: 0 }
    }

    /// Adds bytes, padded with zeros to whole blocks.
    pub fn absorb(&mut self, bytes: &[u8]) {
        let (blocks, rest) = bytes.as_chunks();
        for block in blocks {
            self.absorb_block(u128::from_be_bytes(*block));
        }
        if !rest.is_empty() {
            let mut block = [0; 16];
            block[..rest.len()].copy_from_slice(rest);
            self.absorb_block(u128::from_be_bytes(block));
        }
    }

    /// Adds one block.
    pub fn absorb_block(&mut self, block: u128) {
        self.value = reduce(product(self.value ^ block, self.key));
    }

    /// The hash of all that was added.
    pub fn value(&self) -> u128 {
        self.value
    }
}

/// The 255-bit carry-less product, low half first, by Karatsuba's three 64-bit products.
fn product(a: u128, b: u128) -> (u128, u128) {
    let halves = |value: u128| (value as u64, (value >> 64) as u64);
    let ((a0, a1), (b0, b1)) = (halves(a), halves(b));
    let (low, high) = (product_64(a0, b0), product_64(a1, b1));
    let middle = product_64(a0 ^ a1, b0 ^ b1) ^ low ^ high;
    (low ^ middle << 64, high ^ middle >> 64)
}

/// Every fourth bit, from the lowest.
const COMB: u64 = 0x1111_1111_1111_1111;
/// The bits below the highest nibble: 15 to a comb, so that a column of their products never reaches 16.
const LOW_60: u64 = u64::MAX >> 4;

/// The carry-less product of 64 bits by 64: 16 integer products of combs, and the highest nibble of `b` by shifts.
#[inline(always)]
fn product_64(a: u64, b: u64) -> u128 {
    let comb = |value: u64, i: usize| u128::from(value & COMB << i);
    let wide_comb = u128::from(COMB) << 64 | u128::from(COMB);
    let mut sum = 0;
    for column in 0..4 {
        let mut products = 0;
        for i in 0..4 {
            products ^= comb(a, i) * comb(b & LOW_60, (column + 4 - i) % 4);
        }
        sum |= products & wide_comb << column;
    }
    (60..64).fold(sum, |sum, i| sum ^ u128::from(a & (b >> i & 1).wrapping_neg()) << i)
}

/// The product modulo the field's polynomial, in the bit order of GHASH: two folds of 64 bits each.
fn reduce((low, high): (u128, u128)) -> u128 {
    let fold = |value: u128| {
        let lowest = u128::from(value as u64);
        value.rotate_left(64) ^ lowest << 63 ^ lowest << 62 ^ lowest << 57
    };
    high ^ fold(fold(low))
}
