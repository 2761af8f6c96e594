//! VAES and VPCLMULQDQ on 512-bit registers: 16 blocks at a time in four registers, one reduction for 16 blocks, and
//! masked loads for what is left over. What is 128 bits wide (additional data, the tag's mask, the last reduction)
//! is the work of `aes_ni`'s unit.

use perfbench_harness::Isa;

/// What it is, for the table.
pub const ABOUT: &str =
    "VAES and VPCLMULQDQ on 512-bit registers, 16 blocks at a time, one reduction for 16 blocks";

const NEEDS: Isa = super::aes_ni::NEEDS.and(Isa::AVX512F).and(Isa::AVX512BW).and(Isa::VAES).and(Isa::VPCLMUL);

#[cfg(target_arch = "x86_64")]
pub use kernel::Vaes;
#[cfg(not(target_arch = "x86_64"))]
super::foreign_level!(Vaes, NEEDS);

#[cfg(target_arch = "x86_64")]
mod kernel {
    use super::NEEDS;
    use crate::aead::aes_ni::AesNi;
    use crate::aead::engine::{Power, Products, Unit, lengths_block, powers};
    use crate::aead::schedule::ROUND_KEYS;
    use crate::aead::{Gcm, Key, Level, Nonce, Tag};
    use perfbench_harness::{Granted, Isa, Unavailable};
    use std::arch::x86_64::*;
    use std::hint::black_box;

    /// Registers of a batch, four blocks each.
    const VECTORS: usize = 4;
    /// Blocks of a batch.
    const BATCH: usize = 4 * VECTORS;
    /// Bytes of a batch.
    const BATCH_BYTES: usize = 16 * BATCH;

    type Batch = [__m512i; VECTORS];

    /// A key of this level; its existence is the proof that the CPU has `NEEDS`.
    pub struct Vaes {
        narrow: AesNi,
        keys: [__m512i; ROUND_KEYS],
        wholes: Powers,
        folds: Powers,
    }

    impl Level for Vaes {
        const NEEDS: Isa = NEEDS;

        fn new(granted: Granted, key: &Key) -> Result<Self, Unavailable> {
            granted.expect(NEEDS);
            let narrow = AesNi::new(granted, key)?;
            // SAFETY: the features are granted.
            Ok(unsafe { Vaes::expand(narrow) })
        }
    }

    impl Gcm for Vaes {
        fn apply_keystream(&self, nonce: &Nonce, text: &mut [u8]) {
            // SAFETY: a key exists only where the features are granted.
            unsafe { self.apply(nonce, text) }
        }

        fn authenticate(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag {
            // SAFETY: a key exists only where the features are granted.
            unsafe { self.tag(nonce, aad, ciphertext) }
        }

        fn seal(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8], tag: &mut Tag) {
            // SAFETY: a key exists only where the features are granted.
            *tag = unsafe { self.encrypt_and_hash(nonce, aad, text) };
        }
    }

    impl Vaes {
        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn expand(narrow: AesNi) -> Self {
            let powers = powers(narrow.unit, narrow.powers[0]);
            let mut keys = [_mm512_setzero_si512(); ROUND_KEYS];
            for (wide, key) in keys.iter_mut().zip(narrow.keys) {
                *wide = _mm512_broadcast_i32x4(key);
            }
            let [wholes, folds] =
                [Powers::of(&powers, |power| power.whole), Powers::of(&powers, |power| power.folded)];
            Vaes { narrow, keys, wholes, folds }
        }

        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn apply(&self, nonce: &Nonce, text: &mut [u8]) {
            let counter = self.narrow.counter(nonce);
            for (batch, chunk) in text.chunks_mut(BATCH_BYTES).enumerate() {
                xor(chunk, self.keystream(counter, batch));
            }
        }

        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn tag(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag {
            let lengths = [aad.len(), ciphertext.len()];
            let mask = self.narrow.mask(self.narrow.counter(nonce));
            let mut hash = self.narrow.absorb(self.narrow.unit.block(0), aad);
            let (batches, rest) = ciphertext.as_chunks::<BATCH_BYTES>();
            for batch in batches {
                hash = self.absorb(hash, Some(load(batch)));
            }
            self.finish(hash, load(rest), rest.len(), lengths, mask)
        }

        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn encrypt_and_hash(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8]) -> Tag {
            let lengths = [aad.len(), text.len()];
            let counter = self.narrow.counter(nonce);
            // Left to itself, the optimiser encrypts the mask at the very end, where nothing runs beside it.
            let mask = black_box(self.narrow.mask(counter));
            let mut hash = self.narrow.absorb(self.narrow.unit.block(0), aad);
            let (batches, rest) = text.as_chunks_mut::<BATCH_BYTES>();
            let full = batches.len();
            let mut pending = None;
            for (i, batch) in batches.iter_mut().enumerate() {
                let stream = self.keystream(counter, i);
                hash = self.absorb(hash, pending);
                pending = Some(xor(batch, stream));
            }
            let mut sealed = [_mm512_setzero_si512(); VECTORS];
            if !rest.is_empty() {
                sealed = xor(rest, self.keystream(counter, full));
            }
            hash = self.absorb(hash, pending);
            self.finish(hash, sealed, rest.len(), lengths, mask)
        }

        /// Hashes the last blocks, less than a batch, and the lengths with one reduction; masks the result.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn finish(
            &self,
            hash: __m128i,
            rest: Batch,
            rest_bytes: usize,
            lengths: [usize; 2],
            mask: __m128i,
        ) -> Tag {
            let unit = self.narrow.unit;
            let mut products = self.products(hash, rest, rest_bytes.div_ceil(16) + 1);
            products.add(unit, lengths_block(unit, lengths), &self.narrow.powers[0]);
            let mut tag = Tag::default();
            unit.store(unit.xor(unit.reverse(products.reduce(unit)), mask), &mut tag);
            tag
        }

