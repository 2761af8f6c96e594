//! Arena allocators (document 004): allocate and free over one region, in several designs under one contract, and the
//! points at which they are compared. What a point does lies in `cases` and `replay`, what must hold in `check`.

mod cases;
mod check;
mod first_fit_list;
mod first_fit_tree;
mod heap;
pub mod record;
mod region;
mod replay;
mod system_malloc;
pub mod trace;

#[cfg(test)]
mod tests;

use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{Bound, Broken, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;

/// Allocates and frees blocks of one region. The caller states the layout again when it frees, as Rust's own
/// allocators have it, so that a design need not keep a header before each block.
pub trait Arena: Sized + 'static {
    /// Bytes of a free block that the design keeps its own data in, which is also the smallest block; none where the
    /// design is not ours to know.
    const FREE_BLOCK_BYTES: Option<usize>;

    /// An arena over a fresh region of about `bytes`; none where the system has no such region.
    fn with_capacity(bytes: usize) -> Option<Self>;

    /// A block of at least the layout's size (and at least one byte) at a multiple of its alignment; none where no free
    /// block is large enough. Alignments up to [`MAX_ALIGN`] are served.
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>>;

    /// Takes a block back and joins it with free neighbours.
    ///
    /// # Safety
    /// The block came from this arena with this layout and has not been freed since. Where [`Arena::statistics`] are
    /// kept, a call that breaks this is sound too as long as no live block is used afterwards.
    ///
    /// # Errors
    /// [`Misuse`], as far as the design can tell; nothing has changed then.
    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> Result<(), Misuse>;

    /// [`Arena::allocate`], with every byte of the layout zero.
    fn allocate_zeroed(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let block = self.allocate(layout)?;
        // SAFETY: the block is ours and at least that long.
        unsafe { block.write_bytes(0, layout.size()) };
        Some(block)
    }

    /// Moves what a block holds, up to the smaller of both sizes, into one of another size and the same alignment.
    ///
    /// # Safety
    /// As for [`Arena::free`].
    unsafe fn reallocate(&mut self, block: NonNull<u8>, old: Layout, new: Layout) -> Option<NonNull<u8>> {
        let moved = self.allocate(new)?;
        // SAFETY: both blocks are live, so they do not overlap, and both have the smaller of the sizes.
        unsafe { moved.copy_from_nonoverlapping(block, old.size().min(new.size())) };
        // SAFETY: the caller's promise, handed on.
        unsafe { self.free(block, old) }.expect("the block to move is live");
        Some(moved)
    }

    /// What the arena knows of itself, exactly; none where the design does not tell.
    fn statistics(&self) -> Option<Statistics>;

    /// The region in address order; empty where the design does not tell.
    fn snapshot(&self) -> Vec<Extent>;

    /// Whether the arena's own data are in order: the slow test of every invariant.
    ///
    /// # Errors
    /// [`Broken`] with the invariant that does not hold.
    fn validate(&self) -> Result<(), Broken>;
}

/// Largest alignment served.
pub const MAX_ALIGN: usize = 1 << 16;

/// Exact figures of an arena.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Blocks handed out and not freed.
    pub live_blocks: usize,
    /// Bytes that their layouts asked for.
    pub live_bytes: usize,
    /// Largest distance from the region's first block to the end of a live one, so far.
    pub peak_footprint_bytes: usize,
    /// Free blocks.
    pub free_blocks: usize,
}

/// A stretch of the region. Without headers nothing marks the border between live neighbours: they are one extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Distance from the region's first byte.
    pub offset: usize,
    /// Length, rounding included.
    pub size_bytes: usize,
    /// Whether it is one free block or one or more live ones.
    pub is_free: bool,
}

/// A free that cannot be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misuse {
    /// The block does not lie in the region.
    Foreign,
    /// No block begins there.
    NoBlock,
    /// Part of the block is free already.
    AlreadyFree,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Misuse::Foreign => "the block lies outside the region",
            Misuse::NoBlock => "no block begins there",
            Misuse::AlreadyFree => "part of the block is free already",
        })
    }
}

