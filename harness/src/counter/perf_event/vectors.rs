//! The canaries of vector and crypto events: one loop a kind of instruction, run where the CPU has it.

const ROUNDS: u32 = 1_000;

/// Runs every kind of vector and crypto instruction that the CPU has.
#[cfg(all(target_arch = "x86_64", not(miri)))]
pub fn work() {
    use x86 as kernel;
    // SAFETY: SSE2 is part of the architecture.
    unsafe { kernel::floats() };
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has just said that it has AVX2.
        unsafe { kernel::wide() };
    }
    if is_x86_feature_detected!("avx512f") {
        // SAFETY: the CPU has just said that it has AVX-512F.
        unsafe { kernel::widest() };
    }
    if is_x86_feature_detected!("aes") {
        // SAFETY: the CPU has just said that it has AES.
        unsafe { kernel::aes() };
    }
    if is_x86_feature_detected!("pclmulqdq") {
        // SAFETY: the CPU has just said that it has PCLMULQDQ.
        unsafe { kernel::multiply_carryless() };
    }
    if is_x86_feature_detected!("sha") {
        // SAFETY: the CPU has just said that it has SHA.
        unsafe { kernel::sha() };
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod x86 {
    use super::ROUNDS;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    #[target_feature(enable = "sse2")]
    pub fn floats() {
        let (mut double, mut single, mut whole) = (_mm_set1_pd(1.0), _mm_set1_ps(1.0), _mm_set1_epi64x(1));
        for _ in 0..ROUNDS {
            double = black_box(_mm_add_pd(double, double));
            single = black_box(_mm_mul_ps(single, single));
            whole = black_box(_mm_add_epi64(whole, whole));
        }
        black_box((_mm_cvtsd_f64(double) * 2.0, _mm_cvtss_f32(single) * 2.0));
    }

    #[target_feature(enable = "avx2")]
    pub fn wide() {
        let (mut double, mut whole) = (_mm256_set1_pd(1.0), _mm256_set1_epi64x(1));
        for _ in 0..ROUNDS {
            double = black_box(_mm256_add_pd(double, double));
            whole = black_box(_mm256_add_epi64(whole, whole));
        }
    }

    #[target_feature(enable = "avx512f")]
    pub fn widest() {
        let (mut double, mut whole) = (_mm512_set1_pd(1.0), _mm512_set1_epi64(1));
        for _ in 0..ROUNDS {
            double = black_box(_mm512_add_pd(double, double));
            whole = black_box(_mm512_add_epi64(whole, whole));
        }
    }

    #[target_feature(enable = "aes,sse2")]
    pub fn aes() {
        let mut block = _mm_set1_epi64x(1);
        for _ in 0..ROUNDS {
            block = black_box(_mm_aesenc_si128(block, block));
        }
    }

    #[target_feature(enable = "pclmulqdq,sse2")]
    pub fn multiply_carryless() {
        let mut block = _mm_set1_epi64x(3);
        for _ in 0..ROUNDS {
            block = black_box(_mm_clmulepi64_si128::<0>(block, block));
        }
    }

    #[target_feature(enable = "sha,sse2")]
    pub fn sha() {
        let mut block = _mm_set1_epi64x(3);
        for _ in 0..ROUNDS {
            block = black_box(_mm_sha256rnds2_epu32(block, block, block));
        }
    }
}

/// Runs every kind of vector and crypto instruction that the CPU has.
#[cfg(all(target_arch = "aarch64", not(miri)))]
pub fn work() {
    use arm as kernel;
    use std::arch::is_aarch64_feature_detected;
    // SAFETY: NEON is part of the architecture.
    unsafe { kernel::floats() };
    if is_aarch64_feature_detected!("aes") {
        // SAFETY: the CPU has just said that it has AES.
        unsafe { kernel::aes() };
    }
    if is_aarch64_feature_detected!("sha2") {
        // SAFETY: the CPU has just said that it has SHA-2.
        unsafe { kernel::sha() };
    }
    if is_aarch64_feature_detected!("sve") {
        // SAFETY: the CPU has just said that it has SVE.
        unsafe { kernel::scalable() };
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod arm {
    use super::ROUNDS;
    use std::arch::aarch64::*;
    use std::hint::black_box;

    #[target_feature(enable = "neon")]
    pub fn floats() {
        let (mut double, mut whole) = (vdupq_n_f64(1.0), vdupq_n_u64(1));
        for _ in 0..ROUNDS {
            double = black_box(vaddq_f64(double, double));
            whole = black_box(vaddq_u64(whole, whole));
        }
        black_box(vgetq_lane_f64::<0>(double) * 2.0);
    }

    #[target_feature(enable = "neon,aes")]
    pub fn aes() {
        let mut block = vdupq_n_u8(1);
        for _ in 0..ROUNDS {
            block = black_box(vaesmcq_u8(vaeseq_u8(block, block)));
        }
    }

    #[target_feature(enable = "neon,sha2")]
    pub fn sha() {
        let mut block = vdupq_n_u32(1);
        for _ in 0..ROUNDS {
            block = black_box(vsha256hq_u32(block, block, block));
        }
    }

    /// The compiler has no names for these instructions yet.
    #[target_feature(enable = "sve")]
    pub fn scalable() {
        for _ in 0..ROUNDS {
            // SAFETY: writes two vector registers that the operands declare as lost, and no memory.
            unsafe {
                std::arch::asm!("dup z0.d, #1", "add z1.d, z0.d, z0.d", out("v0") _, out("v1") _, options(nomem, nostack));
            }
        }
    }
}

/// The interpreter and other architectures have no event that it would move.
#[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub fn work() {
    std::hint::black_box(ROUNDS);
}
