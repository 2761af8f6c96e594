//! NEON with the AES and PMULL instructions of aarch64: the instructions only, `engine` says what is done with them.

use perfbench_harness::Isa;

/// What it is, for the table.
pub const ABOUT: &str = "NEON with AES and PMULL, 8 blocks interleaved, one reduction for 8 blocks";

const NEEDS: Isa = Isa::NEON.and(Isa::NEON_AES);

#[cfg(target_arch = "aarch64")]
pub type NeonAes = super::engine::Engine<kernel::NeonAes>;
#[cfg(not(target_arch = "aarch64"))]
super::foreign_level!(NeonAes, NEEDS);

#[cfg(target_arch = "aarch64")]
mod kernel {
    use super::NEEDS;
    use crate::aead::engine::Unit;
    use crate::aead::schedule::ROUND_KEYS;
    use perfbench_harness::{Granted, Isa};
    use std::arch::aarch64::*;

    /// Proof that the CPU has `NEEDS`.
    #[derive(Clone, Copy)]
    pub struct NeonAes(());

    #[target_feature(enable = "neon,aes")]
    fn with_features<R>(work: impl FnOnce() -> R) -> R {
        work()
    }

    #[inline]
    #[target_feature(enable = "neon,aes")]
    fn round(block: uint8x16_t, key: uint8x16_t) -> uint8x16_t {
        vaesmcq_u8(vaeseq_u8(block, key))
    }

    #[inline]
    #[target_feature(enable = "neon,aes")]
    fn substitute(block: uint8x16_t, key: uint8x16_t) -> uint8x16_t {
        vaeseq_u8(block, key)
    }

    #[inline]
    #[target_feature(enable = "neon,aes")]
    fn product<const HALF: i32>(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        let [a, b] = [a, b].map(|block| vgetq_lane_u64::<HALF>(vreinterpretq_u64_u8(block)));
        vreinterpretq_u8_p128(vmull_p64(a, b))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    fn add_words(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)))
    }

    impl Unit for NeonAes {
        type Block = uint8x16_t;
        const NEEDS: Isa = NEEDS;

        fn new(granted: Granted) -> Self {
            granted.expect(NEEDS);
            NeonAes(())
        }

        #[inline(always)]
        fn run<R>(self, work: impl FnOnce() -> R) -> R {
            // SAFETY: `self` was made from the grant of the features.
            unsafe { with_features(work) }
        }

        #[inline(always)]
        fn block(self, value: u128) -> uint8x16_t {
            self.load(&value.to_le_bytes())
        }

        #[inline(always)]
        fn value(self, block: uint8x16_t) -> u128 {
            let mut bytes = [0; 16];
            self.store(block, &mut bytes);
            u128::from_le_bytes(bytes)
        }

        #[inline(always)]
        fn load(self, bytes: &[u8; 16]) -> uint8x16_t {
            // SAFETY: the reference spans 16 readable bytes, and a load of bytes asks for no alignment.
            unsafe { vld1q_u8(bytes.as_ptr()) }
        }

        #[inline(always)]
        fn store(self, block: uint8x16_t, bytes: &mut [u8; 16]) {
            // SAFETY: the reference spans 16 writable bytes, and a store of bytes asks for no alignment.
            unsafe { vst1q_u8(bytes.as_mut_ptr(), block) }
        }

        #[inline(always)]
        fn xor(self, a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
            // SAFETY: NEON belongs to this target.
            unsafe { veorq_u8(a, b) }
        }

        #[inline(always)]
        fn increment(self, block: uint8x16_t, by: u32) -> uint8x16_t {
            // SAFETY: `self` was made from the grant of NEON.
            unsafe { add_words(block, self.block(u128::from(by))) }
        }

        #[inline(always)]
        fn reverse(self, block: uint8x16_t) -> uint8x16_t {
            // SAFETY: NEON belongs to this target.
            self.swap(unsafe { vrev64q_u8(block) })
        }

        #[inline(always)]
        fn swap(self, block: uint8x16_t) -> uint8x16_t {
            // SAFETY: NEON belongs to this target.
            unsafe { vextq_u8::<8>(block, block) }
        }

        #[inline(always)]
        fn multiply_low(self, a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
            // SAFETY: `self` was made from the grant of AES, which includes PMULL.
            unsafe { product::<0>(a, b) }
        }

        #[inline(always)]
        fn multiply_high(self, a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
            // SAFETY: `self` was made from the grant of AES, which includes PMULL.
            unsafe { product::<1>(a, b) }
        }

        /// AESE adds the key before it substitutes, so the last key is a plain addition.
        #[inline(always)]
        fn encrypt<const N: usize>(
            self,
            keys: &[uint8x16_t; ROUND_KEYS],
            mut blocks: [uint8x16_t; N],
        ) -> [uint8x16_t; N] {
            let [middle @ .., before_last, last] = keys;
            for key in middle {
                for block in &mut blocks {
                    // SAFETY: `self` was made from the grant of AES.
                    *block = unsafe { round(*block, *key) };
                }
            }
            // SAFETY: `self` was made from the grant of AES.
            blocks.map(|block| self.xor(unsafe { substitute(block, *before_last) }, *last))
        }

        /// With four equal columns, the row shift moves nothing, and the zero key adds nothing.
        #[inline(always)]
        fn sub_word(self, word: u32) -> u32 {
            let columns = self.block(u128::from(word) * 0x0000_0001_0000_0001_0000_0001_0000_0001);
            // SAFETY: `self` was made from the grant of AES.
            let substituted = unsafe { substitute(columns, self.block(0)) };
            self.value(substituted) as u32
        }
    }
}
