//! AMD Zen 2.

use super::encode::amd as event;
use super::metric::*;
use super::{Entry, amd};

const FILLS: &[Entry] = &[L1D_MISSES.raw(event(0x43, 0x5b))];
const MISALIGNED: &[Entry] = &[MISALIGNED_LOADS.raw(event(0x47, 0x00))];
const MEMORY: &[Entry] = &[DRAM_FILLS.raw(event(0x43, 0x48))];
const SHARING: &[Entry] =
    &[FILLS_FROM_NEAR_CACHES.raw(event(0x43, 0x02)), FILLS_FROM_FAR_CACHES.raw(event(0x43, 0x10))];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    amd::CORE,
    amd::ACCESSES,
    FILLS,
    amd::L2,
    MISALIGNED,
    amd::STORE_FORWARD,
    MEMORY,
    amd::TLB,
    amd::CODE_WALKS_OF_THREE_PAGE_SIZES,
    SHARING,
    amd::LOCKS_OF_FOUR_KINDS,
    amd::BUS_LOCK,
    amd::FLOATING_POINT,
    amd::FABRIC,
);
