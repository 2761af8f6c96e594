//! Both counters in adjacent words: whichever thread writes takes the line from the other.

use super::{LINE_BYTES, Layout};
use std::mem::{offset_of, size_of};
use std::sync::atomic::AtomicU64;

/// What the table says of it.
pub const ABOUT: &str = "both counters in adjacent words of one line";

/// Aligned as a whole, so that the pair never straddles two lines.
#[derive(Default)]
#[repr(C, align(64))]
pub struct Packed {
    first: AtomicU64,
    second: AtomicU64,
}

const _: () = assert!(size_of::<Packed>() == LINE_BYTES);

impl Layout for Packed {
    const DISTANCE_BYTES: usize = offset_of!(Packed, second) - offset_of!(Packed, first);
    const ALIGNMENT_BYTES: usize = align_of::<AtomicU64>();
    const HOT_BYTES: usize = size_of::<AtomicU64>();

    fn counters(&self) -> [&AtomicU64; 2] {
        [&self.first, &self.second]
    }
}
