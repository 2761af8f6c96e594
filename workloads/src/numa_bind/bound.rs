//! Pages bound to one node by `mbind`; those that lie elsewhere already are moved.

use super::Placement;
use crate::pages::node;
use crate::shm::Segment;
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "mbind to one node, pages that are there already moved";

/// The documented binding.
pub struct Bound;

impl Placement for Bound {
    const BINDS: bool = true;

    fn place(segment: &Segment, wanted: u32) -> Result<(), Unavailable> {
        node::bind(segment.payload(), segment.payload_bytes() as usize, wanted)
    }
}
