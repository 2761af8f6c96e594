//! GCM over any CPU that has AES rounds and a 64-bit carry-less product: counter mode on 8 blocks at a time, GHASH of
//! the 8 before them with one reduction, so that both units work at once. What a level adds is its [`Unit`].

use super::schedule::{ROUND_KEYS, expand, times_x};
use super::{Gcm, Key, Level, Nonce, Tag};
use perfbench_harness::{Granted, Isa, Unavailable};
use std::hint::black_box;

/// Blocks encrypted or hashed together.
const BATCH: usize = 8;
/// Bytes of a batch.
const BATCH_BYTES: usize = 16 * BATCH;
/// Powers of the hash key: a batch's, and one more for the block of lengths.
const POWERS: usize = BATCH + 1;

/// The instructions of a level on 128-bit blocks. A value is the proof that the CPU has them, hence every method
/// takes one. All methods and the closures given to [`Unit::run`] are inlined, so that they are compiled with the features.
pub trait Unit: Copy + 'static {
    /// A 128-bit register.
    type Block: Copy;
    /// The features used.
    const NEEDS: Isa;

    /// Turns the grant of [`Unit::NEEDS`] into the unit.
    fn new(granted: Granted) -> Self;
    /// Runs `work` in a function compiled with the features.
    fn run<R>(self, work: impl FnOnce() -> R) -> R;
    /// The block whose byte 0 is the lowest of `value`.
    fn block(self, value: u128) -> Self::Block;
    /// Undoes [`Unit::block`].
    fn value(self, block: Self::Block) -> u128;
    /// Reads 16 bytes.
    fn load(self, bytes: &[u8; 16]) -> Self::Block;
    /// Writes 16 bytes.
    fn store(self, block: Self::Block, bytes: &mut [u8; 16]);
    /// The sum in GF(2).
    fn xor(self, a: Self::Block, b: Self::Block) -> Self::Block;
    /// Adds to the lowest 32 bits, modulo 2^32.
    fn increment(self, block: Self::Block, by: u32) -> Self::Block;
    /// The bytes in reverse order.
    fn reverse(self, block: Self::Block) -> Self::Block;
    /// The 64-bit halves exchanged.
    fn swap(self, block: Self::Block) -> Self::Block;
    /// The carry-less product of the low halves.
    fn multiply_low(self, a: Self::Block, b: Self::Block) -> Self::Block;
    /// The carry-less product of the high halves.
    fn multiply_high(self, a: Self::Block, b: Self::Block) -> Self::Block;
    /// AES-256 on `N` blocks side by side.
    fn encrypt<const N: usize>(
        self,
        keys: &[Self::Block; ROUND_KEYS],
        blocks: [Self::Block; N],
    ) -> [Self::Block; N];
    /// The S-box on the four bytes of a word.
    fn sub_word(self, word: u32) -> u32;
}

/// A key on a unit.
pub struct Engine<U: Unit> {
    /// The proof of the level's features.
    pub unit: U,
    /// Round keys.
    pub keys: [U::Block; ROUND_KEYS],
    /// Power `i + 1` of the hash key at index `i`.
    pub powers: [Power<U::Block>; POWERS],
}

/// A power of the hash key, and the sum of its halves for Karatsuba's middle product.
#[derive(Clone, Copy)]
pub struct Power<B> {
    /// The power itself.
    pub whole: B,
    /// In both halves, the sum of its halves.
    pub folded: B,
}

/// A sum of unreduced products.
pub struct Products<B> {
    /// Products of low halves.
    pub low: B,
    /// Products of high halves.
    pub high: B,
    /// Products of sums of halves.
    pub middle: B,
}

impl<U: Unit> Level for Engine<U> {
    const NEEDS: Isa = U::NEEDS;

    fn new(granted: Granted, key: &Key) -> Result<Self, Unavailable> {
        let unit = U::new(granted);
        Ok(unit.run(
            #[inline(always)]
            || Self::expand(unit, key),
        ))
    }
}

impl<U: Unit> Gcm for Engine<U> {
    fn apply_keystream(&self, nonce: &Nonce, text: &mut [u8]) {
        self.unit.run(
            #[inline(always)]
            || self.apply(nonce, text),
        );
    }

    fn authenticate(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag {
        self.unit.run(
            #[inline(always)]
            || self.tag(nonce, aad, ciphertext),
        )
    }

    fn seal(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8], tag: &mut Tag) {
        self.unit.run(
            #[inline(always)]
            || *tag = self.encrypt_and_hash(nonce, aad, text),
        );
    }
}

