//! Limits of the cipher units: rounds and carry-less products in many independent chains, with the widest instruction
//! that the CPU has. They give cryptography a denominator where no counter works.

use super::chain;
use super::repeat::{Gauge, Timed};
use super::{Bench, Way};
use crate::case::{Case, solo};
use crate::isa::{Granted, absent};
use crate::stats::interval::median;
use crate::{Isa, Unavailable};

/// Chains side by side: more than any core's latency times its throughput, fewer than its vector registers.
const CHAINS: usize = 12;

/// Links of each chain in one operation.
const TURNS: usize = 64;

/// The other operand of every link.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
const KEY: i64 = 0x0123_4567_89ab_cdef;

/// A kernel: what it needs, how many blocks of 16 bytes an instruction holds, and a case of it.
struct Kernel {
    needs: Isa,
    blocks: u64,
    case: fn(Granted) -> Box<dyn Case>,
}

pub fn aes_round(bench: &Bench) -> Result<Way, Unavailable> {
    widest(kernels::AES, bench)
}

pub fn clmul(bench: &Bench) -> Result<Way, Unavailable> {
    widest(kernels::CLMUL, bench)
}

/// The first kernel that the machine's features allow, widest first.
fn widest(kernels: &'static [Kernel], bench: &Bench) -> Result<Way, Unavailable> {
    let has = bench.machine.isa();
    let least = kernels.last().map_or(Isa::NONE, |kernel| kernel.needs);
    let kernel = kernels.iter().find(|kernel| has.contains(kernel.needs)).ok_or_else(|| absent(least))?;
    let case = (kernel.case)(Granted::check(kernel.needs)?);
    let unit = Timed::new(case, (CHAINS * TURNS) as u64 * kernel.blocks, bench.clock);
    let cycle = Timed::new(chain::adds(), chain::LINKS, bench.clock);
    Ok(Way::visits(Unit { kernel, unit, cycle, per_cycle: Vec::new() }))
}

/// A unit beside the cycle it was measured in.
struct Unit {
    kernel: &'static Kernel,
    unit: Timed,
    cycle: Timed,
    per_cycle: Vec<f64>,
}

impl Gauge for Unit {
    fn visit(&mut self, bench: &Bench) -> Result<f64, Unavailable> {
        let (ns, cycle_ns) = (self.unit.fastest_ns(bench.clock), self.cycle.fastest_ns(bench.clock));
        self.per_cycle.push(cycle_ns / ns / self.kernel.blocks as f64);
        Ok(ns)
    }

    fn note(&self, _: f64) -> Option<String> {
        let (per_cycle, bytes) = (median(&self.per_cycle), 16 * self.kernel.blocks);
        Some(format!("{per_cycle:.2} instructions of {bytes} bytes a cycle ({})", self.kernel.needs))
    }
}

