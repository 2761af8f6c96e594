//! No pool: a new vector for each message.

use super::pool::{Fault, Pool};

/// What it is, for the table.
pub const ABOUT: &str = "a new Vec<u8> each time";

/// Keeps nothing.
#[derive(Default)]
pub struct AllocEach;

impl Pool for AllocEach {
    type Buffer = Vec<u8>;

    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<Vec<u8>, Fault> {
        Ok(Vec::with_capacity(bytes))
    }

    #[inline(always)]
    fn release(&mut self, buffer: Vec<u8>) -> Result<(), Fault> {
        drop(buffer);
        Ok(())
    }
}
