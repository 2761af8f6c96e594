//! Which memory node the pages of a segment lie on (document 003): table, contract, check and what is timed.

pub mod bound;
pub mod unbound;

use crate::pages::node;
use crate::shm::{Placed, Segment, layout_hash, scratch};
use perfbench_harness::case::{Body, Case, Fact, solo};
use perfbench_harness::{
    Broken, Isa, Point, Reason, Role, Setup, Suite, Unavailable, Variant, Workload, ensure,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Pages of the segment that is bound.
const PAGES: usize = 256;
const PAGE_BYTES: usize = 4096;

/// The ways to say where memory is to lie.
pub static WORKLOAD: Workload = Workload {
    name: "numa_bind",
    about: "Does the memory of a segment lie on the node that it was bound to, and is it nearer there?",
    source: "003",
    points: &[Point {
        name: "touch",
        about: "write one word of each of 256 pages in turn; the share of pages on the wanted node is a fact",
        unit_of_work: "page",
        size: (PAGES * PAGE_BYTES) as u64,
        cpus: 1,
        bound: Err("the pages fit the second-level cache: only the first touch of each is the node's affair"),
        latency: false,
        suite: Suite::Full,
    }],
    variants: &[
        variant::<unbound::Unbound>("unbound", unbound::ABOUT, Role::Baseline),
        variant::<bound::Bound>("bound", bound::ABOUT, Role::Documented),
    ],
};

/// The contract: a say in where the pages of a segment lie.
pub trait Placement: 'static {
    /// Asks for `node`.
    ///
    /// # Errors
    /// What the kernel refused.
    fn place(segment: &Segment, node: u32) -> Result<(), Unavailable>;

    /// Whether the pages must then lie there.
    const BINDS: bool;
}

const fn variant<P: Placement>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let (suite, needs) = (Suite::Full, Isa::NONE);
    Variant { name, about, role, suite, needs, build: build::<P>, check: |_| check::<P>() }
}

fn build<P: Placement>(_: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let nodes = nodes_with_memory();
    if P::BINDS && nodes.len() < 2 {
        let detail = "one memory node only: every page lies on it, whatever is asked for";
        return Err(Unavailable::new(Reason::NoNuma, detail));
    }
    // The last node, because what nobody binds tends to lie on the first.
    let node = *nodes.last().expect("a machine has memory");
    Ok(solo(Touching::of::<P>(node)?))
}

/// Nodes that have memory; node 0 alone where the kernel does not tell.
fn nodes_with_memory() -> Vec<u32> {
    let listed = std::fs::read_to_string("/sys/devices/system/node/has_memory").unwrap_or_default();
    let nodes: Vec<u32> = listed.trim().split(',').filter_map(range).flatten().collect();
    if nodes.is_empty() { vec![0] } else { nodes }
}

/// `3` or `0-3`.
fn range(text: &str) -> Option<std::ops::RangeInclusive<u32>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

/// A segment whose pages are written in turn.
struct Touching {
    segment: Arc<Segment>,
    words: Placed<[AtomicU64]>,
    node: u32,
}

const WORDS_A_PAGE: usize = PAGE_BYTES / size_of::<u64>();

impl Touching {
    fn of<P: Placement>(node: u32) -> Result<Self, Unavailable> {
        let segment = scratch("numa", (PAGES * PAGE_BYTES) as u64, layout_hash("numa_bind"))?;
        P::place(&segment, node)?;
        let words = Placed::row(&segment, 0, PAGES * WORDS_A_PAGE)?;
        let mut touching = Self { segment, words, node };
        (0..PAGES as u64).for_each(|page| _ = touching.op(page));
        Ok(touching)
    }

    fn on_node_percent(&self) -> Result<f64, Unavailable> {
        let mut there = 0;
        for page in 0..PAGES {
            let place = self.segment.place::<u8>((page * PAGE_BYTES) as u64, PAGE_BYTES)?;
            there += usize::from(node::of_page(place)? == self.node);
        }
        Ok(100.0 * there as f64 / PAGES as f64)
    }
}

impl Body for Touching {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        let page = i as usize % PAGES;
        // Relaxed: the word says nothing.
        self.words[page * WORDS_A_PAGE].store(i, Ordering::Relaxed);
        i
    }

    fn facts(&mut self) -> Vec<Fact> {
        let percent = self.on_node_percent().ok();
        percent.map(|value| Fact::new("on_node_percent", "% pages", value)).into_iter().collect()
    }
}

/// The one check of this workload: the kernel says of every page that it lies where it was bound to.
///
/// # Errors
/// How many do not.
pub fn check<P: Placement>() -> Result<(), Broken> {
    for node in nodes_with_memory() {
        let touching = Touching::of::<P>(node).map_err(|refusal| Broken(refusal.to_string()))?;
        let percent = touching.on_node_percent().map_err(|refusal| Broken(refusal.to_string()))?;
        ensure!(!P::BINDS || percent == 100.0, "{percent} % of the pages lie on node {node}");
    }
    Ok(())
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn every_placement_keeps_the_contract_and_one_node_is_said_to_be_one() {
        if testing::skipped_in_an_emulated_process("memory nodes") {
            return;
        }
        for variant in WORKLOAD.variants {
            assert_eq!(testing::check(&WORKLOAD, variant), Ok(()), "{}", variant.name);
            let built = testing::build(variant, &WORKLOAD.points[0]);
            let single = nodes_with_memory().len() < 2;
            assert_eq!(built.is_err(), single && variant.name == "bound");
        }
    }

    #[test]
    fn the_kernel_tells_of_pages_that_are_there_and_refuses_a_node_that_is_not() {
        if testing::skipped_in_an_emulated_process("memory nodes") {
            return;
        }
        let touching = Touching::of::<unbound::Unbound>(0).unwrap();
        let node = node::of_page(touching.segment.payload()).unwrap();
        assert!(nodes_with_memory().contains(&node));
        assert!(bound::Bound::place(&touching.segment, 63).is_err());
    }
}