/// A case of a kernel of [`CHAINS`] chains: its features, its vector, a vector of one word, the link, the lowest word.
#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
macro_rules! kernel {
    ($name:ident, $features:literal, $vector:ty, $of:path, $link:path, $low:path) => {
        fn $name(_: super::Granted) -> Box<dyn super::Case> {
            #[target_feature(enable = $features)]
            fn turns(i: u64) -> u64 {
                let key = $of(super::KEY);
                let mut states: [$vector; super::CHAINS] = [$of(i as i64); super::CHAINS];
                for _ in 0..super::TURNS {
                    for state in &mut states {
                        *state = $link(*state, key);
                    }
                }
                states.into_iter().fold(0, |all: u64, state| all.rotate_left(1) ^ $low(state))
            }
            // SAFETY: the grant proves that this CPU has the kernel's features.
            super::solo(|i| unsafe { turns(i) })
        }
    };
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod kernels {
    use super::{Isa, Kernel};
    use std::arch::x86_64::*;

    kernel!(aes_16, "aes", __m128i, _mm_set1_epi64x, _mm_aesenc_si128, low_16);
    kernel!(aes_32, "avx2,vaes", __m256i, _mm256_set1_epi64x, _mm256_aesenc_epi128, low_32);
    kernel!(aes_64, "avx512f,vaes", __m512i, _mm512_set1_epi64, _mm512_aesenc_epi128, low_64);
    kernel!(clmul_16, "pclmulqdq", __m128i, _mm_set1_epi64x, _mm_clmulepi64_si128::<0>, low_16);
    kernel!(clmul_32, "avx2,vpclmulqdq", __m256i, _mm256_set1_epi64x, _mm256_clmulepi64_epi128::<0>, low_32);
    kernel!(
        clmul_64,
        "avx512f,vpclmulqdq",
        __m512i,
        _mm512_set1_epi64,
        _mm512_clmulepi64_epi128::<0>,
        low_64
    );

    #[target_feature(enable = "sse2")]
    fn low_16(vector: __m128i) -> u64 {
        _mm_cvtsi128_si64(vector) as u64
    }

    #[target_feature(enable = "avx2")]
    fn low_32(vector: __m256i) -> u64 {
        low_16(_mm256_castsi256_si128(vector))
    }

    #[target_feature(enable = "avx512f")]
    fn low_64(vector: __m512i) -> u64 {
        low_16(_mm512_castsi512_si128(vector))
    }

    pub const AES: &[Kernel] = &[
        Kernel { needs: Isa::VAES.and(Isa::AVX512F), blocks: 4, case: aes_64 },
        Kernel { needs: Isa::VAES.and(Isa::AVX2), blocks: 2, case: aes_32 },
        Kernel { needs: Isa::AES_NI, blocks: 1, case: aes_16 },
    ];

    pub const CLMUL: &[Kernel] = &[
        Kernel { needs: Isa::VPCLMUL.and(Isa::AVX512F), blocks: 4, case: clmul_64 },
        Kernel { needs: Isa::VPCLMUL.and(Isa::AVX2), blocks: 2, case: clmul_32 },
        Kernel { needs: Isa::PCLMUL, blocks: 1, case: clmul_16 },
    ];
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod kernels {
    use super::{Isa, Kernel};
    use std::arch::aarch64::*;

    kernel!(aes_16, "neon,aes", uint8x16_t, bytes, round, low_of_bytes);
    kernel!(clmul_16, "neon,aes", poly64x2_t, polynomials, product, low_of_polynomials);

    #[target_feature(enable = "neon")]
    fn bytes(word: i64) -> uint8x16_t {
        vreinterpretq_u8_s64(vdupq_n_s64(word))
    }

    #[target_feature(enable = "neon,aes")]
    fn round(state: uint8x16_t, key: uint8x16_t) -> uint8x16_t {
        vaesmcq_u8(vaeseq_u8(state, key))
    }

    #[target_feature(enable = "neon")]
    fn low_of_bytes(vector: uint8x16_t) -> u64 {
        vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vector))
    }

    #[target_feature(enable = "neon,aes")]
    fn polynomials(word: i64) -> poly64x2_t {
        vreinterpretq_p64_s64(vdupq_n_s64(word))
    }

    #[target_feature(enable = "neon,aes")]
    fn product(state: poly64x2_t, key: poly64x2_t) -> poly64x2_t {
        vreinterpretq_p64_p128(vmull_high_p64(state, key))
    }

    #[target_feature(enable = "neon,aes")]
    fn low_of_polynomials(vector: poly64x2_t) -> u64 {
        vgetq_lane_u64::<0>(vreinterpretq_u64_p64(vector))
    }

    pub const AES: &[Kernel] = &[Kernel { needs: Isa::NEON_AES, blocks: 1, case: aes_16 }];
    pub const CLMUL: &[Kernel] = &[Kernel { needs: Isa::NEON_AES, blocks: 1, case: clmul_16 }];
}

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
mod kernels {
    use super::Kernel;

    pub const AES: &[Kernel] = &[];
    pub const CLMUL: &[Kernel] = &[];
}
