//! CPU instruction sets: one line a feature, detection, and `Granted`, the proof that a kernel may run.
//! Kernels themselves live with their variants.

use crate::unavailable::{Reason, Unavailable};
use std::fmt;
use std::ops::BitOr;

/// A set of instruction-set features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Isa(u32);

macro_rules! features {
    ($($bit:literal $konst:ident $name:literal $arch:tt $feature:tt;)*) => {
        impl Isa {
            $(#[doc = concat!("`", $name, "` (", $arch, ").")] pub const $konst: Isa = Isa(1 << $bit);)*

            /// Every feature known here: name, architecture, set.
            pub const TABLE: &'static [(&'static str, &'static str, Isa)] = &[$(($name, $arch, Isa::$konst)),*];

            /// The features of the CPU that this runs on.
            pub fn detect() -> Isa {
                let mut found = Isa::NONE;
                $(features!(@probe $arch $feature found $konst);)*
                found
            }
        }
    };
    (@probe "x86_64" $feature:tt $found:ident $konst:ident) => {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!($feature) { $found = $found | Isa::$konst; }
    };
    (@probe "aarch64" $feature:tt $found:ident $konst:ident) => {
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!($feature) { $found = $found | Isa::$konst; }
    };
}

features! {
    0  SSE2       "sse2"       "x86_64"  "sse2";
    1  SSSE3      "ssse3"      "x86_64"  "ssse3";
    2  SSE41      "sse4.1"     "x86_64"  "sse4.1";
    3  AVX2       "avx2"       "x86_64"  "avx2";
    4  AES_NI     "aes-ni"     "x86_64"  "aes";
    5  PCLMUL     "pclmul"     "x86_64"  "pclmulqdq";
    6  VAES       "vaes"       "x86_64"  "vaes";
    7  VPCLMUL    "vpclmul"    "x86_64"  "vpclmulqdq";
    8  AVX512F    "avx512f"    "x86_64"  "avx512f";
    9  AVX512IFMA "avx512ifma" "x86_64"  "avx512ifma";
    10 AVX512BW   "avx512bw"   "x86_64"  "avx512bw";
    11 SHA_NI     "sha-ni"     "x86_64"  "sha";
    12 CMPXCHG16B "cmpxchg16b" "x86_64"  "cmpxchg16b";
    16 NEON       "neon"       "aarch64" "neon";
    17 NEON_AES   "neon-aes"   "aarch64" "aes";
    18 NEON_SHA2  "neon-sha2"  "aarch64" "sha2";
}

impl Isa {
    /// No feature beyond the architecture's plain instructions.
    pub const NONE: Isa = Isa(0);
    /// Every feature known here.
    pub const ALL: Isa = Isa(u32::MAX);

    /// Both sets together, in const tables.
    pub const fn and(self, other: Isa) -> Isa {
        Isa(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    pub const fn contains(self, other: Isa) -> bool {
        self.0 & other.0 == other.0
    }

    /// What both sets hold.
    pub const fn intersect(self, other: Isa) -> Isa {
        Isa(self.0 & other.0)
    }

    /// What this set holds and `other` lacks.
    pub const fn without(self, other: Isa) -> Isa {
        Isa(self.0 & !other.0)
    }

    /// The names of the features in the set, in table order.
    pub fn names(self) -> Vec<&'static str> {
        Self::TABLE.iter().filter(|(_, _, isa)| self.contains(*isa)).map(|(name, _, _)| *name).collect()
    }

    /// The feature of that name; `scalar` is the empty set.
    pub fn named(name: &str) -> Option<Isa> {
        if name == "scalar" {
            return Some(Isa::NONE);
        }
        Self::TABLE.iter().find(|(known, _, _)| *known == name).map(|(_, _, isa)| *isa)
    }

    /// The architecture that a set belongs to, if it needs one.
    pub fn architecture(self) -> Option<&'static str> {
        Self::TABLE.iter().find(|(_, _, isa)| self.contains(*isa)).map(|(_, arch, _)| *arch)
    }
}

impl BitOr for Isa {
    type Output = Isa;
    fn bitor(self, other: Isa) -> Isa {
        self.and(other)
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        f.write_str(&if names.is_empty() { "scalar".into() } else { names.join("+") })
    }
}

/// Proof that the running CPU has a set of features; only [`Granted::check`] makes one, so that a function which
/// takes it may call the matching `#[target_feature]` kernel.
#[derive(Clone, Copy, Debug)]
pub struct Granted(Isa);

impl Granted {
    /// Grants `needs` if the CPU has it, else says what is missing.
    ///
    /// # Errors
    /// [`Reason::IsaAbsent`] with the missing features by name.
    pub fn check(needs: Isa) -> Result<Granted, Unavailable> {
        let missing = needs.without(Isa::detect());
        if missing == Isa::NONE { Ok(Granted(needs)) } else { Err(absent(missing)) }
    }

    /// Whether the proof covers `isa`.
    pub fn has(self, isa: Isa) -> bool {
        self.0.contains(isa)
    }

    /// Stops with a clear message where a kernel is built without the grant it needs: `needs` in the table and
    /// `#[target_feature]` state one fact twice, and this catches the slip.
    pub fn expect(self, isa: Isa) {
        assert!(self.has(isa), "the variant's `needs` lacks {}", isa.without(self.0));
    }
}

/// The reason for a variant whose features this CPU lacks.
pub fn absent(missing: Isa) -> Unavailable {
    let detail = match missing.architecture() {
        Some(arch) if arch != std::env::consts::ARCH => {
            format!("{missing} belongs to {arch}; this machine is {}", std::env::consts::ARCH)
        }
        _ => format!("this CPU lacks {missing}"),
    };
    Unavailable::new(Reason::IsaAbsent, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_name_what_they_hold_and_the_empty_one_is_scalar() {
        assert_eq!((Isa::AES_NI | Isa::PCLMUL).to_string(), "aes-ni+pclmul");
        assert_eq!(Isa::NONE.to_string(), "scalar");
        assert_eq!(Isa::named("avx2"), Some(Isa::AVX2));
        assert_eq!(Isa::named("avx3"), None);
    }

    #[test]
    fn a_grant_is_refused_for_the_other_architecture_with_its_name() {
        let foreign = if cfg!(target_arch = "x86_64") { Isa::NEON } else { Isa::SSE2 };
        let refused = Granted::check(foreign).unwrap_err();
        assert_eq!(refused.reason, Reason::IsaAbsent);
        assert!(refused.detail.contains(std::env::consts::ARCH), "{}", refused.detail);
    }

    #[test]
    #[should_panic(expected = "lacks")]
    fn a_kernel_without_its_grant_stops_at_build() {
        Granted::check(Isa::NONE).unwrap().expect(Isa::AVX2);
    }
}