        /// Keystream number `batch` of the text.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn keystream(&self, counter: __m128i, batch: usize) -> Batch {
            let lanes = _mm512_set_epi32(0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1);
            let first = _mm512_add_epi32(_mm512_broadcast_i32x4(counter), lanes);
            let [whitening, middle @ .., last] = &self.keys;
            let mut blocks = [first; VECTORS];
            for (i, block) in blocks.iter_mut().enumerate() {
                let skip = _mm512_maskz_set1_epi32(0x1111, (batch * BATCH + 4 * i) as i32);
                *block = _mm512_xor_si512(reverse(_mm512_add_epi32(first, skip)), *whitening);
            }
            for key in middle {
                for block in &mut blocks {
                    *block = _mm512_aesenc_epi128(*block, *key);
                }
            }
            for block in &mut blocks {
                *block = _mm512_aesenclast_epi128(*block, *last);
            }
            blocks
        }

        /// Hashes a whole batch, if there is one.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn absorb(&self, hash: __m128i, batch: Option<Batch>) -> __m128i {
            batch.map_or(hash, |batch| self.products(hash, batch, BATCH).reduce(self.narrow.unit))
        }

        /// The running hash and a batch times falling powers of the hash key, from `highest`.
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq")]
        fn products(&self, hash: __m128i, batch: Batch, highest: usize) -> Products<__m128i> {
            let zero = _mm512_setzero_si512();
            let mut sums = Products { low: zero, high: zero, middle: zero };
            for (i, block) in batch.into_iter().enumerate() {
                let hash = if i == 0 { _mm512_zextsi128_si512(hash) } else { zero };
                let block = _mm512_xor_si512(reverse(block), hash);
                let halves = _mm512_xor_si512(block, _mm512_shuffle_epi32::<0b01_00_11_10>(block));
                let whole = self.wholes.four(highest, i);
                let folded = self.folds.four(highest, i);
                sums.low = _mm512_xor_si512(sums.low, _mm512_clmulepi64_epi128::<0x00>(block, whole));
                sums.high = _mm512_xor_si512(sums.high, _mm512_clmulepi64_epi128::<0x11>(block, whole));
                sums.middle = _mm512_xor_si512(sums.middle, _mm512_clmulepi64_epi128::<0x00>(halves, folded));
            }
            Products { low: add_lanes(sums.low), high: add_lanes(sums.high), middle: add_lanes(sums.middle) }
        }
    }

    /// Falling powers of the hash key from `BATCH + 1` to 1, then a batch's worth of further entries that only meet
    /// blocks of zeros.
    struct Powers([__m128i; 2 * BATCH + 1]);

    impl Powers {
        fn of(powers: &[Power<__m128i>; BATCH + 1], part: impl Fn(&Power<__m128i>) -> __m128i) -> Self {
            Powers(std::array::from_fn(|i| part(&powers[BATCH.saturating_sub(i)])))
        }

        /// The four powers for register `vector` of a batch that starts with power `highest`.
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn four(&self, highest: usize, vector: usize) -> __m512i {
            let first = BATCH + 1 - highest + 4 * vector;
            let four: &[__m128i; 4] = self.0[first..].first_chunk().expect("a batch of powers follows each");
            // SAFETY: the reference spans 64 readable bytes, and the load asks for no alignment.
            unsafe { _mm512_loadu_si512(four.as_ptr().cast()) }
        }
    }

    /// The bytes of each block in reverse order.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn reverse(blocks: __m512i) -> __m512i {
        let order = _mm_set_epi64x(0x0001_0203_0405_0607, 0x0809_0a0b_0c0d_0e0f);
        _mm512_shuffle_epi8(blocks, _mm512_broadcast_i32x4(order))
    }

    /// The sum of the four blocks.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add_lanes(blocks: __m512i) -> __m128i {
        let two = _mm256_xor_si256(_mm512_castsi512_si256(blocks), _mm512_extracti64x4_epi64::<1>(blocks));
        _mm_xor_si128(_mm256_castsi256_si128(two), _mm256_extracti128_si256::<1>(two))
    }

    /// The bytes of register `i` that a text of that length fills.
    #[inline]
    fn filled(length: usize, i: usize) -> __mmask64 {
        let bytes = length.saturating_sub(64 * i).min(64);
        u64::MAX.checked_shr(64 - bytes as u32).unwrap_or(0)
    }

    /// Reads up to a batch, followed by zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn load(text: &[u8]) -> Batch {
        let mut batch = [_mm512_setzero_si512(); VECTORS];
        for (i, blocks) in batch.iter_mut().enumerate() {
            let start = text.as_ptr().wrapping_add(64 * i).cast();
            // SAFETY: the mask selects bytes of `text` only; the others are not accessed.
            *blocks = unsafe { _mm512_maskz_loadu_epi8(filled(text.len(), i), start) };
        }
        batch
    }

    /// Adds keystream to up to a batch; gives back what the text now is, followed by zeros.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn xor(text: &mut [u8], stream: Batch) -> Batch {
        let mut batch = load(text);
        for (i, blocks) in batch.iter_mut().enumerate() {
            let filled = filled(text.len(), i);
            *blocks = _mm512_maskz_mov_epi8(filled, _mm512_xor_si512(*blocks, stream[i]));
            let start = text.as_mut_ptr().wrapping_add(64 * i).cast();
            // SAFETY: the mask selects bytes of `text` only; the others are not accessed.
            unsafe { _mm512_mask_storeu_epi8(start, filled, *blocks) };
        }
        batch
    }
}
