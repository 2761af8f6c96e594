//! Intel Skylake-SP, Cascade Lake and Cooper Lake.

use super::encode::intel as event;
use super::metric::*;
use super::{Entry, intel};

const TOPDOWN: &[Entry] = &[
    RETIRED_UOPS.raw(event(0xc2, 0x02)),
    ISSUED_UOPS.raw(event(0x0e, 0x01)),
    UNDELIVERED_UOPS.raw(event(0x9c, 0x01)),
    RECOVERY_CYCLES.raw(event(0x0d, 0x01)),
];

const BANDWIDTH: &[Entry] = &[
    DRAM_READ_LINES.uncore(intel::MEMORY_CONTROLLER, event(0x04, 0x03)),
    DRAM_WRITE_LINES.uncore(intel::MEMORY_CONTROLLER, event(0x04, 0x0c)),
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
    TOPDOWN,
    BANDWIDTH,
);
