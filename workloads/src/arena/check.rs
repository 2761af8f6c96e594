//! The one check that every arena passes: blocks never overlap, keep what was put into them, stand at their alignment
//! and come back whole; the arena's own figures and invariants are right. The oracle is an ordered map of live blocks.

use super::cases::Held;
use super::replay::Replay;
use super::{Arena, Misuse, trace};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ptr::NonNull;

/// Live blocks by address.
#[derive(Debug, Default)]
pub struct Blocks(BTreeMap<usize, usize>);

impl Blocks {
    /// Takes in a block that has just been handed out.
    ///
    /// # Errors
    /// [`Broken`] where it overlaps a live one or misses its alignment.
    pub fn add(&mut self, held: Held) -> Result<(), Broken> {
        let (start, layout) = (held.block.addr().get(), held.layout);
        let end = start + layout.size().max(1);
        ensure!(start.is_multiple_of(layout.align()), "a block of {layout:?} stands at {start:#x}");
        if let Some((other, stop)) = self.0.range(..end).next_back() {
            ensure!(*stop <= start, "block {start:#x}..{end:#x} overlaps the live {other:#x}..{stop:#x}");
        }
        self.0.insert(start, end);
        Ok(())
    }

    /// Lets a block go that is about to be freed.
    pub fn remove(&mut self, held: Held) {
        self.0.remove(&held.block.addr().get());
    }

    /// Whether no block is live.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Sizes around granules, nodes, cache lines and pages.
const SIZES: [usize; 28] = [
    0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 97, 127, 128, 129, 511, 512, 513,
    4095, 4096, 4097,
];

const ALIGNS: [usize; 9] = [1, 8, 16, 32, 64, 128, 1024, 4096, 65_536];

const RANDOM_OPERATIONS: u32 = if cfg!(miri) { 400 } else { 20_000 };

/// Puts an arena through everything that the contract promises.
///
/// # Errors
/// [`Broken`] with the first promise that is not kept.
pub fn check<A: Arena>(setup: &Setup<'_>) -> Result<(), Broken> {
    boundaries::<A>()?;
    random_operations::<A>(setup.seed)?;
    if watched::<A>(1 << 10)?.arena.statistics().is_some() {
        exhaustion::<A>(setup.seed)?;
        misuse::<A>()?;
    }
    if cfg!(miri) {
        return Ok(());
    }
    let recording = trace::parse(trace::DEFAULT.as_bytes()).map_err(|error| Broken(error.to_string()))?;
    Replay::<A>::new(recording).map_err(|why| Broken(why.to_string()))?.watched_cycle()
}

/// An arena with everything that should be known of it.
pub(super) struct Watched<A: Arena> {
    pub arena: A,
    blocks: Blocks,
    pub live: Vec<(Held, u8)>,
    live_bytes: usize,
    peak_live_bytes: usize,
}

pub(super) fn watched<A: Arena>(bytes: usize) -> Result<Watched<A>, Broken> {
    let arena = A::with_capacity(bytes).ok_or_else(|| Broken(format!("no region of {bytes} bytes")))?;
    Ok(Watched { arena, blocks: Blocks::default(), live: Vec::new(), live_bytes: 0, peak_live_bytes: 0 })
}

impl<A: Arena> Watched<A> {
    /// Allocates and fills a block; false where there is no room.
    pub fn allocate(&mut self, layout: Layout, fill: u8) -> Result<bool, Broken> {
        let zeroed = fill.is_multiple_of(4);
        let block = if zeroed { self.arena.allocate_zeroed(layout) } else { self.arena.allocate(layout) };
        let Some(block) = block else { return Ok(false) };
        let held = Held { block, layout };
        self.blocks.add(held)?;
        ensure!(!zeroed || holds(held, layout.size(), 0), "a zeroed block of {layout:?} is not zero");
        self.keep(held, fill);
        Ok(true)
    }

