//! AMD Zen 4 and Zen 4c.

use super::encode::amd as event;
use super::metric::*;
use super::{Entry, amd};

const FILLS: &[Entry] = &[L1D_MISSES.raw(event(0x43, 0xff))];
const CARRY_LESS: &[Entry] = &[CLMUL_OPS.raw(event(0x0b, 0x80))];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    amd::CORE,
    amd::ACCESSES,
    FILLS,
    amd::L2,
    amd::SPLITS,
    amd::STORE_FORWARD,
    amd::MEMORY,
    amd::TLB,
    amd::CODE_WALKS_OF_FOUR_PAGE_SIZES,
    amd::SHARING,
    amd::BUS_LOCK,
    amd::VECTORS,
    CARRY_LESS,
    amd::TOPDOWN,
    amd::MEMORY_CONTROLLERS,
);
