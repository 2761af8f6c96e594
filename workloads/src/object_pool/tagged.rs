//! A lock-free stack of numbered places whose links lie beside it. What its head is, and so whether it can be fooled by a
//! place that went and came back meanwhile (ABA), is a type parameter; what the places hold is the owner's affair.

use crate::sync::{AtomicU64, Ordering, spin_loop};

/// The link to no place; place `i` has the link `i + 1`.
const NONE: u32 = 0;

/// The head's value: the link of the topmost place, and how many pops there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top {
    /// Pops until now, as far as the head counts them.
    pub tag: u64,
    /// Link of the topmost place.
    pub link: u32,
}

/// A word that holds a [`Top`] and is exchanged whole.
pub trait Head: Send + Sync + 'static {
    /// One for an empty stack with these links.
    fn new(links: &[AtomicU64]) -> Self;

    /// Reads it.
    fn load(&self, order: Ordering) -> Top;

    /// Replaces what was seen.
    ///
    /// # Errors
    /// What is there instead.
    fn exchange(&self, seen: Top, new: Top, success: Ordering, failure: Ordering) -> Result<(), Top>;
}

/// The stack. A link word holds the link of the next place below and how many places lie in the stack up to here, so that
/// the number of idle ones is known without another shared counter.
#[repr(align(128))]
#[derive(Debug)]
pub struct Stack<H>(H);

/// Links for that many places.
pub fn links(places: usize) -> Box<[AtomicU64]> {
    (0..places).map(|_| AtomicU64::new(0)).collect()
}

impl<H: Head> Stack<H> {
    /// A stack without places.
    pub fn empty(links: &[AtomicU64]) -> Self {
        Self(H::new(links))
    }

    /// A stack of all places, the first on top.
    pub fn full(links: &[AtomicU64]) -> Self {
        let stack = Self::empty(links);
        (0..links.len()).rev().for_each(|place| assert!(stack.push(links, place as u32, u32::MAX)));
        stack
    }

    /// Takes the topmost place.
    #[inline]
    pub fn pop(&self, links: &[AtomicU64]) -> Option<u32> {
        // Acquire, as where the exchange failed: pairs with the exchange of `push`, whose link and contents are read next.
        let mut seen = self.0.load(Ordering::Acquire);
        while seen.link != NONE {
            let place = seen.link - 1;
            // Relaxed: published by the push that was just seen. Another thread may have taken the place and written
            // this link anew; then the tag has moved on and the exchange fails.
            let below = links[place as usize].load(Ordering::Relaxed) as u32;
            let new = Top { tag: seen.tag + 1, link: below };
            // Relaxed where it succeeds: what was seen had been acquired, and the exchange leaves older pushes visible.
            match self.0.exchange(seen, new, Ordering::Relaxed, Ordering::Acquire) {
                Ok(()) => return Some(place),
                Err(now) => seen = now,
            }
            spin_loop();
        }
        None
    }

    /// Puts a place on top, unless `places_max` are in the stack: then it stays with the caller.
    #[inline]
    pub fn push(&self, links: &[AtomicU64], place: u32, places_max: u32) -> bool {
        // Relaxed: of what lies below only its number and its depth are read, and a wrong depth comes with a wrong number.
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let depth = self.depth_of(seen, links);
            if depth >= places_max {
                return false;
            }
            // Relaxed: published by the exchange.
            links[place as usize].store(u64::from(depth + 1) << 32 | u64::from(seen.link), Ordering::Relaxed);
            let new = Top { link: place + 1, ..seen };
            // Release: pairs with the loads of `pop`.
            match self.0.exchange(seen, new, Ordering::Release, Ordering::Relaxed) {
                Ok(()) => return true,
                Err(now) => seen = now,
            }
            spin_loop();
        }
    }

    /// Places in the stack now.
    pub fn len(&self, links: &[AtomicU64]) -> usize {
        // Relaxed: a number to look at.
        self.depth_of(self.0.load(Ordering::Relaxed), links) as usize
    }

    /// Pops until now.
    pub fn pops(&self) -> u64 {
        // Relaxed: a number to look at.
        self.0.load(Ordering::Relaxed).tag
    }

    fn depth_of(&self, top: Top, links: &[AtomicU64]) -> u32 {
        match top.link {
            NONE => 0,
            // Relaxed: see `push`.
            link => (links[link as usize - 1].load(Ordering::Relaxed) >> 32) as u32,
        }
    }
}