    fn keep(&mut self, held: Held, fill: u8) {
        // SAFETY: the block is live and has the layout's size.
        unsafe { held.block.write_bytes(fill, held.layout.size()) };
        self.live.push((held, fill));
        self.live_bytes += held.layout.size();
        self.peak_live_bytes = self.peak_live_bytes.max(self.live_bytes);
    }

    fn let_go(&mut self, index: usize) -> Result<(Held, u8), Broken> {
        let (held, fill) = self.live.swap_remove(index);
        self.blocks.remove(held);
        self.live_bytes -= held.layout.size();
        ensure!(holds(held, held.layout.size(), fill), "a block of {:?} lost what it held", held.layout);
        Ok((held, fill))
    }

    /// Frees the live block of that index.
    pub fn free(&mut self, index: usize) -> Result<(), Broken> {
        let (held, _) = self.let_go(index)?;
        // SAFETY: the block was live until now, with that layout.
        let freed = unsafe { self.arena.free(held.block, held.layout) };
        freed.map_err(|why| Broken(format!("a live block cannot be freed: {why}")))
    }

    /// Gives the live block of that index another size.
    pub fn reallocate(&mut self, index: usize, size: usize) -> Result<(), Broken> {
        let (held, fill) = self.let_go(index)?;
        let layout = layout(size, held.layout.align());
        // SAFETY: the block was live until now, with that layout.
        let moved = unsafe { self.arena.reallocate(held.block, held.layout, layout) };
        let moved = Held { block: moved.ok_or_else(|| Broken("no room to reallocate".into()))?, layout };
        self.blocks.add(moved)?;
        ensure!(holds(moved, size.min(held.layout.size()), fill), "a reallocated block lost what it held");
        self.keep(moved, fill);
        Ok(())
    }

    /// Compares what the arena says of itself with what is known.
    pub fn inspect(&self) -> Result<(), Broken> {
        self.arena.validate()?;
        let Some(statistics) = self.arena.statistics() else { return Ok(()) };
        let (blocks, bytes) = (self.live.len(), self.live_bytes);
        ensure!(
            statistics.live_blocks == blocks,
            "{blocks} live blocks counted as {}",
            statistics.live_blocks
        );
        ensure!(statistics.live_bytes == bytes, "{bytes} live bytes counted as {}", statistics.live_bytes);
        let peak = statistics.peak_footprint_bytes;
        ensure!(
            peak >= self.peak_live_bytes,
            "footprint {peak} is less than the {} live",
            self.peak_live_bytes
        );
        self.inspect_snapshot(statistics.free_blocks)
    }

    fn inspect_snapshot(&self, free_blocks: usize) -> Result<(), Broken> {
        let extents = self.arena.snapshot();
        let free = extents.iter().filter(|extent| extent.is_free).count();
        ensure!(free == free_blocks, "{free_blocks} free blocks counted, {free} in the snapshot");
        for pair in extents.windows(2) {
            let joins = pair[0].offset + pair[0].size_bytes == pair[1].offset;
            ensure!(joins && pair[0].is_free != pair[1].is_free, "{pair:?} do not follow each other");
        }
        Ok(())
    }

