//! Each counter in 128 bytes of its own, for machines that fetch lines in pairs.

use super::{LINE_BYTES, Layout};
use std::mem::size_of;
use std::sync::atomic::AtomicU64;

/// What the table says of it.
pub const ABOUT: &str = "each counter in a block of 128 bytes of its own";

#[derive(Default)]
#[repr(C, align(128))]
struct Block(AtomicU64);

const _: () = assert!(size_of::<Block>() == 2 * LINE_BYTES && align_of::<Block>() == 2 * LINE_BYTES);

/// The blocks of two owners side by side.
#[derive(Default)]
pub struct Aligned128([Block; 2]);

impl Layout for Aligned128 {
    const DISTANCE_BYTES: usize = size_of::<Block>();
    const ALIGNMENT_BYTES: usize = align_of::<Block>();
    const HOT_BYTES: usize = size_of::<AtomicU64>();

    fn counters(&self) -> [&AtomicU64; 2] {
        self.0.each_ref().map(|block| &block.0)
    }
}