/// The workload's table.
pub static WORKLOAD: Workload = Workload {
    name: "arena",
    about: "Allocate and free over one region: what does address-ordered first fit cost as free blocks multiply?",
    source: "004",
    points: &[
        // A hot pair takes a few nanoseconds: its percentiles would be the clock's.
        Point {
            latency: false,
            suite: Suite::Default,
            ..point("pairs", "a 64-byte block allocated and freed, hot", "alloc+free", 64)
        },
        point(
            "holes_100",
            "one replacement in a window of 16 behind 100 holes too small to serve it",
            PAIR,
            100,
        ),
        point(
            "holes_10k",
            "one replacement in a window of 16 behind 10,000 holes too small to serve it",
            PAIR,
            10_000,
        ),
        point("churn_100", "a random one of 100 live blocks replaced, 16 to 512 bytes", PAIR, 100),
        point("churn_10k", "a random one of 10,000 live blocks replaced, 16 to 512 bytes", PAIR, 10_000),
        Point {
            bound: Err("an event may be an allocation, a reallocation or a free: no one limit holds for all"),
            ..point("replay", "one event of a recorded allocation trace (--trace names another)", "event", 0)
        },
    ],
    variants: &[
        variant::<first_fit_list::Arena>("first_fit_list", first_fit_list::ABOUT, Role::Baseline),
        variant::<first_fit_tree::Arena>("first_fit_tree", first_fit_tree::ABOUT, Role::Documented),
        variant::<system_malloc::Arena>("system_malloc", system_malloc::ABOUT, Role::Peer),
    ],
};

const PAIR: &str = "free+alloc";

const BOUND: Bound = Bound {
    limit: "l1_latency",
    times: 1.0,
    why: "the block that is handed out is read off a structure that the last free wrote",
};

const fn point(name: &'static str, about: &'static str, unit_of_work: &'static str, size: u64) -> Point {
    Point { name, about, unit_of_work, size, cpus: 1, bound: Ok(BOUND), latency: true, suite: Suite::Default }
}

const fn variant<A: Arena>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: Isa::NONE,
        build: build::<A>,
        check: check::check::<A>,
    }
}

fn build<A: Arena>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let size = setup.point.size as usize;
    match setup.point.name {
        "pairs" => cases::pairs::<A>(size),
        "holes_100" | "holes_10k" => cases::holes::<A>(size, setup.seed).map(solo),
        "churn_100" | "churn_10k" => cases::churn::<A>(size, setup.seed),
        "replay" => replay::case::<A>(setup.input("trace")),
        other => unreachable!("no point {other} in the table"),
    }
}

/// The operation of the `holes` rows of `first_fit_list` itself, for another timing loop than the harness's.
///
/// # Errors
/// No region of this size can be had.
pub fn holes_first_fit_list(setup: &Setup<'_>) -> Result<impl Body + use<>, Unavailable> {
    cases::holes::<first_fit_list::Arena>(setup.point.size as usize, setup.seed)
}

/// The same for `first_fit_tree`.
///
/// # Errors
/// No region of this size can be had.
pub fn holes_first_fit_tree(setup: &Setup<'_>) -> Result<impl Body + use<>, Unavailable> {
    cases::holes::<first_fit_tree::Arena>(setup.point.size as usize, setup.seed)
}

/// What every row of a design tells beside time.
fn design_facts<A: Arena>(arena: &A) -> Vec<Fact> {
    let bytes = A::FREE_BLOCK_BYTES.map(|bytes| Fact::new("free_block_bytes", "bytes", bytes as f64));
    let blocks = arena.statistics().map(|s| Fact::new("free_blocks", "blocks", s.free_blocks as f64));
    bytes.into_iter().chain(blocks).collect()
}
