//! Caches, translation buffers and coherence in software, fed with accesses one by one: what a machine of a named
//! geometry would count. Where accesses come from is the affair of whoever feeds it.

mod cache;
mod coherence;
pub mod geometry;
mod model;
pub mod patterns;
mod sharing;
mod tlb;
mod touched;

pub use geometry::Geometry;
pub use model::{ByKind, Counts, Model};

/// One access to memory of one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Number of the thread; the leader is 0. Each thread has caches of its own up to the last level.
    pub thread: u32,
    /// Address of the first byte.
    pub address: u64,
    /// Bytes; an access may lie across lines.
    pub size_bytes: u32,
    /// What is done.
    pub kind: AccessKind,
}

/// What an access does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessKind {
    /// Loads.
    Read,
    /// Stores, or loads and stores.
    Write,
}

/// Someone who is told of accesses.
pub trait Tracer {
    /// Takes one access.
    fn access(&mut self, access: Access);
}

/// Nobody: code that is generic over its tracer costs nothing more with this one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untraced;

impl Tracer for Untraced {
    #[inline(always)]
    fn access(&mut self, _: Access) {}
}
