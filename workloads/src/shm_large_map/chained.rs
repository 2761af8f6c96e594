//! Two levels as document 003 names them: an array of buckets, and a pool of nodes that chains lead through. Insertion is
//! lock-free; a process killed within it leaves at most one node that nobody reaches, and so does who loses a race for a key.

use super::{Full, Map, hash};
use crate::shm::{Placed, Shareable};
#[cfg(not(loom))]
use crate::shm::{Segment, SegmentError, layout_hash, scratch};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
#[cfg(loom)]
use perfbench_harness::Reason;
use perfbench_harness::Unavailable;
use std::num::NonZeroU64;
use std::sync::Arc;

/// What it is, for the table.
pub const ABOUT: &str = "an array of chains through a pool of nodes";

/// Buckets, nodes, and how many nodes are given away.
pub struct Chained {
    /// Number of the first node of each chain, from one; zero where there is none.
    buckets: Placed<[AtomicU32]>,
    nodes: Placed<[Node]>,
    used: Placed<AtomicU64>,
}

/// An entry; never changed once a chain leads to it.
#[repr(C)]
struct Node {
    key: AtomicU64,
    value: AtomicU64,
    next: AtomicU32,
    _padding: AtomicU32,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Node>() == 24);

// SAFETY: all fields are atomic integers, of which every pattern is a value; loom's atomics lie on the heap only.
unsafe impl Shareable for Node {}

impl Node {
    fn empty() -> Self {
        let zero = || AtomicU32::new(0);
        Self { key: AtomicU64::new(0), value: AtomicU64::new(0), next: zero(), _padding: zero() }
    }
}

/// Nodes are numbered by 31 bits.
#[cfg(not(loom))]
const KEYS_MAX: usize = 1 << 31;

impl Chained {
    /// Bytes of payload that a map for so many keys takes.
    pub fn len_bytes(keys: usize) -> u64 {
        64 + (keys.next_power_of_two() * size_of::<AtomicU32>() + keys * size_of::<Node>()) as u64
    }

    /// The map at the start of a segment's payload; zeros are an empty one.
    ///
    /// # Errors
    /// Why it does not fit.
    #[cfg(not(loom))]
    pub fn at(segment: &Arc<Segment>, keys: usize) -> Result<Self, SegmentError> {
        assert!(keys < KEYS_MAX, "nodes are numbered by 31 bits");
        let buckets = keys.next_power_of_two().max(2);
        let used = Placed::one(segment, 0)?;
        let nodes = Placed::row(segment, 64, keys)?;
        let buckets = Placed::row(segment, 64 + (keys * size_of::<Node>()) as u64, buckets)?;
        Ok(Self { buckets, nodes, used })
    }

    /// Holds on one map on the heap.
    pub fn on_heap<const HOLDS: usize>(keys: usize) -> [Self; HOLDS] {
        let count = keys.next_power_of_two().max(2);
        let buckets: Arc<[AtomicU32]> = (0..count).map(|_| AtomicU32::new(0)).collect();
        let nodes: Arc<[Node]> = (0..keys).map(|_| Node::empty()).collect();
        let used = Arc::new(AtomicU64::new(0));
        std::array::from_fn(|_| Self {
            buckets: Placed::on_heap(buckets.clone()),
            nodes: Placed::on_heap(nodes.clone()),
            used: Placed::on_heap(used.clone()),
        })
    }

    #[inline(always)]
    fn bucket(&self, key: NonZeroU64) -> &AtomicU32 {
        let index = hash(key) >> (64 - self.buckets.len().trailing_zeros());
        &self.buckets[index as usize]
    }

    /// Looks for a key from node number `from` to node number `until`, which is left out. A number that no node has ends
    /// the chain, and so does a chain that is longer than there are nodes: a damaged map misses, it does not hang.
    #[inline(always)]
    fn search(&self, key: NonZeroU64, from: u32, until: u32) -> Option<NonZeroU64> {
        let mut number = from;
        for _ in 0..self.nodes.len() {
            if number == until {
                return None;
            }
            let node = self.nodes.get((number as usize).wrapping_sub(1))?;
            // Relaxed: the bucket's Release store gave the node away whole.
            if node.key.load(Ordering::Relaxed) == key.get() {
                return NonZeroU64::new(node.value.load(Ordering::Relaxed));
            }
            number = node.next.load(Ordering::Relaxed);
        }
        None
    }

    /// A node that nobody else has. Relaxed: the sum gives every node away once.
    fn take(&self) -> Result<u32, Full> {
        let number = self.used.fetch_add(1, Ordering::Relaxed);
        if number < self.nodes.len() as u64 {
            return Ok(number as u32 + 1);
        }
        self.used.fetch_sub(1, Ordering::Relaxed);
        Err(Full)
    }

    /// Puts a node before a chain, unless somebody was quicker with the same key; the node is lost then.
    fn link(&self, key: NonZeroU64, number: u32, mut head: u32) -> Option<NonZeroU64> {
        let node = &self.nodes[number as usize - 1];
        loop {
            node.next.store(head, Ordering::Relaxed);
            // Release gives the node away; pairs with the Acquire loads of the bucket. Acquire takes over what was put
            // before the chain meanwhile.
            let linked =
                self.bucket(key).compare_exchange(head, number, Ordering::Release, Ordering::Acquire);
            let Err(newer) = linked else { return None };
            if let Some(value) = self.search(key, newer, head) {
                return Some(value);
            }
            head = newer;
        }
    }
}

impl Map for Chained {
    #[cfg(not(loom))]
    fn with_room_for(keys: usize) -> Result<Self, Unavailable> {
        let segment = scratch("map", Self::len_bytes(keys.max(2)), layout_hash("shm_large_map chained"))?;
        Ok(Self::at(&segment, keys)?)
    }

    #[cfg(loom)]
    fn with_room_for(_: usize) -> Result<Self, Unavailable> {
        Err(Unavailable::new(Reason::Unsupported, "loom's atomics lie on the heap"))
    }

    fn insert(&self, key: NonZeroU64, value: NonZeroU64) -> Result<Option<NonZeroU64>, Full> {
        // Acquire takes the chain's nodes over from their inserters; pairs with the Release in `link`.
        let head = self.bucket(key).load(Ordering::Acquire);
        if let Some(there) = self.search(key, head, 0) {
            return Ok(Some(there));
        }
        let number = self.take()?;
        let node = &self.nodes[number as usize - 1];
        node.key.store(key.get(), Ordering::Relaxed);
        node.value.store(value.get(), Ordering::Relaxed);
        Ok(self.link(key, number, head))
    }

    #[inline(always)]
    fn get(&self, key: NonZeroU64) -> Option<NonZeroU64> {
        // Acquire takes the chain's nodes over from their inserters; pairs with the Release in `link`.
        let head = self.bucket(key).load(Ordering::Acquire);
        self.search(key, head, 0)
    }

    fn clear(&mut self) {
        self.buckets.iter().for_each(|bucket| bucket.store(0, Ordering::Relaxed));
        self.used.store(0, Ordering::Relaxed);
    }
}
