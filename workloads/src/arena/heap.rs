//! What the first-fit designs have in common: rounding, the border between pointers and offsets, statistics and the
//! heap walk. How free blocks are kept and found is theirs.

use super::region::Region;
use super::{Arena, Extent, MAX_ALIGN, Misuse, Statistics};
use perfbench_harness::{Broken, ensure};
use std::alloc::Layout;
use std::ptr::NonNull;

/// The free blocks of a region, in address order.
pub trait FreeBlocks: Sized + 'static {
    /// Every block's size and offset is a multiple of this, the size of a node, so that whatever remains of a block has
    /// room for one.
    const GRANULE: usize;
    /// Offset of the first block, itself a multiple of the granule.
    const START: usize;

    /// Makes all of the region one free block.
    fn over(region: Region) -> Self;

    /// The region.
    fn region(&self) -> &Region;

    /// Takes `size` bytes at a multiple of `align` out of the first free block that has room.
    fn take(&mut self, size: usize, align: usize) -> Option<usize>;

    /// Takes back `size` bytes at `at` and joins them with their neighbours.
    ///
    /// # Errors
    /// [`Misuse::AlreadyFree`] where they overlap a free block.
    fn put(&mut self, at: usize, size: usize) -> Result<(), Misuse>;

    /// How many there are.
    fn count(&self) -> usize;

    /// Offset and size of each, in address order.
    fn list(&self) -> Vec<(usize, usize)>;

    /// Whether the links between the free blocks are in order.
    ///
    /// # Errors
    /// [`Broken`] with the invariant that does not hold.
    fn validate_links(&self) -> Result<(), Broken>;
}

/// An arena over one way of keeping free blocks.
pub struct Heap<F> {
    free: F,
    statistics: Statistics,
}

impl<F: FreeBlocks> Heap<F> {
    #[inline(always)]
    fn rounded(size: usize) -> usize {
        size.max(1).next_multiple_of(F::GRANULE)
    }
}

impl<F: FreeBlocks> Arena for Heap<F> {
    const FREE_BLOCK_BYTES: Option<usize> = Some(F::GRANULE);

    fn with_capacity(bytes: usize) -> Option<Self> {
        let region = Region::zeroed(F::START + Self::rounded(bytes))?;
        Some(Heap { free: F::over(region), statistics: Statistics::default() })
    }

    #[inline]
    fn allocate(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        let size = Self::rounded(layout.size());
        if layout.align() > MAX_ALIGN {
            return None;
        }
        let at = self.free.take(size, layout.align())?;
        let statistics = &mut self.statistics;
        statistics.live_blocks += 1;
        statistics.live_bytes += layout.size();
        statistics.peak_footprint_bytes = statistics.peak_footprint_bytes.max(at + size - F::START);
        Some(self.free.region().pointer(at))
    }

    #[inline]
    unsafe fn free(&mut self, block: NonNull<u8>, layout: Layout) -> Result<(), Misuse> {
        let size = Self::rounded(layout.size());
        let at = self.free.region().offset(block, size).ok_or(Misuse::Foreign)?;
        if at < F::START || !at.is_multiple_of(F::GRANULE) {
            return Err(Misuse::NoBlock);
        }
        self.free.put(at, size)?;
        self.statistics.live_blocks -= 1;
        self.statistics.live_bytes -= layout.size();
        Ok(())
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(Statistics { free_blocks: self.free.count(), ..self.statistics })
    }

    fn snapshot(&self) -> Vec<Extent> {
        let mut extents = Vec::new();
        let mut at = F::START;
        for (offset, size_bytes) in self.free.list() {
            extents.extend(live(at, offset));
            extents.push(Extent { offset, size_bytes, is_free: true });
            at = offset + size_bytes;
        }
        extents.extend(live(at, self.free.region().len()));
        extents
    }

    fn validate(&self) -> Result<(), Broken> {
        self.free.validate_links()?;
        let blocks = self.free.list();
        ensure!(
            blocks.len() == self.free.count(),
            "{} free blocks counted as {}",
            blocks.len(),
            self.free.count()
        );
        let mut end = None;
        for (at, size) in blocks {
            ensure!(size > 0 && size % F::GRANULE == 0, "the free block at {at} has the size {size}");
            ensure!(
                end.is_none_or(|end| at > end),
                "the free block at {at} touches or precedes the one before it"
            );
            end = Some(at + size);
        }
        ensure!(
            end.is_none_or(|end| end <= self.free.region().len()),
            "the last free block leaves the region"
        );
        Ok(())
    }
}

fn live(from: usize, to: usize) -> Option<Extent> {
    (from < to).then(|| Extent { offset: from, size_bytes: to - from, is_free: false })
}
