//! The bytes crate: one allocation that is split off for a holder and reclaimed once nobody holds a part of it.

use super::pool::{Bytes, Fault, Pool};
use bytes::BytesMut;

/// What it is, for the table.
pub const ABOUT: &str = "bytes::BytesMut, split off and reclaimed";

/// What is left of the allocation.
#[derive(Default)]
pub struct Reclaimed(BytesMut);

impl Pool for Reclaimed {
    type Buffer = BytesMut;

    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<BytesMut, Fault> {
        self.0.reserve(bytes);
        Ok(self.0.split_off(0))
    }

    #[inline(always)]
    fn release(&mut self, buffer: BytesMut) -> Result<(), Fault> {
        drop(buffer);
        Ok(())
    }
}

impl Bytes for BytesMut {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> Result<(), Fault> {
        self.clear();
        self.extend_from_slice(message);
        Ok(())
    }

    #[inline(always)]
    fn message(&self) -> &[u8] {
        self
    }
}
