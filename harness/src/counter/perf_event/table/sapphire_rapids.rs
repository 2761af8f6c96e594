//! Intel Sapphire Rapids and Emerald Rapids.

use super::encode::intel as event;
use super::metric::*;
use super::{Entry, intel};

const STORE_FORWARD: &[Entry] = &[STORE_FORWARD_BLOCKS.raw(event(0x03, 0x82))];

const TLB: &[Entry] = &[
    DTLB_LOAD_WALKS.raw(event(0x12, 0x0e)),
    DTLB_STORE_WALKS.raw(event(0x13, 0x0e)),
    ITLB_WALKS.raw(event(0x11, 0x0e)),
];

const BUS_LOCK: &[Entry] = &[BUS_LOCKS.raw(event(0x2c, 0x10))];

const INTEGER: &[Entry] =
    &[INT_INSTRUCTIONS_128.raw(event(0xe7, 0x13)), INT_INSTRUCTIONS_256.raw(event(0xe7, 0xac))];

const BANDWIDTH: &[Entry] = &[
    DRAM_READ_LINES.uncore(intel::MEMORY_CONTROLLER, event(0x05, 0xcf)),
    DRAM_WRITE_LINES.uncore(intel::MEMORY_CONTROLLER, event(0x05, 0xf0)),
];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    intel::CORE_AND_CACHE,
    STORE_FORWARD,
    intel::MEMORY,
    TLB,
    intel::SHARING,
    BUS_LOCK,
    intel::FLOATING_POINT,
    INTEGER,
    intel::TOPDOWN,
    BANDWIDTH,
);