impl<U: Unit> Engine<U> {
    #[inline(always)]
    fn expand(unit: U, key: &Key) -> Self {
        let keys = expand(key, |word| unit.sub_word(word)).map(|key| unit.load(&key));
        let [encrypted_zero] = unit.encrypt(&keys, [unit.block(0)]);
        let first = power(unit, unit.block(times_x(unit.value(unit.reverse(encrypted_zero)))));
        Engine { unit, keys, powers: powers(unit, first) }
    }

    /// The mask of the tag: AES of its counter block.
    #[inline(always)]
    pub fn mask(&self, counter: U::Block) -> U::Block {
        let [mask] = self.unit.encrypt(&self.keys, [self.unit.reverse(counter)]);
        mask
    }

    #[inline(always)]
    fn apply(&self, nonce: &Nonce, text: &mut [u8]) {
        let counter = self.unit.increment(self.counter(nonce), 1);
        for (batch, chunk) in text.chunks_mut(BATCH_BYTES).enumerate() {
            self.xor(chunk, &self.keystream(counter, batch * BATCH));
        }
    }

    #[inline(always)]
    fn tag(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag {
        let mask = self.mask(self.counter(nonce));
        let hash = self.absorb(self.unit.block(0), aad);
        self.finish(hash, [aad.len(), ciphertext.len()], ciphertext, mask)
    }

    /// The first block of keystream masks the tag, so it is made together with the first 7 of the text. Each further
    /// batch is encrypted while the one before it is hashed.
    #[inline(always)]
    fn encrypt_and_hash(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8]) -> Tag {
        let counter = self.counter(nonce);
        let mut hash = self.absorb(self.unit.block(0), aad);
        let [mask, stream @ ..] = self.keystream(counter, 0);
        // Left to itself, the optimiser encrypts the mask at the very end, where nothing runs beside it.
        let mask = black_box(mask);
        let (mut encrypted, mut hashed) = (text.len().min(BATCH_BYTES - 16), 0);
        self.xor(&mut text[..encrypted], &stream);
        while encrypted < text.len() {
            let stream = self.keystream(counter, encrypted / 16 + 1);
            if let Some(batch) = text[hashed..encrypted].first_chunk() {
                hash = self.absorb_batch(hash, batch);
                hashed += BATCH_BYTES;
            }
            encrypted += self.xor_batch(&mut text[encrypted..], &stream);
        }
        self.finish(hash, [aad.len(), text.len()], &text[hashed..], mask)
    }

    /// The counter block of the tag's mask, bytes reversed.
    #[inline(always)]
    pub fn counter(&self, nonce: &Nonce) -> U::Block {
        let [high, middle, low] = std::array::from_fn(|i| {
            u128::from(u32::from_be_bytes([
                nonce[4 * i],
                nonce[4 * i + 1],
                nonce[4 * i + 2],
                nonce[4 * i + 3],
            ]))
        });
        self.unit.block(high << 96 | middle << 64 | low << 32 | 1)
    }

    /// A batch of keystream from `skip` blocks after `counter`.
    #[inline(always)]
    fn keystream(&self, counter: U::Block, skip: usize) -> [U::Block; BATCH] {
        let unit = self.unit;
        let first = unit.increment(counter, skip as u32);
        let counters: [_; BATCH] = std::array::from_fn(|i| unit.reverse(unit.increment(first, i as u32)));
        unit.encrypt(&self.keys, counters)
    }

    /// Adds keystream to as much of the text as it covers, and says how much that is.
    #[inline(always)]
    fn xor_batch(&self, text: &mut [u8], stream: &[U::Block; BATCH]) -> usize {
        let Some(batch) = text.first_chunk_mut::<BATCH_BYTES>() else {
            self.xor(text, stream);
            return text.len();
        };
        for (block, mask) in batch.as_chunks_mut().0.iter_mut().zip(stream) {
            self.unit.store(self.unit.xor(self.unit.load(block), *mask), block);
        }
        BATCH_BYTES
    }

    /// Adds keystream to a text no longer than it.
    #[inline(always)]
    fn xor(&self, text: &mut [u8], stream: &[U::Block]) {
        let (blocks, rest) = text.as_chunks_mut();
        for (block, mask) in blocks.iter_mut().zip(stream) {
            self.unit.store(self.unit.xor(self.unit.load(block), *mask), block);
        }
        if !rest.is_empty() {
            let mask = self.unit.value(stream[blocks.len()]);
            rest.iter_mut().enumerate().for_each(|(i, byte)| *byte ^= (mask >> (8 * i)) as u8);
        }
    }

