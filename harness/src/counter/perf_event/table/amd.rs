//! What several generations of AMD's Zen count by the same codes.

use super::Entry;
use super::encode::{Direction, amd as event, amd_umc};
use super::metric::*;

/// Branches.
pub const CORE: &[Entry] = &[
    CYCLES.raw(event(0x76, 0x00)),
    INSTRUCTIONS.raw(event(0xc0, 0x00)),
    BRANCHES.raw(event(0xc2, 0x00)),
    BRANCH_MISSES.raw(event(0xc3, 0x00)),
];

/// Loads and stores as they are dispatched.
pub const ACCESSES: &[Entry] = &[L1D_ACCESSES.raw(event(0x29, 0x07))];

/// The L2, up to Zen 4.
pub const L2: &[Entry] = &[L2_REQUESTS.raw(event(0x60, 0xf9)), L2_MISSES.raw(event(0x64, 0x09))];

/// Loads that wait for a store, since Zen 2.
pub const STORE_FORWARD: &[Entry] = &[STORE_FORWARD_BLOCKS.raw(event(0x24, 0x02))];

/// Loads over two lines, since Zen 3.
pub const SPLITS: &[Entry] = &[SPLIT_LOADS.raw(event(0x47, 0x01))];

/// Translations of data addresses.
pub const TLB: &[Entry] = &[L1_DTLB_MISSES.raw(event(0x45, 0xff)), DTLB_WALKS.raw(event(0x45, 0xf0))];

/// Page walks for code on Zen 1 and 2.
pub const CODE_WALKS_OF_THREE_PAGE_SIZES: &[Entry] = &[ITLB_WALKS.raw(event(0x85, 0x07))];

/// Page walks for code since Zen 3, which joins small pages.
pub const CODE_WALKS_OF_FOUR_PAGE_SIZES: &[Entry] = &[ITLB_WALKS.raw(event(0x85, 0x0f))];

/// Bus locks.
pub const BUS_LOCK: &[Entry] = &[BUS_LOCKS.raw(event(0x25, 0x01))];

/// Locked instructions on Zen 2 and 3: those that did and did not speculate, and bus locks.
pub const LOCKS_OF_FOUR_KINDS: &[Entry] = &[LOCKED_INSTRUCTIONS.raw(event(0x25, 0x0f))];

/// From which cache lines came, since Zen 3.
pub const SHARING: &[Entry] =
    &[FILLS_FROM_SAME_CCX.raw(event(0x44, 0x02)), FILLS_FROM_OTHER_CCX.raw(event(0x44, 0x14))];

/// Floating-point work up to Zen 3.
pub const FLOATING_POINT: &[Entry] = &[FLOPS.raw(event(0x03, 0xff))];

/// The last-level cache and memory since Zen 4, with memory that is attached as an extension.
pub const MEMORY: &[Entry] = &[
    LLC_REQUESTS.raw(event(0x44, 0xde)),
    LLC_MISSES.raw(event(0x44, 0xdc)),
    DRAM_FILLS.raw(event(0x44, 0x48)),
];

/// Crypto and vectors by width since Zen 4: what the operations were, then how wide.
pub const VECTORS: &[Entry] = &[
    AES_OPS.raw(event(0x0b, 0x50)),
    SHA_OPS.raw(event(0x0b, 0x60)),
    INT_OPS_128.raw(event(0x0d, 0x0f)),
    INT_OPS_256.raw(event(0x0d, 0xf0)),
    UOPS_128.raw(event(0x08, 0x08)),
    UOPS_256.raw(event(0x08, 0x10)),
    UOPS_512.raw(event(0x08, 0x20)),
];

/// Dispatch slots since Zen 4.
pub const TOPDOWN: &[Entry] = &[
    RETIRED_OPS.raw(event(0xc1, 0x00)),
    DISPATCHED_OPS.raw(event(0xaa, 0x07)),
    FRONTEND_STALL_SLOTS.raw(event(0x1a0, 0x01)),
    BACKEND_STALL_SLOTS.raw(event(0x1a0, 0x1e)),
];

/// Memory channels up to Zen 3: each is an event of the data fabric.
pub const FABRIC: &[Entry] = &[
    DRAM_LINES_0.uncore("amd_df", event(0x007, 0x38)),
    DRAM_LINES_1.uncore("amd_df", event(0x047, 0x38)),
    DRAM_LINES_2.uncore("amd_df", event(0x087, 0x38)),
    DRAM_LINES_3.uncore("amd_df", event(0x0c7, 0x38)),
    DRAM_LINES_4.uncore("amd_df", event(0x107, 0x38)),
    DRAM_LINES_5.uncore("amd_df", event(0x147, 0x38)),
    DRAM_LINES_6.uncore("amd_df", event(0x187, 0x38)),
    DRAM_LINES_7.uncore("amd_df", event(0x1c7, 0x38)),
];

/// Memory channels since Zen 4: each is a unit of its own.
pub const MEMORY_CONTROLLERS: &[Entry] = &[
    DRAM_READ_LINES.uncore("amd_umc", amd_umc(0x0a, Direction::Reads)),
    DRAM_WRITE_LINES.uncore("amd_umc", amd_umc(0x0a, Direction::Writes)),
];
