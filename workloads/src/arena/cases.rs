//! What one operation is at the generated points: a hot pair, a window behind a comb of holes, random churn.

use super::{Arena, Misuse, design_facts};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Reason, Unavailable};
use std::alloc::Layout;
use std::ptr::NonNull;

/// Largest block that churn replaces.
const CHURN_MAX_BYTES: usize = 512;

/// A block with what it was asked for; its first byte is a stamp that its user put there.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// Where it is.
    pub block: NonNull<u8>,
    /// What it was asked for.
    pub layout: Layout,
}

impl Held {
    /// Allocates and stamps a block.
    #[inline(always)]
    pub fn take<A: Arena>(arena: &mut A, layout: Layout, stamp: u8) -> Option<Self> {
        Some(Held { block: arena.allocate(layout)?, layout }.stamped(stamp))
    }

    /// Writes a new stamp.
    #[inline(always)]
    pub fn stamped(self, stamp: u8) -> Self {
        let block = std::hint::black_box(self.block);
        // SAFETY: the block is live and has at least one byte.
        unsafe { block.write(stamp) };
        Held { block, layout: self.layout }
    }

    /// Frees the block; the value is its stamp.
    #[inline(always)]
    pub fn give_back<A: Arena>(self, arena: &mut A) -> Result<u64, Misuse> {
        // SAFETY: the block is live, and was stamped when it was taken.
        let stamp = unsafe { self.block.read() };
        // SAFETY: a `Held` is made by allocating with its layout and given back once.
        unsafe { arena.free(self.block, self.layout) }?;
        Ok(u64::from(stamp))
    }
}

/// A layout at malloc's alignment.
pub fn bytes(size: usize) -> Layout {
    Layout::from_size_align(size, 16).expect("the size is far below the largest")
}

fn arena<A: Arena>(bytes: usize) -> Result<A, Unavailable> {
    A::with_capacity(bytes)
        .ok_or_else(|| Unavailable::new(Reason::Unsupported, format!("no region of {bytes} bytes to be had")))
}

fn taken<A: Arena>(arena: &mut A, layout: Layout, stamp: u8) -> Held {
    Held::take(arena, layout, stamp).expect("the arena has room for this point")
}

/// Blocks of one size, each freed at once.
pub fn pairs<A: Arena>(size: usize) -> Result<Box<dyn Case>, Unavailable> {
    Ok(solo(Pairs { arena: arena::<A>(1 << 20)?, layout: bytes(size) }))
}

struct Pairs<A> {
    arena: A,
    layout: Layout,
}

impl<A: Arena> Body for Pairs<A> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let held = taken(&mut self.arena, self.layout, i as u8);
        held.give_back(&mut self.arena).expect("the block is live")
    }

    fn facts(&mut self) -> Vec<Fact> {
        design_facts(&self.arena)
    }
}

/// Live blocks, one of which is replaced by each operation.
struct Replace<A: Arena, P> {
    arena: A,
    live: Vec<Held>,
    random: Random,
    pick: P,
}

/// Which block comes next, and how large its successor is, from 64 random bits.
trait Pick {
    fn pick(&mut self, bits: u64, live: usize) -> (usize, usize);
}

impl<A: Arena, P: Pick> Replace<A, P> {
    #[inline(always)]
    fn replace(&mut self, stamp: u8) -> u64 {
        let (victim, size) = self.pick.pick(self.random.bits(), self.live.len());
        let held = &mut self.live[victim];
        let value = held.give_back(&mut self.arena).expect("the block is live");
        *held = taken(&mut self.arena, bytes(size), stamp);
        value
    }
}

impl<A: Arena, P: Pick> Body for Replace<A, P> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        self.replace(i as u8)
    }

    fn facts(&mut self) -> Vec<Fact> {
        design_facts(&self.arena)
    }
}

impl<A: Arena, P> Drop for Replace<A, P> {
    fn drop(&mut self) {
        for held in self.live.drain(..) {
            held.give_back(&mut self.arena).expect("the block is live");
        }
    }
}

/// The oldest of the first [`WINDOW`] blocks makes room for 49 to 576 bytes.
struct Oldest(usize);

/// Size of a hole of the comb: the smallest block of every design, so that no request of the window fits.
const HOLE_BYTES: usize = 48;

const WINDOW: usize = 16;

impl Pick for Oldest {
    #[inline(always)]
    fn pick(&mut self, bits: u64, _live: usize) -> (usize, usize) {
        self.0 = (self.0 + 1) % WINDOW;
        (self.0, HOLE_BYTES + 1 + scaled(bits as u32, 528))
    }
}

/// Any block makes room for 16 to 512 bytes.
struct AnyOf;

impl Pick for AnyOf {
    #[inline(always)]
    fn pick(&mut self, bits: u64, live: usize) -> (usize, usize) {
        (scaled((bits >> 32) as u32, live), 16 + scaled(bits as u32, CHURN_MAX_BYTES - 15))
    }
}

#[inline(always)]
fn scaled(bits: u32, below: usize) -> usize {
    ((u64::from(bits) * below as u64) >> 32) as usize
}

/// A comb of `holes` free blocks between live ones, none of which can join another or serve a request, and behind it a
/// window of live blocks replaced in turn. First fit passes by every hole. The holes arise in random order: in address
/// order a red-black tree would lean, twice as deep to the right as balanced.
pub fn holes<A: Arena>(holes: usize, seed: u64) -> Result<impl Body, Unavailable> {
    let mut arena = arena::<A>(2 * holes * HOLE_BYTES + (1 << 20))?;
    let comb: Vec<Held> = (0..2 * holes).map(|_| taken(&mut arena, bytes(HOLE_BYTES), 0)).collect();
    let mut teeth: Vec<&[Held]> = comb.chunks_exact(2).collect();
    let mut random = Random::new(seed);
    random.shuffle(&mut teeth);
    let mut live: Vec<Held> = (0..WINDOW).map(|_| taken(&mut arena, bytes(HOLE_BYTES + 1), 0)).collect();
    for tooth in teeth {
        tooth[0].give_back(&mut arena).expect("the block is live");
        live.push(tooth[1]);
    }
    Ok(Replace { arena, live, random, pick: Oldest(0) })
}

/// `live` blocks of 16 to 512 bytes, as old as after two replacements each.
pub fn churn<A: Arena>(live: usize, seed: u64) -> Result<Box<dyn Case>, Unavailable> {
    let mut arena = arena::<A>(live * CHURN_MAX_BYTES * 2 + (1 << 20))?;
    let mut random = Random::new(seed);
    let sizes: Vec<usize> = (0..live).map(|_| AnyOf.pick(random.bits(), live).1).collect();
    let blocks = sizes.into_iter().map(|size| taken(&mut arena, bytes(size), 0)).collect();
    let mut churn = Replace { arena, live: blocks, random, pick: AnyOf };
    for _ in 0..2 * live {
        churn.replace(0);
    }
    Ok(solo(churn))
}
