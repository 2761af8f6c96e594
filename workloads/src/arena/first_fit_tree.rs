//! First fit over a red-black tree in address order that lives in the free blocks: 48 bytes each, every node knowing the
//! largest block below it, so that a search goes down once. The rules of red and black are in `balance`.

mod balance;
mod validate;

use super::Misuse;
use super::heap::{FreeBlocks, Heap};
use super::region::{Node, Region};
use perfbench_harness::Broken;

/// What it is, for the table.
pub const ABOUT: &str =
    "address-ordered red-black tree with the largest block below, 48 bytes a free block, O(log N)";

/// The arena over this tree.
pub type Arena = Heap<FreeTree>;

/// The empty tree: a black node without a block at the region's first bytes, so that a missing child reads like one.
const NIL: usize = 0;
const LEFT: usize = 0;
const RIGHT: usize = 1;

/// What stands at the beginning of a free block; links are offsets.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct Knot {
    size: usize,
    parent: usize,
    child: [usize; 2],
    /// Size of the largest block in the subtree.
    max: usize,
    red: usize,
}

const _: () = assert!(size_of::<Knot>() == 48);

// SAFETY: six integers, aligned to 8.
unsafe impl Node for Knot {}

/// Free blocks as a tree.
pub struct FreeTree {
    region: Region,
    root: usize,
    count: usize,
}

/// Where an offset belongs among the free blocks.
struct Place {
    before: usize,
    after: usize,
    parent: usize,
}

impl FreeTree {
    #[inline(always)]
    fn knot(&self, at: usize) -> &Knot {
        self.region.node(at)
    }

    #[inline(always)]
    fn knot_mut(&mut self, at: usize) -> &mut Knot {
        self.region.node_mut(at)
    }

    #[inline(always)]
    fn child(&self, at: usize, side: usize) -> usize {
        self.knot(at).child[side]
    }

    #[inline(always)]
    fn end(&self, at: usize) -> usize {
        at + self.knot(at).size
    }

    /// The first block in address order of at least `size` bytes.
    fn first_fit(&self, size: usize) -> Option<usize> {
        let mut at = self.root;
        if self.knot(at).max < size {
            return None;
        }
        loop {
            let knot = self.knot(at);
            let left = knot.child[LEFT];
            if self.knot(left).max >= size {
                at = left;
            } else if knot.size >= size {
                return Some(at);
            } else {
                at = knot.child[RIGHT];
                assert!(at != NIL, "a node promised a block of {size} bytes that nobody has");
            }
        }
    }

    fn place(&self, at: usize) -> Place {
        let mut place = Place { before: NIL, after: NIL, parent: NIL };
        let mut next = self.root;
        while next != NIL {
            place.parent = next;
            let side = usize::from(next <= at);
            *(if side == RIGHT { &mut place.before } else { &mut place.after }) = next;
            next = self.child(next, side);
        }
        place
    }

    /// Cuts `start..start + size` out of the free block at `at`.
    fn carve(&mut self, at: usize, start: usize, size: usize) {
        let (end, stop) = (self.end(at), start + size);
        match (at < start, stop < end) {
            (false, false) => self.remove(at),
            (false, true) => self.relocate(at, stop, end - stop),
            (true, false) => self.resize(at, start - at),
            (true, true) => {
                self.resize(at, start - at);
                let parent = self.place(stop).parent;
                self.insert(stop, end - stop, parent);
            }
        }
    }

    fn resize(&mut self, at: usize, size: usize) {
        self.knot_mut(at).size = size;
        self.refresh(at);
    }

    /// Moves a block's border, and with it the node; its place in the order stays.
    fn relocate(&mut self, from: usize, to: usize, size: usize) {
        let knot = Knot { size, ..*self.knot(from) };
        *self.knot_mut(to) = knot;
        self.replace_child(knot.parent, from, to);
        for child in knot.child.into_iter().filter(|child| *child != NIL) {
            self.knot_mut(child).parent = to;
        }
        self.refresh(to);
    }

    fn replace_child(&mut self, parent: usize, from: usize, to: usize) {
        if parent == NIL {
            self.root = to;
            return;
        }
        let knot = self.knot_mut(parent);
        knot.child[usize::from(knot.child[RIGHT] == from)] = to;
    }

    fn max_of(&self, at: usize) -> usize {
        let knot = self.knot(at);
        knot.size.max(self.knot(knot.child[LEFT]).max).max(self.knot(knot.child[RIGHT]).max)
    }

    /// Restores the largest sizes from `at` upwards, as far as they change.
    fn refresh(&mut self, mut at: usize) {
        while at != NIL {
            let max = self.max_of(at);
            let knot = self.knot_mut(at);
            if knot.max == max {
                return;
            }
            knot.max = max;
            at = knot.parent;
        }
    }

    fn collect(&self, at: usize, blocks: &mut Vec<(usize, usize)>) {
        if at != NIL {
            self.collect(self.child(at, LEFT), blocks);
            blocks.push((at, self.knot(at).size));
            self.collect(self.child(at, RIGHT), blocks);
        }
    }
}

/// How far a block must exceed a request for every alignment to find its place: steps of the granule meet a multiple of
/// `align` once in three times `align`, because 48 is three times 16.
fn slack(align: usize) -> usize {
    if align <= 16 { 0 } else { 3 * align - FreeTree::GRANULE }
}

impl FreeBlocks for FreeTree {
    const GRANULE: usize = size_of::<Knot>();
    const START: usize = size_of::<Knot>();

    fn over(region: Region) -> Self {
        let size = region.len() - Self::START;
        let mut tree = FreeTree { region, root: NIL, count: 0 };
        tree.insert(Self::START, size, NIL);
        tree
    }

    fn region(&self) -> &Region {
        &self.region
    }

    fn take(&mut self, size: usize, align: usize) -> Option<usize> {
        let slack = slack(align);
        let at = self.first_fit(size + slack)?;
        let start = if slack == 0 { at } else { at.next_multiple_of(slack + Self::GRANULE) };
        self.carve(at, start, size);
        Some(start)
    }

    fn put(&mut self, at: usize, size: usize) -> Result<(), Misuse> {
        let Place { before, after, parent } = self.place(at);
        let (end_before, end) = (self.end(before), at + size);
        if end_before > at || (after != NIL && after < end) {
            return Err(Misuse::AlreadyFree);
        }
        // Nothing ends or begins at an offset of `NIL`, so an absent neighbour never touches.
        match (end_before == at, after == end) {
            (true, true) => {
                let end = self.end(after);
                self.remove(after);
                self.resize(before, end - before);
            }
            (true, false) => self.resize(before, end - before),
            (false, true) => self.relocate(after, at, self.end(after) - at),
            (false, false) => self.insert(at, size, parent),
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.count
    }

    fn list(&self) -> Vec<(usize, usize)> {
        let mut blocks = Vec::with_capacity(self.count);
        self.collect(self.root, &mut blocks);
        blocks
    }

    fn validate_links(&self) -> Result<(), Broken> {
        self.validate_tree()
    }
}
