//! The ring of `ring_spsc`, in a shared mapping.

use crate::ring_spsc::Spsc;
use crate::ring_spsc::cached_index::{Consumer, Header, Producer, endpoints};
use crate::ring_spsc::memory::{Memory, Slot};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "the ring of ring_spsc, mapped";

/// The ring between processes.
pub struct CachedIndex;

impl Spsc<u64> for CachedIndex {
    type Producer = Producer<u64>;
    type Consumer = Consumer<u64>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<u64>, Consumer<u64>), Unavailable> {
        let memory = Memory::mapped(Header::starting_at(start), (0..capacity).map(|_| Slot::empty()))?;
        Ok(endpoints(memory))
    }
}
