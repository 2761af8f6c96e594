//! Counters beside the clock, one file a source behind one seam. A source that cannot count here says why.

use crate::record::{CounterFacts, Provenance};
use crate::unavailable::Unavailable;

/// A way to count something over a region.
pub trait Source: Sync {
    /// Name of the source: `heap`, `perf_event`.
    fn name(&self) -> &'static str;

    /// Opens the source for the calling thread and what it will spawn.
    ///
    /// # Errors
    /// Why it cannot count here, in words.
    fn open(&self) -> Result<Box<dyn Counter>, Unavailable>;

    /// Each event of the source with the reason for its absence, for `doctor` and the record's header.
    fn facts(&self) -> Vec<CounterFacts>;
}

/// An opened source: two reads a region, never one per operation.
pub trait Counter {
    /// Marks the start of the region.
    fn start(&mut self);

    /// Ends the region: what each event counted in it.
    fn stop(&mut self) -> Vec<Reading>;
}

/// What one event counted over a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Name of the count: `allocations`, `instructions`.
    pub name: &'static str,
    /// The count, or why there is none (starved, never moved a canary).
    pub value: Result<f64, Unavailable>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Every source, one line each. Each is read in a pass of its own.
pub static SOURCES: &[&dyn Source] = &[];
