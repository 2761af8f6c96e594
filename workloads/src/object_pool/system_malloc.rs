//! No pool: a fresh buffer from the system allocator each time, without limits or statistics.

use super::OBJECT_BYTES;
use super::pool::{ResourceExhausted, Source};

/// What the table says of it.
pub const ABOUT: &str = "a fresh buffer from the system allocator each time, no pool";

#[derive(Default)]
pub struct SystemMalloc;

impl Source for SystemMalloc {
    #[inline]
    fn hand_out(&self) -> Result<Vec<u8>, ResourceExhausted> {
        Ok(Vec::with_capacity(OBJECT_BYTES))
    }

    #[inline]
    fn give_back(&self, bytes: Vec<u8>) {
        drop(bytes);
    }
}
