//! Pages where the kernel puts them: on the node of whoever made the segment, as a rule.

use super::Placement;
use crate::shm::Segment;
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "pages where the kernel puts them";

/// No say.
pub struct Unbound;

impl Placement for Unbound {
    const BINDS: bool = false;

    fn place(_: &Segment, _: u32) -> Result<(), Unavailable> {
        Ok(())
    }
}
