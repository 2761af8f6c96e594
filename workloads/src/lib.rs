//! Everything that can be measured: one folder a structure, one file a variant, one table line each.
//!
//! ```
//! use perfbench_workloads::REGISTRY;
//!
//! let rings = REGISTRY.iter().find(|workload| workload.name == "ring_spsc").unwrap();
//! let names: Vec<&str> = rings.variants.iter().map(|variant| variant.name).collect();
//! let ours = ["locked_deque", "sequenced", "cached_index", "lazy_index", "adaptive", "line", "rtrb"];
//! assert!(names.starts_with(&ours));
//! ```

pub mod aead;
pub mod arena;
pub mod buffer_pool;
pub mod claims;
pub mod false_sharing;
pub mod journal;
pub mod numa_bind;
pub mod object_pool;
pub mod pages;
pub mod ring_bulk;
pub mod ring_mpmc;
pub mod ring_overwrite;
pub mod ring_spsc;
pub mod roll;
pub mod seqlock;
pub mod shm;
pub mod shm_array;
pub mod shm_frames;
pub mod shm_large_map;
pub mod shm_object_pool;
pub mod shm_queue;
pub mod shm_ring_buffer;
pub mod shm_segment;
pub mod shm_table;
pub mod shm_versioned_array;
pub mod sync;
#[cfg(test)]
mod testing;
mod threads;
pub mod votes;
pub mod wire_message;
pub mod yardstick;

pub use claims::claims;

use perfbench_harness::Registry;

/// Every workload, one line each.
pub static REGISTRY: Registry = &[
    &aead::WORKLOAD,
    &arena::WORKLOAD,
    &buffer_pool::WORKLOAD,
    &false_sharing::WORKLOAD,
    &journal::WORKLOAD,
    &numa_bind::WORKLOAD,
    &object_pool::WORKLOAD,
    &ring_bulk::WORKLOAD,
    &ring_mpmc::WORKLOAD,
    &ring_overwrite::WORKLOAD,
    &ring_spsc::WORKLOAD,
    &seqlock::WORKLOAD,
    &shm_array::WORKLOAD,
    &shm_frames::WORKLOAD,
    &shm_large_map::WORKLOAD,
    &shm_object_pool::WORKLOAD,
    &shm_queue::WORKLOAD,
    &shm_ring_buffer::WORKLOAD,
    &shm_segment::WORKLOAD,
    &shm_table::WORKLOAD,
    &shm_versioned_array::WORKLOAD,
    &votes::WORKLOAD,
    &wire_message::WORKLOAD,
];

/// Work with known content, on which a self-test measures the gate itself.
pub static YARDSTICKS: Registry = &[&yardstick::WORKLOAD];
