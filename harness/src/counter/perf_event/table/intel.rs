//! What Intel's server cores since Skylake-SP count by the same codes, and Skylake-SP and Ice Lake-SP alone.

use super::Entry;
use super::encode::intel as event;
use super::metric::*;

/// Branches and the caches next to the core.
pub const CORE_AND_CACHE: &[Entry] = &[
    CYCLES.raw(event(0x3c, 0x00)),
    INSTRUCTIONS.raw(event(0xc0, 0x00)),
    BRANCHES.raw(event(0xc4, 0x00)),
    BRANCH_MISSES.raw(event(0xc5, 0x00)),
    L1D_ACCESSES.raw(event(0xd0, 0x83)),
    L1D_MISSES.raw(event(0x51, 0x01)),
    L2_REQUESTS.raw(event(0x24, 0xe7)),
    L2_MISSES.raw(event(0x24, 0x27)),
    LOADS.raw(event(0xd0, 0x81)),
    L1D_LOAD_MISSES.raw(event(0xd1, 0x08)),
    L2_LOAD_MISSES.raw(event(0xd1, 0x10)),
    SPLIT_LOADS.raw(event(0xd0, 0x41)),
];

/// Loads that wait for a store, up to Ice Lake-SP.
pub const STORE_FORWARD: &[Entry] = &[STORE_FORWARD_BLOCKS.raw(event(0x03, 0x02))];

/// The last-level cache and memory.
pub const MEMORY: &[Entry] = &[
    LLC_REQUESTS.raw(event(0x2e, 0x4f)),
    LLC_MISSES.raw(event(0x2e, 0x41)),
    LLC_LOAD_MISSES.raw(event(0xd1, 0x20)),
    DRAM_LOADS.raw(event(0xd3, 0x03)),
];

/// Page walks, up to Ice Lake-SP.
pub const TLB: &[Entry] = &[
    DTLB_LOAD_WALKS.raw(event(0x08, 0x0e)),
    DTLB_STORE_WALKS.raw(event(0x49, 0x0e)),
    ITLB_WALKS.raw(event(0x85, 0x0e)),
];

/// What cores take from each other.
pub const SHARING: &[Entry] = &[
    HITM_LOADS.raw(event(0xd2, 0x04)),
    REMOTE_HITM_LOADS.raw(event(0xd3, 0x04)),
    MEMORY_ORDER_CLEARS.raw(event(0xc3, 0x02)),
    LOCKED_INSTRUCTIONS.raw(event(0xd0, 0x21)),
];

/// Bus locks, up to Ice Lake-SP.
pub const BUS_LOCK: &[Entry] = &[BUS_LOCKS.raw(event(0xf4, 0x10))];

/// Floating-point instructions by width.
pub const FLOATING_POINT: &[Entry] = &[
    FP_INSTRUCTIONS_SCALAR.raw(event(0xc7, 0x03)),
    FP_INSTRUCTIONS_128.raw(event(0xc7, 0x0c)),
    FP_INSTRUCTIONS_256.raw(event(0xc7, 0x30)),
    FP_INSTRUCTIONS_512.raw(event(0xc7, 0xc0)),
];

/// Frequency licences, up to Ice Lake-SP.
pub const LICENSES: &[Entry] =
    &[LICENSE_1_CYCLES.raw(event(0x28, 0x18)), LICENSE_2_CYCLES.raw(event(0x28, 0x20))];

/// Top-down slots since Ice Lake-SP, by general counters: the kernel's own top-down events want to lead their group.
pub const TOPDOWN: &[Entry] = &[
    SLOTS.raw(event(0xa4, 0x01)),
    RETIRED_SLOTS.raw(event(0xc2, 0x02)),
    FRONTEND_STALL_SLOTS.raw(event(0x9c, 0x01)),
    BACKEND_STALL_SLOTS.raw(event(0xa4, 0x02)),
];

/// The kernel's name for one channel of the memory controllers, without its number.
pub const MEMORY_CONTROLLER: &str = "uncore_imc";
