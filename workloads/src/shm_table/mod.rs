//! Tables in shared memory that lead from a name to a place (document 003): contract, table and what is timed. Space is
//! given in order and never comes back: a table is filled when its processes start, and whoever needs to give back
//! uses a pool that lies at one of its places.

pub mod check;
pub mod printed;
pub mod robust;

use crate::shm::{Segment, layout_hash, scratch};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{Bound, Isa, Point, Reason, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::fmt;
use std::sync::Arc;

/// Entries of the small and of the large table.
const SMALL: usize = 64;
const LARGE: usize = 4096;

/// The tables of names.
pub static WORKLOAD: Workload = Workload {
    name: "shm_table",
    about: "What does a named place in shared memory cost, and does it grow with the number of names?",
    source: "003",
    points: &[
        reserve("reserve_64", "reserve 64 bytes in a table of 64 names", SMALL),
        reserve("reserve_4096", "reserve 64 bytes in a table of 4,096 names", LARGE),
        find("find_64", "find one of 64 names, in a random order", SMALL),
        find("find_4096", "find one of 4,096 names, in a random order", LARGE),
    ],
    variants: &[
        variant::<printed::Family>("printed", printed::ABOUT, Role::Documented),
        variant::<robust::Family>("robust", robust::ABOUT, Role::Optimised),
    ],
};

const fn reserve(name: &'static str, about: &'static str, entries: usize) -> Point {
    Point {
        name,
        about,
        unit_of_work: "reservation",
        size: entries as u64,
        cpus: 1,
        bound: Ok(Bound {
            limit: "atomic_rmw",
            times: 1.0,
            why: "a reservation that two processes may make at once is one atomic update",
        }),
        latency: false,
        suite: Suite::Default,
    }
}

const fn find(name: &'static str, about: &'static str, entries: usize) -> Point {
    Point {
        name,
        about,
        unit_of_work: "find",
        size: entries as u64,
        cpus: 1,
        bound: Err("half of the names are passed on the way: the work is the search, not one access"),
        latency: false,
        suite: Suite::Full,
    }
}

/// What is to lie at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Bytes of one element.
    pub element_bytes: u64,
    /// How many elements.
    pub count: u64,
    /// [`layout_hash`] of the element's type.
    pub layout: u64,
}

impl Shape {
    /// Bytes of all elements.
    ///
    /// # Errors
    /// [`TableError::NoSpace`] where no number can say it.
    pub fn size_bytes(self) -> Result<u64, TableError> {
        self.element_bytes.checked_mul(self.count).ok_or(TableError::NoSpace { asked_bytes: u64::MAX })
    }
}

/// Where something lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// From the start of the payload.
    pub offset_bytes: u64,
    /// What lies there.
    pub shape: Shape,
}

/// Why a table did not add or find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableError {
    /// The name is empty, too long, or holds a zero.
    BadName,
    /// Something of that name is there.
    Taken,
    /// No such name.
    Missing,
    /// Every entry has been used. Erasing gives none back: make the table larger.
    NoEntry,
    /// What is left of the segment is less. Erasing gives nothing back: make the segment larger, or use a pool.
    NoSpace {
        /// What was asked for.
        asked_bytes: u64,
    },
    /// A living process has held the table's lock for seconds: let it go on, or end it.
    Stuck {
        /// Its process number.
        pid: u32,
    },
    /// An entry that no adder writes: its place is outside the segment, not aligned, or another one's, too.
    Damaged {
        /// Which.
        index: usize,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TableError::BadName => f.write_str("a name is 1 to 48 bytes without a zero"),
            TableError::Taken => f.write_str("the name is taken: find it, or take another"),
            TableError::Missing => f.write_str("there is no such name: add it first"),
            TableError::NoEntry => f.write_str("every entry has been used: make the table larger"),
            TableError::NoSpace { asked_bytes } => {
                write!(f, "{asked_bytes} bytes are not left: make the segment larger, or keep a pool in it")
            }
            TableError::Stuck { pid } => {
                write!(f, "process {pid} holds the table's lock: let it go on, or end it")
            }
            TableError::Damaged { index } => write!(f, "entry {index} is damaged: make the segment anew"),
        }
    }
}

impl std::error::Error for TableError {}