    /// Hashes bytes, padded with zeros to whole blocks.
    #[inline(always)]
    pub fn absorb(&self, hash: U::Block, bytes: &[u8]) -> U::Block {
        let (batches, rest) = bytes.as_chunks();
        let hash = batches.iter().fold(hash, |hash, batch| self.absorb_batch(hash, batch));
        if rest.is_empty() { hash } else { self.absorb_rest(hash, rest, None) }
    }

    #[inline(always)]
    fn absorb_batch(&self, hash: U::Block, batch: &[u8; BATCH_BYTES]) -> U::Block {
        let unit = self.unit;
        let mut products = Products::none(unit);
        for (i, block) in batch.as_chunks().0.iter().enumerate() {
            let block = unit.reverse(unit.load(block));
            let block = if i == 0 { unit.xor(block, hash) } else { block };
            products.add(unit, block, &self.powers[BATCH - 1 - i]);
        }
        products.reduce(unit)
    }

    /// Hashes less than a batch and a last block, if there is one, with one reduction.
    #[inline(always)]
    fn absorb_rest(&self, hash: U::Block, rest: &[u8], last: Option<U::Block>) -> U::Block {
        let unit = self.unit;
        let count = rest.len().div_ceil(16) + usize::from(last.is_some());
        let mut powers = self.powers[..count].iter().rev();
        let mut products = Products::none(unit);
        let mut pending = hash;
        let mut add = |block| {
            let power = powers.next().expect("there are as many powers as blocks");
            products.add(unit, unit.xor(block, pending), power);
            pending = unit.block(0);
        };
        let (blocks, partial) = rest.as_chunks();
        blocks.iter().for_each(|block| add(unit.reverse(unit.load(block))));
        if !partial.is_empty() {
            let value = partial.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte));
            add(unit.reverse(unit.block(value)));
        }
        last.into_iter().for_each(&mut add);
        products.reduce(unit)
    }

    /// Hashes the rest of the ciphertext and the lengths, in bytes, of additional data and all ciphertext; masks it.
    #[inline(always)]
    fn finish(&self, hash: U::Block, lengths: [usize; 2], ciphertext: &[u8], mask: U::Block) -> Tag {
        let unit = self.unit;
        let (batches, rest) = ciphertext.as_chunks();
        let hash = batches.iter().fold(hash, |hash, batch| self.absorb_batch(hash, batch));
        let hash = self.absorb_rest(hash, rest, Some(lengths_block(unit, lengths)));
        let mut tag = Tag::default();
        unit.store(unit.xor(unit.reverse(hash), mask), &mut tag);
        tag
    }
}

/// The block that ends the hash: lengths in bits, given in bytes.
#[inline(always)]
pub fn lengths_block<U: Unit>(unit: U, [aad_bytes, text_bytes]: [usize; 2]) -> U::Block {
    unit.block((aad_bytes as u128 * 8) << 64 | (text_bytes as u128 * 8))
}

/// The first `N` powers of a hash key.
#[inline(always)]
pub fn powers<U: Unit, const N: usize>(unit: U, first: Power<U::Block>) -> [Power<U::Block>; N] {
    let mut powers = [first; N];
    for i in 1..N {
        let mut products = Products::none(unit);
        products.add(unit, powers[i - 1].whole, &first);
        powers[i] = power(unit, products.reduce(unit));
    }
    powers
}

#[inline(always)]
fn power<U: Unit>(unit: U, whole: U::Block) -> Power<U::Block> {
    Power { whole, folded: unit.xor(whole, unit.swap(whole)) }
}

impl<B: Copy> Products<B> {
    #[inline(always)]
    fn none<U: Unit<Block = B>>(unit: U) -> Self {
        Products { low: unit.block(0), high: unit.block(0), middle: unit.block(0) }
    }

    /// Adds the product of a block and a power.
    #[inline(always)]
    pub fn add<U: Unit<Block = B>>(&mut self, unit: U, block: B, power: &Power<B>) {
        let folded = unit.xor(block, unit.swap(block));
        self.low = unit.xor(self.low, unit.multiply_low(block, power.whole));
        self.high = unit.xor(self.high, unit.multiply_high(block, power.whole));
        self.middle = unit.xor(self.middle, unit.multiply_low(folded, power.folded));
    }

    /// The sum modulo the field's polynomial in the bit order of GHASH: two folds of 64 bits each. The middle product
    /// may be added after the first fold, which reads only the lowest 64 bits.
    #[inline(always)]
    pub fn reduce<U: Unit<Block = B>>(self, unit: U) -> B {
        let polynomial = unit.block(0xc2 << 56);
        let fold = |block| unit.xor(unit.swap(block), unit.multiply_low(block, polynomial));
        let middle = unit.xor(self.middle, unit.xor(self.low, self.high));
        unit.xor(self.high, fold(unit.xor(fold(self.low), middle)))
    }
}
