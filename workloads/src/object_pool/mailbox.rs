//! The way back of slots that another thread than their owner gives back: chains of them, pushed by one exchange and
//! swapped out all at once. Nothing is ever popped alone, so there is no ABA and no tag.

use crate::sync::{AtomicU32, AtomicU64, Ordering, spin_loop};

/// The link to no slot; slot `i` has the link `i + 1`.
const NONE: u32 = 0;

/// Slots given back and not yet fetched.
#[derive(Debug)]
#[repr(align(128))]
pub struct Mailbox(AtomicU32);

impl Default for Mailbox {
    fn default() -> Self {
        Self(AtomicU32::new(NONE))
    }
}

/// Slots linked into a chain by the thread that gives them back.
#[derive(Debug, Default)]
pub struct Chain {
    first: u32,
    last: u32,
    /// How many they are.
    pub len: usize,
}

impl Chain {
    /// Puts a slot in front.
    #[inline]
    pub fn add(&mut self, links: &[AtomicU64], slot: u32) {
        // Relaxed: published when the chain is posted.
        links[slot as usize].store(u64::from(self.first), Ordering::Relaxed);
        self.first = slot + 1;
        if self.len == 0 {
            self.last = slot;
        }
        self.len += 1;
    }
}

impl Mailbox {
    /// Sends a chain, which is empty afterwards.
    pub fn post(&self, links: &[AtomicU64], chain: &mut Chain) {
        let Chain { first, last, len } = std::mem::take(chain);
        if len == 0 {
            return;
        }
        // Relaxed: of what is there only its number is kept.
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            links[last as usize].store(u64::from(seen), Ordering::Relaxed);
            // Release: pairs with the swap in `fetch`, which reads the links and what the slots hold.
            match self.0.compare_exchange(seen, first, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
            spin_loop();
        }
    }

    /// Takes all that was sent.
    pub fn fetch(&self, links: &[AtomicU64], mut take: impl FnMut(u32)) {
        // Relaxed: an empty box is left alone.
        if self.0.load(Ordering::Relaxed) == NONE {
            return;
        }
        // Acquire: pairs with the exchanges of all that posted.
        let mut link = self.0.swap(NONE, Ordering::Acquire);
        while link != NONE {
            let slot = link - 1;
            link = links[slot as usize].load(Ordering::Relaxed) as u32;
            take(slot);
        }
    }
}
