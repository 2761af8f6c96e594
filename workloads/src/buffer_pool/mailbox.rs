//! A stack of indices onto which any thread posts and from which one thread takes all at once. Because nothing is ever
//! taken singly, a head that comes back is no danger.

use crate::ring_spsc::memory::Line;
use crate::sync::{AtomicU32, Ordering};

/// No index.
const NONE: u32 = u32::MAX;

/// The newest posted index and, for each index, the one posted before it.
pub struct Mailbox {
    head: Line<AtomicU32>,
    before: Box<[AtomicU32]>,
}

impl Mailbox {
    /// An empty mailbox for the indices below `indices`.
    ///
    /// # Panics
    /// Where that many cannot be told from no index.
    pub fn new(indices: usize) -> Self {
        assert!(indices < NONE as usize, "the largest number stands for none");
        Self {
            head: Line(AtomicU32::new(NONE)),
            before: (0..indices).map(|_| AtomicU32::new(NONE)).collect(),
        }
    }

    /// Posts all that a chain holds with one exchange, and leaves it empty.
    #[inline]
    pub fn post(&self, chain: &mut Chain) {
        if chain.count == 0 {
            return;
        }
        // Relaxed: the head is compared, not followed.
        let mut head = self.head.0.load(Ordering::Relaxed);
        loop {
            self.link(chain.last, head);
            // Release hands over the chain and all that was written before it; pairs with the Acquire in `take_all`, also
            // where other posts come between, because an exchange continues the release of the one before it.
            match self.head.0.compare_exchange_weak(head, chain.first, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(newer) => head = newer,
            }
        }
        *chain = Chain::default();
    }

    /// Takes every posted index, the newest first.
    #[inline]
    pub fn take_all(&self) -> Posted<'_> {
        // Relaxed: an early look that spares the exchange; what it misses is found next time.
        if self.head.0.load(Ordering::Relaxed) == NONE {
            return Posted { mailbox: self, next: NONE };
        }
        // Acquire takes the chains over; pairs with the Release in `post`.
        Posted { mailbox: self, next: self.head.0.swap(NONE, Ordering::Acquire) }
    }

    #[inline]
    fn link(&self, index: u32, before: u32) {
        // Relaxed: whoever posts the index orders this.
        self.before[index as usize].store(before, Ordering::Relaxed);
    }
}

/// Indices that one thread gathers before it posts them.
#[derive(Debug)]
pub struct Chain {
    first: u32,
    last: u32,
    count: usize,
}

impl Default for Chain {
    fn default() -> Self {
        Self { first: NONE, last: NONE, count: 0 }
    }
}

impl Chain {
    /// Adds an index, which is in no chain and not posted.
    #[inline]
    pub fn add(&mut self, mailbox: &Mailbox, index: u32) {
        mailbox.link(index, self.first);
        if self.count == 0 {
            self.last = index;
        }
        self.first = index;
        self.count += 1;
    }

    /// How many it holds.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// The indices taken.
pub struct Posted<'a> {
    mailbox: &'a Mailbox,
    next: u32,
}

impl Iterator for Posted<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let index = self.next;
        // Relaxed: taking the chain has ordered the links before this.
        self.next = self.mailbox.before.get(index as usize)?.load(Ordering::Relaxed);
        Some(index)
    }
}
