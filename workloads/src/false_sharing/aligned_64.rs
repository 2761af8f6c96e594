//! Each counter in the hot fields of document 000's game manager: 24 bytes padded to a line of 64.

use super::{LINE_BYTES, Layout};
use std::mem::{offset_of, size_of};
use std::sync::atomic::{AtomicU32, AtomicU64};

/// What the table says of it.
pub const ABOUT: &str = "each counter in a game manager padded to 64 bytes";

/// What every round of a game touches; the padding follows from the alignment.
#[derive(Default)]
#[repr(C, align(64))]
struct GameManager {
    _current_round: AtomicU32,
    _player_count: AtomicU32,
    consensus_state: AtomicU64,
    last_update: AtomicU64,
}

const HOT_BYTES: usize = offset_of!(GameManager, last_update) + size_of::<AtomicU64>();

const _: () = assert!(HOT_BYTES == 24 && size_of::<GameManager>() == LINE_BYTES);
const _: () = assert!(align_of::<GameManager>() == LINE_BYTES);

/// The managers of two games side by side.
#[derive(Default)]
pub struct Aligned64([GameManager; 2]);

impl Layout for Aligned64 {
    const DISTANCE_BYTES: usize = size_of::<GameManager>();
    const ALIGNMENT_BYTES: usize = align_of::<GameManager>();
    const HOT_BYTES: usize = HOT_BYTES;

    fn counters(&self) -> [&AtomicU64; 2] {
        self.0.each_ref().map(|manager| &manager.consensus_state)
    }
}
