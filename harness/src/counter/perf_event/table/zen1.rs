//! AMD Zen and Zen+.

use super::encode::amd as event;
use super::metric::*;
use super::{Entry, amd};

const MISALIGNED: &[Entry] = &[MISALIGNED_LOADS.raw(event(0x47, 0x00))];

/// All events of these cores.
pub static EVENTS: &[Entry] = super::joined!(
    amd::CORE,
    amd::ACCESSES,
    amd::L2,
    MISALIGNED,
    amd::TLB,
    amd::CODE_WALKS_OF_THREE_PAGE_SIZES,
    amd::BUS_LOCK,
    amd::FLOATING_POINT,
    amd::FABRIC,
);
