//! Sealing short messages with the best level that the CPU has.

use crate::aead::{Gcm, Tag, best_key, nonce};
use perfbench_harness::Unavailable;
use perfbench_harness::case::Body;

/// What the table says of it.
pub const ABOUT: &str = "100 seals of 210 bytes with AES-256-GCM, on the CPU's best level";

/// Messages of one operation.
pub const SEALS: u64 = 100;

const SIZE_BYTES: usize = 210;

/// A key and the message that is sealed again and again.
pub struct Seals {
    key: Box<dyn Gcm>,
    message: [u8; SIZE_BYTES],
    sealed: u64,
}

impl Seals {
    /// A fixed key on the best level.
    ///
    /// # Errors
    /// None: the portable level runs everywhere.
    pub fn new() -> Result<Self, Unavailable> {
        Ok(Self { key: best_key(&[7; 32])?, message: [1; SIZE_BYTES], sealed: 0 })
    }
}

impl Body for Seals {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        (0..SEALS).fold(0, |sum, _| {
            self.sealed += 1;
            let mut tag: Tag = [0; 16];
            self.key.seal(&nonce(self.sealed), &[], &mut self.message, &mut tag);
            sum ^ u64::from_le_bytes([tag[0], tag[1], tag[2], tag[3], tag[4], tag[5], tag[6], tag[7]])
        })
    }
}
