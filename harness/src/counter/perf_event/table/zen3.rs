//! AMD Zen 3.

use super::encode::amd as event;
use super::metric::*;
use super::{Entry, amd};

const FILLS: &[Entry] = &[L1D_MISSES.raw(event(0x43, 0x5f))];
const MEMORY: &[Entry] = &[
    LLC_REQUESTS.raw(event(0x44, 0x5e)),
    LLC_MISSES.raw(event(0x44, 0x5c)),
    DRAM_FILLS.raw(event(0x44, 0x48)),
];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    amd::CORE,
    amd::ACCESSES,
    FILLS,
    amd::L2,
    amd::SPLITS,
    amd::STORE_FORWARD,
    MEMORY,
    amd::TLB,
    amd::CODE_WALKS_OF_FOUR_PAGE_SIZES,
    amd::SHARING,
    amd::LOCKS_OF_FOUR_KINDS,
    amd::BUS_LOCK,
    amd::FLOATING_POINT,
    amd::FABRIC,
);
