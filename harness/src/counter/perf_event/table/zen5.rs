//! AMD Zen 5 and Zen 5c. What counted carry-less multiplications on Zen 4 counts conversions and packing here, so they are
//! not told.

use super::encode::amd as event;
use super::metric::*;
use super::{Entry, amd};

const FILLS: &[Entry] = &[L1D_MISSES.raw(event(0x43, 0xff))];
const L2: &[Entry] = &[L2_REQUESTS.raw(event(0x60, 0xf1)), L2_MISSES.raw(event(0x64, 0x09))];
const LOCKS: &[Entry] = &[LOCKED_INSTRUCTIONS.raw(event(0x25, 0x1f))];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    amd::CORE,
    amd::ACCESSES,
    FILLS,
    L2,
    amd::SPLITS,
    amd::STORE_FORWARD,
    amd::MEMORY,
    amd::TLB,
    amd::CODE_WALKS_OF_FOUR_PAGE_SIZES,
    amd::SHARING,
    LOCKS,
    amd::BUS_LOCK,
    amd::VECTORS,
    amd::TOPDOWN,
    amd::MEMORY_CONTROLLERS,
);
