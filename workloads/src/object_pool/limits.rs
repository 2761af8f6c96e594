//! What a pool may have: objects of its own, bytes shared with other pools, and the refusals past either.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Objects that one pool may have alive at once.
pub const OBJECTS_MAX: usize = 10_000;

/// Bytes that all pools together may have alive at once.
pub const BYTES_MAX: u64 = 256 << 20;

/// What a pool may have, and how it treats what comes back.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of an object.
    pub object_bytes: usize,
    /// Idle objects that are kept; more than that are freed.
    pub kept: usize,
    /// Objects alive at once, idle and on loan.
    pub objects_max: usize,
    /// Whether contents are overwritten with zeros before an object is kept or freed.
    pub sensitive: bool,
    /// The bytes that this pool shares with others.
    pub budget: Arc<Budget>,
}

/// Bytes that several pools may have alive together.
#[derive(Debug)]
pub struct Budget {
    bytes_max: u64,
    bytes: AtomicU64,
}

impl Budget {
    /// A budget of which nothing is used.
    pub fn new(bytes_max: u64) -> Self {
        Self { bytes_max, bytes: AtomicU64::new(0) }
    }

    /// Bytes in use.
    pub fn bytes(&self) -> u64 {
        // Relaxed: one number that publishes nothing.
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn reserve(&self, bytes: u64) -> Result<(), ResourceExhausted> {
        let within = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        // Relaxed: the sum itself is all that is exchanged.
        let reserved = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        reserved.map(drop).map_err(|_| ResourceExhausted::Bytes { bytes_max: self.bytes_max })
    }

    pub(super) fn release(&self, bytes: u64) {
        // Relaxed: as above.
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A limit that one more object would be past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceExhausted {
    /// This pool's objects.
    Objects {
        /// The limit.
        objects_max: usize,
    },
    /// The bytes of all pools together.
    Bytes {
        /// The limit.
        bytes_max: u64,
    },
}

impl fmt::Display for ResourceExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Objects { objects_max } => {
                write!(f, "the pool may have {objects_max} objects and has them")
            }
            Self::Bytes { bytes_max } => {
                write!(f, "all pools may have {bytes_max} bytes together and would have more")
            }
        }
    }
}

impl std::error::Error for ResourceExhausted {}
