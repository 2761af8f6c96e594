//! Intel Ice Lake-SP and Ice Lake-D.

use super::encode::intel as event;
use super::metric::*;
use super::{Entry, intel};

const BANDWIDTH: &[Entry] = &[
    DRAM_READ_LINES.uncore(intel::MEMORY_CONTROLLER, event(0x04, 0x0f)),
    DRAM_WRITE_LINES.uncore(intel::MEMORY_CONTROLLER, event(0x04, 0x30)),
];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    intel::CORE_AND_CACHE,
    intel::STORE_FORWARD,
    intel::MEMORY,
    intel::TLB,
    intel::SHARING,
    intel::BUS_LOCK,
    intel::FLOATING_POINT,
    intel::LICENSES,
    intel::TOPDOWN,
    BANDWIDTH,
);
