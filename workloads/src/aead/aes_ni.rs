//! AES-NI with PCLMULQDQ on 128-bit registers: the instructions only, `engine` says what is done with them.

use perfbench_harness::Isa;

/// What it is, for the table.
pub const ABOUT: &str = "AES-NI and PCLMULQDQ, 8 blocks interleaved, one reduction for 8 blocks";

/// The features used.
pub const NEEDS: Isa = Isa::AES_NI.and(Isa::PCLMUL).and(Isa::SSSE3).and(Isa::SSE41);

#[cfg(target_arch = "x86_64")]
pub type AesNi = super::engine::Engine<kernel::AesNi>;
#[cfg(not(target_arch = "x86_64"))]
super::foreign_level!(AesNi, NEEDS);

#[cfg(target_arch = "x86_64")]
mod kernel {
    use super::NEEDS;
    use crate::aead::engine::Unit;
    use crate::aead::schedule::ROUND_KEYS;
    use perfbench_harness::{Granted, Isa};
    use std::arch::x86_64::*;

    /// Proof that the CPU has `NEEDS`.
    #[derive(Clone, Copy)]
    pub struct AesNi(());

    #[target_feature(enable = "aes,pclmulqdq,ssse3,sse4.1")]
    fn with_features<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    impl Unit for AesNi {
        type Block = __m128i;
        const NEEDS: Isa = NEEDS;

        fn new(granted: Granted) -> Self {
            granted.expect(NEEDS);
            AesNi(())
        }

        #[inline(always)]
        fn run<R>(self, work: impl FnOnce() -> R) -> R {
            // SAFETY: `self` was made from the grant of the features.
            unsafe { with_features(work) }
        }

        #[inline(always)]
        fn block(self, value: u128) -> __m128i {
            // SAFETY: SSE2 belongs to x86_64.
            unsafe { _mm_set_epi64x((value >> 64) as i64, value as i64) }
        }

        #[inline(always)]
        fn value(self, block: __m128i) -> u128 {
            let mut bytes = [0; 16];
            self.store(block, &mut bytes);
            u128::from_le_bytes(bytes)
        }

        #[inline(always)]
        fn load(self, bytes: &[u8; 16]) -> __m128i {
            // SAFETY: the reference spans 16 readable bytes, and the load asks for no alignment.
            unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
        }

        #[inline(always)]
        fn store(self, block: __m128i, bytes: &mut [u8; 16]) {
            // SAFETY: the reference spans 16 writable bytes, and the store asks for no alignment.
            unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), block) }
        }

        #[inline(always)]
        fn xor(self, a: __m128i, b: __m128i) -> __m128i {
            // SAFETY: SSE2 belongs to x86_64.
            unsafe { _mm_xor_si128(a, b) }
        }

        #[inline(always)]
        fn increment(self, block: __m128i, by: u32) -> __m128i {
            let by = self.block(u128::from(by));
            // SAFETY: SSE2 belongs to x86_64.
            unsafe { _mm_add_epi32(block, by) }
        }

        #[inline(always)]
        fn reverse(self, block: __m128i) -> __m128i {
            let order = self.block(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f);
            // SAFETY: `self` was made from the grant of SSSE3.
            unsafe { _mm_shuffle_epi8(block, order) }
        }

        #[inline(always)]
        fn swap(self, block: __m128i) -> __m128i {
            // SAFETY: SSE2 belongs to x86_64.
            unsafe { _mm_shuffle_epi32::<0b01_00_11_10>(block) }
        }

        #[inline(always)]
        fn multiply_low(self, a: __m128i, b: __m128i) -> __m128i {
            // SAFETY: `self` was made from the grant of PCLMULQDQ.
            unsafe { _mm_clmulepi64_si128::<0x00>(a, b) }
        }

        #[inline(always)]
        fn multiply_high(self, a: __m128i, b: __m128i) -> __m128i {
            // SAFETY: `self` was made from the grant of PCLMULQDQ.
            unsafe { _mm_clmulepi64_si128::<0x11>(a, b) }
        }

        #[inline(always)]
        fn encrypt<const N: usize>(
            self,
            keys: &[__m128i; ROUND_KEYS],
            mut blocks: [__m128i; N],
        ) -> [__m128i; N] {
            let [first, middle @ .., last] = keys;
            blocks = blocks.map(|block| self.xor(block, *first));
            for key in middle {
                for block in &mut blocks {
                    // SAFETY: `self` was made from the grant of AES-NI.
                    *block = unsafe { _mm_aesenc_si128(*block, *key) };
                }
            }
            for block in &mut blocks {
                // SAFETY: `self` was made from the grant of AES-NI.
                *block = unsafe { _mm_aesenclast_si128(*block, *last) };
            }
            blocks
        }

        /// With four equal columns, the last round's row shift moves nothing, and its zero key adds nothing.
        #[inline(always)]
        fn sub_word(self, word: u32) -> u32 {
            let columns = self.block(u128::from(word) * 0x0000_0001_0000_0001_0000_0001_0000_0001);
            // SAFETY: `self` was made from the grant of AES-NI.
            let substituted = unsafe { _mm_aesenclast_si128(columns, self.block(0)) };
            self.value(substituted) as u32
        }
    }
}
