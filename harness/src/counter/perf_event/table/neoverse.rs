//! Arm Neoverse N1, V1, N2 and V2: events of the architecture, of which the later cores have more.

use super::Entry;
use super::encode::{arm as event, arm_mesh};
use super::metric::*;

const ALL: &[Entry] = &[
    CYCLES.raw(event(0x11)),
    INSTRUCTIONS.raw(event(0x08)),
    BRANCHES.raw(event(0x21)),
    BRANCH_MISSES.raw(event(0x22)),
    L1D_ACCESSES.raw(event(0x04)),
    L1D_MISSES.raw(event(0x03)),
    L2_REQUESTS.raw(event(0x16)),
    L2_MISSES.raw(event(0x17)),
    UNALIGNED_ACCESSES.raw(event(0x6a)),
    LLC_REQUESTS.raw(event(0x36)),
    LLC_MISSES.raw(event(0x37)),
    L1_DTLB_ACCESSES.raw(event(0x25)),
    L1_DTLB_MISSES.raw(event(0x05)),
    DTLB_WALKS.raw(event(0x34)),
    ITLB_WALKS.raw(event(0x35)),
    REMOTE_SOCKET_ACCESSES.raw(event(0x31)),
    EXCLUSIVE_LOADS.raw(event(0x6c)),
    EXCLUSIVE_STORES_FAILED.raw(event(0x6e)),
    SIMD_INSTRUCTIONS.raw(event(0x74)),
    FP_INSTRUCTIONS.raw(event(0x75)),
    CRYPTO_INSTRUCTIONS.raw(event(0x77)),
    BUS_READS.raw(event(0x60)),
    BUS_WRITES.raw(event(0x61)),
    MEMORY_CONTROLLER_REQUESTS.uncore("arm_cmn", arm_mesh(0x5, 0xd)),
];

const STALLED_CYCLES: &[Entry] =
    &[FRONTEND_STALL_CYCLES.raw(event(0x23)), BACKEND_STALL_CYCLES.raw(event(0x24))];

const SCALABLE: &[Entry] = &[
    SVE_INSTRUCTIONS.raw(event(0x8006)),
    RETIRED_OPS.raw(event(0x3a)),
    DISPATCHED_OPS.raw(event(0x3b)),
    FRONTEND_STALL_SLOTS.raw(event(0x3e)),
    BACKEND_STALL_SLOTS.raw(event(0x3d)),
];

/// All events of Neoverse N1.
pub static N1: &[Entry] = super::joined!(ALL, STALLED_CYCLES);

/// All events of Neoverse V1, N2 and V2.
pub static WITH_SVE: &[Entry] = super::joined!(ALL, SCALABLE);