/// The contract: names lead to places that do not overlap, and to nothing once erased.
pub trait Table: Send + Sync + Sized + 'static {
    /// What every place is a multiple of.
    const ALIGN_BYTES: u64;

    /// What the table itself takes of the segment: 4 to 424 KB.
    const TABLE_BYTES: u64;

    /// A table at the start of a segment; zeros are an empty one.
    ///
    /// # Errors
    /// Why it does not fit.
    fn at(segment: &Arc<Segment>) -> Result<Self, Unavailable>;

    /// Reserves space and gives it a name.
    ///
    /// # Errors
    /// [`TableError`].
    fn add(&self, name: &str, shape: Shape) -> Result<Entry, TableError>;

    /// Where what is named so lies.
    ///
    /// # Errors
    /// `Missing`, or `Damaged`.
    fn find(&self, name: &str) -> Result<Entry, TableError>;

    /// Makes the name lead nowhere; its place stays used.
    ///
    /// # Errors
    /// `Missing`.
    fn erase(&self, name: &str) -> Result<(), TableError>;

    /// Reserves space without a name: what `add` does once it has found its entry.
    ///
    /// # Errors
    /// `NoSpace`.
    fn reserve(&self, size_bytes: u64) -> Result<u64, TableError>;

    /// What of the segment is reserved, the table included.
    fn reserved_bytes(&self) -> u64;

    /// Forgets all reservations behind `reserved_bytes`, so that a timed loop never comes to an end. Whatever was added
    /// since would be overlapped.
    fn rewind(&self, reserved_bytes: u64);
}

/// The range that document 003 states, in bytes.
const fn is_documented_size(table_bytes: u64) -> bool {
    4 << 10 <= table_bytes && table_bytes <= 424 << 10
}

/// A table of every number of entries.
pub trait OfEntries: 'static {
    /// That table.
    type Of<const ENTRIES: usize>: Table;
}

const fn variant<F: OfEntries>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let suite = if matches!(role, Role::Documented) { Suite::Full } else { Suite::Default };
    Variant {
        name,
        about,
        role,
        suite,
        needs: Isa::NONE,
        build: build::<F>,
        check: |_| check::check::<F::Of<LARGE>>(),
    }
}

fn build<F: OfEntries>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    match setup.point.size as usize {
        SMALL => build_for::<F::Of<SMALL>>(setup),
        _ => build_for::<F::Of<LARGE>>(setup),
    }
}

fn build_for<T: Table>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (entries, reserve) = (setup.point.size, setup.point.name.starts_with("reserve"));
    let table: T = fresh(TIMED_BYTES)?;
    let names: Vec<String> = (0..entries).map(|index| format!("structure number {index}")).collect();
    for name in &names {
        table.add(name, SHAPE).map_err(|error| Unavailable::new(Reason::Broke, error.to_string()))?;
    }
    let start_bytes = table.reserved_bytes();
    Ok(if reserve {
        solo(Reserving { table, start_bytes })
    } else {
        let asked = order(entries, setup.seed);
        solo(move |i: u64| table.find(&names[asked[i as usize & (ORDER - 1)]]).map_or(0, |e| e.offset_bytes))
    })
}

const TIMED_BYTES: u64 = 64 << 20;
const SHAPE: Shape = Shape { element_bytes: 64, count: 1, layout: layout_hash("timed") };

/// A table in a new segment.
fn fresh<T: Table>(payload_bytes: u64) -> Result<T, Unavailable> {
    T::at(&scratch("table", payload_bytes, layout_hash("shm_table"))?)
}

const ORDER: usize = 4096;

/// Which names are asked for, one after the other.
fn order(entries: u64, seed: u64) -> Vec<usize> {
    let mut random = perfbench_harness::stats::random::Random::new(seed);
    (0..ORDER).map(|_| (random.below(entries)) as usize).collect()
}

/// Reserves until nothing is left, then begins anew.
struct Reserving<T> {
    table: T,
    start_bytes: u64,
}

impl<T: Table> Body for Reserving<T> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        match self.table.reserve(64) {
            Ok(offset_bytes) => offset_bytes,
            Err(_) => {
                self.table.rewind(self.start_bytes);
                self.start_bytes
            }
        }
    }

    fn facts(&mut self) -> Vec<Fact> {
        vec![Fact::new("table_kb", "KB", T::TABLE_BYTES as f64 / 1024.0)]
    }
}

#[cfg(test)]
mod tests;
