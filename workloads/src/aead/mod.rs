//! AES-256-GCM, one message at a time: the question, its levels and the cases made of them. The arithmetic lives with
//! the levels; what the hardware levels have in common is `engine`, what judges them all is `check` and `oracle`.

mod aes_ni;
mod check;
mod engine;
mod neon_aes;
mod oracle;
mod portable;
mod schedule;
// Miri offers none of the instructions that need `unsafe` here, and the oracle takes minutes there.
#[cfg(all(test, not(miri)))]
mod tests;
mod vaes;

use perfbench_harness::case::{Body, Case, Fact, opaque, solo};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Bound, Granted, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// A 256-bit key.
pub type Key = [u8; 32];
/// A 96-bit nonce; two messages under one key must never share one.
pub type Nonce = [u8; 12];
/// A full-length authentication tag.
pub type Tag = [u8; 16];

/// Tag, text, additional data or nonce are not what was sealed; the text is left as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forged;

/// AES-256-GCM under one key, in place and without allocation. No branch or address depends on key or text.
pub trait Gcm {
    /// Encrypts or decrypts `text` in place without authenticating it.
    fn apply_keystream(&self, nonce: &Nonce, text: &mut [u8]);

    /// The tag of a ciphertext and its additional data.
    fn authenticate(&self, nonce: &Nonce, aad: &[u8], ciphertext: &[u8]) -> Tag;

    /// Encrypts `text` in place and writes the tag over it and `aad`.
    fn seal(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8], tag: &mut Tag) {
        self.apply_keystream(nonce, text);
        *tag = self.authenticate(nonce, aad, text);
    }

    /// Verifies, and only then decrypts `text` in place.
    ///
    /// # Errors
    /// [`Forged`] where the tag does not fit.
    fn open(&self, nonce: &Nonce, aad: &[u8], text: &mut [u8], tag: &Tag) -> Result<(), Forged> {
        if !same_tag(&self.authenticate(nonce, aad, text), tag) {
            return Err(Forged);
        }
        self.apply_keystream(nonce, text);
        Ok(())
    }
}

/// A way to compute [`Gcm`], tied to the instructions it uses.
trait Level: Gcm + Sized + 'static {
    /// The features that its kernels use.
    const NEEDS: Isa;

    /// Expands a key. The grant is what allows the kernels to run.
    ///
    /// # Errors
    /// `isa-absent` where the level belongs to another architecture.
    fn new(granted: Granted, key: &Key) -> Result<Self, Unavailable>;
}

/// Compares without telling by its time where two tags differ.
fn same_tag(a: &Tag, b: &Tag) -> bool {
    opaque(u64::from(a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)))) == 0
}

/// A level of another architecture: it has needs and a name, and no value of it can exist.
macro_rules! foreign_level {
    ($name:ident, $needs:expr) => {
        #[doc = "A level of another architecture."]
        pub enum $name {}

        impl super::Level for $name {
            const NEEDS: perfbench_harness::Isa = $needs;

            fn new(
                _: perfbench_harness::Granted,
                _: &super::Key,
            ) -> Result<Self, perfbench_harness::Unavailable> {
                Err(perfbench_harness::isa::absent($needs))
            }
        }

        impl super::Gcm for $name {
            fn apply_keystream(&self, _: &super::Nonce, _: &mut [u8]) {
                match *self {}
            }

            fn authenticate(&self, _: &super::Nonce, _: &[u8], _: &[u8]) -> super::Tag {
                match *self {}
            }
        }
    };
}
use foreign_level;

/// How a level's key is had without knowing its type.
type MakeKey = fn(Granted, &Key) -> Result<Box<dyn Gcm>, Unavailable>;

macro_rules! levels {
    ($(variant::<$level:ty>($name:literal, $about:expr, $role:expr),)*) => {
        static VARIANTS: &[Variant] = &[$(variant::<$level>($name, $about, $role)),*];

        static MAKERS: &[(&str, Isa, MakeKey)] = &[$(
            ($name, <$level as Level>::NEEDS, |granted, key| Ok(Box::new(<$level>::new(granted, key)?)))
        ),*];
    };
}

