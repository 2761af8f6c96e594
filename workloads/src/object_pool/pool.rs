//! The contract of an object pool: taking, giving back, limits, statistics and alerts. How the objects are kept is each
//! variant's own affair.

use std::collections::VecDeque;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, compiler_fence};
use std::time::Duration;

/// Objects that one pool may have alive at once.
pub const OBJECTS_MAX: usize = 10_000;

/// Bytes that all pools together may have alive at once.
pub const BYTES_MAX: u64 = 256 << 20;

/// Where buffers come from.
pub trait Source {
    /// An empty buffer that nobody else holds, on loan until dropped.
    ///
    /// # Errors
    /// [`ResourceExhausted`] where one more object would be past a limit.
    #[inline]
    fn take(&self) -> Result<Buffer<'_, Self>, ResourceExhausted> {
        Ok(Buffer { bytes: self.hand_out()?, home: self })
    }

    /// The bytes of the next buffer; whoever calls this rather than `take` gives them back himself.
    ///
    /// # Errors
    /// As `take`.
    fn hand_out(&self) -> Result<Vec<u8>, ResourceExhausted>;

    /// Takes back the bytes of a buffer whose holder is done with it.
    fn give_back(&self, bytes: Vec<u8>);
}

/// A source that keeps what comes back for the next take, and counts.
pub trait Pool: Source + Sync {
    /// An empty pool under its limits.
    fn new(limits: Limits) -> Self;

    /// Makes objects until `percent` of those that the pool keeps lie ready.
    ///
    /// # Errors
    /// [`ResourceExhausted`] where a limit comes first; what was made until then stays.
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted>;

    /// What the pool has counted until now.
    fn statistics(&self) -> Statistics;
}

/// A buffer on loan: gives itself back when dropped.
#[derive(Debug)]
pub struct Buffer<'a, S: Source + ?Sized> {
    bytes: Vec<u8>,
    home: &'a S,
}

impl<S: Source + ?Sized> Deref for Buffer<'_, S> {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl<S: Source + ?Sized> DerefMut for Buffer<'_, S> {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl<S: Source + ?Sized> Drop for Buffer<'_, S> {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.bytes));
    }
}

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

    fn reserve(&self, bytes: u64) -> Result<(), ResourceExhausted> {
        let within = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.bytes_max);
        // Relaxed: the sum itself is all that is exchanged.
        let reserved = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within);
        reserved.map(drop).map_err(|_| ResourceExhausted::Bytes { bytes_max: self.bytes_max })
    }

    fn release(&self, bytes: u64) {
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

/// What a pool counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Takes, refused ones included.
    pub takes: u64,
    /// Takes served by a kept object.
    pub hits: u64,
    /// Takes for which the factory made one.
    pub misses: u64,
    /// Objects alive now, idle and on loan.
    pub size: usize,
    /// The most that were ever alive at once.
    pub high_water: usize,
}

impl Statistics {
    /// Hits in percent of all takes; none before the first.
    pub fn hit_rate_percent(&self) -> Option<f64> {
        (self.takes > 0).then(|| 100.0 * self.hits as f64 / self.takes as f64)
    }

    fn resized(&mut self, size: usize) {
        self.size = size;
        self.high_water = self.high_water.max(size);
    }
}

/// A threshold that the statistics crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alert {
    /// Too few takes are hits.
    HitRate {
        /// The share reached.
        percent: f64,
    },
    /// Too many takes.
    TakeRate {
        /// The rate reached.
        takes_per_second: f64,
    },
}

/// Hit rates below this are reported.
pub const ALERT_HIT_RATE_PERCENT: f64 = 85.0;

/// Take rates above this are reported.
pub const ALERT_TAKES_PER_SECOND: f64 = 10_000.0;

/// The thresholds that a pool's statistics have crossed after `uptime`.
pub fn alerts(statistics: &Statistics, uptime: Duration) -> Vec<Alert> {
    let hit_rate = statistics.hit_rate_percent().filter(|percent| *percent < ALERT_HIT_RATE_PERCENT);
    let takes_per_second = statistics.takes as f64 / uptime.as_secs_f64();
    let take_rate = (takes_per_second > ALERT_TAKES_PER_SECOND).then_some(takes_per_second);
    let hit_rate = hit_rate.map(|percent| Alert::HitRate { percent });
    hit_rate
        .into_iter()
        .chain(take_rate.map(|takes_per_second| Alert::TakeRate { takes_per_second }))
        .collect()
}

/// The idle objects of a pool, oldest first out, and how many are alive in all. Which lock guards it is the variant's
/// choice.
#[derive(Debug)]
pub struct Shelf {
    limits: Limits,
    idle: VecDeque<Vec<u8>>,
    alive: usize,
}

impl Shelf {
    /// An empty shelf.
    pub fn new(limits: Limits) -> Self {
        Self { idle: VecDeque::with_capacity(limits.kept), limits, alive: 0 }
    }

    /// The object that has been idle longest, else a new one; counted in `statistics`.
    pub fn take(&mut self, statistics: &mut Statistics) -> Result<Vec<u8>, ResourceExhausted> {
        statistics.takes += 1;
        if let Some(bytes) = self.idle.pop_front() {
            statistics.hits += 1;
            return Ok(bytes);
        }
        let made = self.make()?;
        statistics.misses += 1;
        statistics.resized(self.alive);
        Ok(made)
    }

    /// Clears an object and keeps it, or frees it where enough are kept or where its holder changed its size.
    pub fn give_back(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        if self.limits.sensitive {
            wipe(&mut bytes);
        }
        if self.idle.len() < self.limits.kept && bytes.capacity() == self.limits.object_bytes {
            self.idle.push_back(bytes);
        } else {
            self.forget(1);
        }
    }

    /// Makes objects until `percent` of the kept ones are idle.
    pub fn warm_up(&mut self, percent: usize, statistics: &mut Statistics) -> Result<(), ResourceExhausted> {
        while self.idle.len() < self.limits.kept * percent / 100 {
            let made = self.make()?;
            self.idle.push_back(made);
            statistics.resized(self.alive);
        }
        Ok(())
    }

    /// Objects alive, idle and on loan.
    pub fn alive(&self) -> usize {
        self.alive
    }

    /// The factory.
    fn make(&mut self) -> Result<Vec<u8>, ResourceExhausted> {
        let objects_max = self.limits.objects_max;
        if self.alive == objects_max {
            return Err(ResourceExhausted::Objects { objects_max });
        }
        self.limits.budget.reserve(self.limits.object_bytes as u64)?;
        self.alive += 1;
        Ok(Vec::with_capacity(self.limits.object_bytes))
    }

    fn forget(&mut self, objects: usize) {
        self.alive -= objects;
        self.limits.budget.release((objects * self.limits.object_bytes) as u64);
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.forget(self.alive);
    }
}

/// Overwrites the whole allocation of an empty buffer with zeros, in a way that the optimiser must keep even where the
/// memory is freed next.
pub fn wipe(bytes: &mut Vec<u8>) {
    for byte in bytes.spare_capacity_mut() {
        // SAFETY: an exclusive reference is valid for a write of its own type.
        unsafe { std::ptr::write_volatile(byte, MaybeUninit::new(0)) };
    }
    compiler_fence(Ordering::SeqCst);
}
