//! First fit over a singly linked free list in address order: 16 bytes a free block, every search and every free a walk.

use super::Misuse;
use super::heap::{FreeBlocks, Heap};
use super::region::{Node, Region};
use perfbench_harness::{Broken, ensure};

/// What it is, for the table.
pub const ABOUT: &str = "address-ordered singly linked free list, 16 bytes a free block, O(N)";

/// The arena over this list.
pub type Arena = Heap<FreeList>;

/// The end of the list.
const END: usize = usize::MAX;

/// What stands at the beginning of a free block.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Link {
    size: usize,
    next: usize,
}

const _: () = assert!(size_of::<Link>() == 16);

// SAFETY: two integers, aligned to 8.
unsafe impl Node for Link {}

/// Free blocks as a list.
pub struct FreeList {
    region: Region,
    head: usize,
    count: usize,
}

impl FreeList {
    #[inline(always)]
    fn link(&self, at: usize) -> Link {
        *self.region.node(at)
    }

    fn set(&mut self, at: usize, size: usize, next: usize) {
        *self.region.node_mut(at) = Link { size, next };
    }

    fn set_next(&mut self, before: usize, next: usize) {
        match before {
            END => self.head = next,
            _ => self.region.node_mut::<Link>(before).next = next,
        }
    }

    /// Cuts `start..start + size` out of the free block at `at`, which follows `before`.
    fn carve(&mut self, before: usize, at: usize, start: usize, size: usize) {
        let Link { size: had, next } = self.link(at);
        let (end, stop) = (at + had, start + size);
        let mut after = next;
        if stop < end {
            self.set(stop, end - stop, next);
            self.count += 1;
            after = stop;
        }
        if at < start {
            self.set(at, start - at, after);
        } else {
            self.set_next(before, after);
            self.count -= 1;
        }
    }

    /// The free blocks around an offset.
    fn around(&self, at: usize) -> (usize, usize) {
        let (mut before, mut after) = (END, self.head);
        while after <= at {
            (before, after) = (after, self.link(after).next);
        }
        (before, after)
    }
}

impl FreeBlocks for FreeList {
    const GRANULE: usize = size_of::<Link>();
    const START: usize = 0;

    fn over(region: Region) -> Self {
        let size = region.len();
        let mut list = FreeList { region, head: 0, count: 1 };
        list.set(0, size, END);
        list
    }

    fn region(&self) -> &Region {
        &self.region
    }

    fn take(&mut self, size: usize, align: usize) -> Option<usize> {
        let (mut before, mut at) = (END, self.head);
        while at != END {
            let Link { size: has, next } = self.link(at);
            // The region begins at a multiple of every alignment served, so offsets are aligned as addresses are.
            let start = (at + align - 1) & !(align - 1);
            if start + size <= at + has {
                self.carve(before, at, start, size);
                return Some(start);
            }
            (before, at) = (at, next);
        }
        None
    }

    fn put(&mut self, at: usize, size: usize) -> Result<(), Misuse> {
        let (before, after) = self.around(at);
        let end_before = if before == END { 0 } else { before + self.link(before).size };
        if end_before > at || after < at + size {
            return Err(Misuse::AlreadyFree);
        }
        let (mut size, mut next) = (size, after);
        if after == at + size {
            let link = self.link(after);
            (size, next) = (size + link.size, link.next);
            self.count -= 1;
        }
        if before != END && end_before == at {
            self.set(before, at - before + size, next);
        } else {
            self.set(at, size, next);
            self.set_next(before, at);
            self.count += 1;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.count
    }

    fn list(&self) -> Vec<(usize, usize)> {
        let next = |&(at, _): &(usize, usize)| self.block(self.link(at).next);
        std::iter::successors(self.block(self.head), next).collect()
    }

    fn validate_links(&self) -> Result<(), Broken> {
        let (mut at, mut seen) = (self.head, 0);
        while at != END {
            seen += 1;
            ensure!(seen <= self.count, "the list is longer than its {} blocks", self.count);
            at = self.link(at).next;
        }
        Ok(())
    }
}

impl FreeList {
    fn block(&self, at: usize) -> Option<(usize, usize)> {
        (at != END).then(|| (at, self.link(at).size))
    }
}