levels! {
    variant::<portable::Portable>("portable", portable::ABOUT, Role::Baseline),
    variant::<aes_ni::AesNi>("aes_ni", aes_ni::ABOUT, Role::Optimised),
    variant::<vaes::Vaes>("vaes", vaes::ABOUT, Role::Optimised),
    variant::<neon_aes::NeonAes>("neon_aes", neon_aes::ABOUT, Role::Optimised),
}

const fn variant<L: Level>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: L::NEEDS,
        build: build::<L>,
        check: check::check::<L>,
    }
}

/// AES-256-GCM sealing.
pub static WORKLOAD: Workload = Workload {
    name: "aead",
    about: "What does sealing a message with AES-256-GCM cost on each level of the CPU?",
    source: "000",
    points: &[
        point(
            "seal_210",
            "seal the 210 bytes of one radio fragment in place, fresh nonce, no additional data",
            210,
        ),
        point("seal_4k", "seal 4096 bytes in place, fresh nonce, no additional data", 4096),
    ],
    variants: VARIANTS,
};

/// Rounds of AES with a key of 256 bits, and bytes of a block.
const ROUNDS: f64 = 14.0;
const BLOCK_BYTES: u64 = 16;

const fn point(name: &'static str, about: &'static str, size_bytes: u64) -> Point {
    let bound = Ok(Bound {
        limit: "aes_round",
        times: ROUNDS * (size_bytes.div_ceil(BLOCK_BYTES) + 1) as f64,
        why: "every block and the mask of the tag take 14 AES rounds; the carry-less products take less",
    });
    Point {
        name,
        about,
        unit_of_work: "seal",
        size: size_bytes,
        cpus: 1,
        bound,
        latency: true,
        suite: Suite::Default,
    }
}

fn build<L: Level>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(Sealing::<L>::new(setup)?))
}

/// The operation of the rows of `portable` itself, for another timing loop than the harness's.
///
/// # Errors
/// None: this level runs on every machine.
pub fn seal_portable(setup: &Setup<'_>) -> Result<impl Body + use<>, Unavailable> {
    Sealing::<portable::Portable>::new(setup)
}

/// A key on the last level of the table that this CPU has.
///
/// # Errors
/// None: the first level runs on every machine.
pub fn best_key(key: &Key) -> Result<Box<dyn Gcm>, Unavailable> {
    let here = MAKERS.iter().rev().filter_map(|(_, needs, make)| Some((Granted::check(*needs).ok()?, make)));
    let mut keys = here.map(|(granted, make)| make(granted, key));
    keys.next().expect("the portable level needs nothing")
}

fn random_bytes<const N: usize>(random: &mut Random) -> [u8; N] {
    std::array::from_fn(|_| random.bits() as u8)
}

/// The nonce of message `number`: 32 zero bits, then the number.
pub fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Seals its own last ciphertext again, with the next nonce.
struct Sealing<L> {
    key: L,
    message: Box<[u8]>,
    sealed: u64,
}

impl<L: Level> Sealing<L> {
    fn new(setup: &Setup<'_>) -> Result<Self, Unavailable> {
        let mut random = Random::new(setup.seed);
        let key = L::new(setup.granted, &random_bytes(&mut random))?;
        let message =
            (0..setup.point.size as usize + size_of::<Tag>()).map(|_| random.bits() as u8).collect();
        Ok(Self { key, message, sealed: 0 })
    }
}

impl<L: Level> Body for Sealing<L> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        self.sealed += 1;
        let (text, tag) = self.message.split_last_chunk_mut().expect("the message ends in a tag");
        self.key.seal(&nonce(self.sealed), &[], text, tag);
        u64::from(tag[0])
    }

    fn facts(&mut self) -> Vec<Fact> {
        vec![Fact::new("bytes_per_op", "B", (self.message.len() - size_of::<Tag>()) as f64)]
    }
}
