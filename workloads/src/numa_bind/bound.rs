//! Pages bound to one node by `mbind`; those that lie elsewhere already are moved.

use super::{Placement, kernel};
use crate::shm::Segment;
use rustix::io::Errno;

/// What it is, for the table.
pub const ABOUT: &str = "mbind to one node, pages that are there already moved";

/// The documented binding.
pub struct Bound;

impl Placement for Bound {
    const BINDS: bool = true;

    fn place(segment: &Segment, node: u32) -> Result<(), Errno> {
        kernel::bind(segment.payload(), segment.payload_bytes() as usize, node)
    }
}