    /// Frees all that is live, in random order, and sees that the region is whole again.
    pub fn free_all(&mut self, random: &mut Random) -> Result<(), Broken> {
        while !self.live.is_empty() {
            self.free(random.below(self.live.len() as u64) as usize)?;
        }
        self.inspect()?;
        let extents = self.arena.snapshot();
        ensure!(
            extents.iter().all(|e| e.is_free) && extents.len() <= 1,
            "all is freed, but there are {extents:?}"
        );
        Ok(())
    }
}

impl<A: Arena> Drop for Watched<A> {
    fn drop(&mut self) {
        for (held, _) in self.live.drain(..) {
            // SAFETY: the block is live; a broken arena may refuse it, which the check has reported already.
            let _ = unsafe { self.arena.free(held.block, held.layout) };
        }
    }
}

pub(super) fn layout(size: usize, align: usize) -> Layout {
    Layout::from_size_align(size, align).expect("the check's sizes and alignments are in order")
}

/// Whether the first `len` bytes of a block are all `fill`.
pub(super) fn holds(held: Held, len: usize, fill: u8) -> bool {
    // SAFETY: the block is live, all of it was written, and nobody else refers to it.
    let bytes = unsafe { NonNull::slice_from_raw_parts(held.block, len).as_ref() };
    // Each byte equals the one before it: one comparison of memory, which is quick without optimisation too.
    match bytes {
        [] => true,
        [first, rest @ ..] => *first == fill && *rest == bytes[..rest.len()],
    }
}

/// Every size around a boundary at every alignment.
fn boundaries<A: Arena>() -> Result<(), Broken> {
    let mut watched = watched::<A>(8 << 20)?;
    for align in ALIGNS {
        for size in SIZES {
            let served = watched.allocate(layout(size, align), size as u8)?;
            ensure!(served, "no block of {size} bytes at {align} in an empty arena");
        }
        watched.inspect()?;
        watched.free_all(&mut Random::new(align as u64))?;
    }
    Ok(())
}

fn random_operations<A: Arena>(seed: u64) -> Result<(), Broken> {
    let mut watched = watched::<A>(8 << 20)?;
    let mut random = Random::new(seed);
    for operation in 0..RANDOM_OPERATIONS {
        let (live, size) = (watched.live.len() as u64, random.below(700) as usize);
        match random.below(if live < 400 { 8 } else { 16 }) {
            0 if live > 0 => watched.reallocate(random.below(live) as usize, size)?,
            1..6 => {
                let layout = layout(size, 1 << random.below(9));
                ensure!(watched.allocate(layout, operation as u8)?, "no room for {layout:?} in 8 MiB");
            }
            _ if live > 0 => watched.free(random.below(live) as usize)?,
            _ => {}
        }
        if operation.is_multiple_of(500) {
            watched.inspect()?;
        }
    }
    watched.free_all(&mut random)
}

/// A full arena says so, and is as good as new when all is freed.
fn exhaustion<A: Arena>(seed: u64) -> Result<(), Broken> {
    const BYTES: usize = 48 << 10;
    let mut watched = watched::<A>(BYTES)?;
    for size in [100, 1] {
        while watched.allocate(layout(size, 16), size as u8)? {}
    }
    watched.inspect()?;
    let free: usize = watched.arena.snapshot().iter().filter(|e| e.is_free).map(|e| e.size_bytes).sum();
    ensure!(free == 0, "the arena is full but has {free} bytes free");
    watched.free_all(&mut Random::new(seed))?;
    ensure!(watched.allocate(layout(BYTES, 16), 1)?, "all is freed, but the whole region cannot be had");
    watched.free_all(&mut Random::new(seed))
}

/// A wrong free is refused and changes nothing.
fn misuse<A: Arena>() -> Result<(), Broken> {
    let mut watched = watched::<A>(1 << 16)?;
    for fill in 1..4 {
        ensure!(watched.allocate(layout(96, 16), fill)?, "no room for three blocks");
    }
    let ((first, _), (middle, _)) = (watched.live[0], watched.live[1]);
    watched.free(1)?;
    let mut elsewhere = 0u64;
    let inside = NonNull::from(&mut elsewhere).cast();
    let skewed = first.block.map_addr(|address| address | std::num::NonZero::<usize>::MIN);
    let wrong = [
        (middle.block, middle.layout, Misuse::AlreadyFree),
        (first.block, layout(97, 16), Misuse::AlreadyFree),
        (inside, layout(8, 8), Misuse::Foreign),
        (first.block, layout(1 << 20, 16), Misuse::Foreign),
        (skewed, layout(1, 1), Misuse::NoBlock),
    ];
    for (block, layout, misuse) in wrong {
        // SAFETY: the arena keeps statistics, so it takes a wrong call; the blocks named are not used if it succeeds.
        let answer = unsafe { watched.arena.free(block, layout) };
        ensure!(answer == Err(misuse), "a wrong free is answered with {answer:?} instead of {misuse:?}");
    }
    watched.inspect()?;
    watched.free_all(&mut Random::new(1))
}
