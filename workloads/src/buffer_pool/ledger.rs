//! Who has which buffer: a number a buffer that grows with every loan and every return, kept apart from the buffers, so
//! that no holder can write over it.

use super::message::Mark;
use super::pool::Fault;
use crate::sync::{AtomicU32, Ordering};

/// One number a buffer: odd while on loan, even while idle. It comes round after 2^31 loans of the same buffer, so a
/// stale return is taken for a current one if exactly that many lie between.
pub struct Ledger {
    generations: Box<[AtomicU32]>,
}

impl Ledger {
    /// All buffers idle.
    pub fn new(buffers: usize) -> Self {
        Self { generations: (0..buffers).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Bytes of it.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.generations)
    }

    /// Whether no loan is open.
    pub fn is_idle(&self) -> bool {
        // Relaxed: asked by whoever has the pool alone.
        self.generations.iter().all(|entry| entry.load(Ordering::Relaxed).is_multiple_of(2))
    }

    /// Lends an idle buffer, which only the pool's owner does.
    #[inline(always)]
    pub fn open(&self, index: u32) -> Mark {
        let entry = &self.generations[index as usize];
        // Relaxed: the free list through which the index came has ordered the return of it before this.
        let generation = entry.load(Ordering::Relaxed).wrapping_add(1);
        // Relaxed: the loan travels to another thread by a hand-over that orders this store.
        entry.store(generation, Ordering::Relaxed);
        Mark { pool_index: index, generation }
    }

    /// Ends a loan where no other thread can end one.
    ///
    /// # Errors
    /// [`Fault::DoubleReturn`], [`Fault::StaleReturn`], or [`Fault::Foreign`] for a mark that no loan has.
    #[inline(always)]
    pub fn close_alone(&self, mark: Mark) -> Result<(), Fault> {
        let entry = &self.generations[mark.pool_index as usize];
        // Relaxed: one thread alone reads and writes the entries of this pool.
        let current = entry.load(Ordering::Relaxed);
        if current != mark.generation || current.is_multiple_of(2) {
            return Err(refusal(mark, current));
        }
        // Relaxed: as above.
        entry.store(current.wrapping_add(1), Ordering::Relaxed);
        Ok(())
    }

    /// Ends a loan where several threads may try to at once: one of them does.
    ///
    /// # Errors
    /// As [`Ledger::close_alone`].
    #[inline(always)]
    pub fn close(&self, mark: Mark) -> Result<(), Fault> {
        if mark.generation.is_multiple_of(2) {
            return Err(refusal(mark, mark.generation));
        }
        let entry = &self.generations[mark.pool_index as usize];
        let next = mark.generation.wrapping_add(1);
        // Relaxed: which thread ends the loan is all that is decided; the way that the index takes home orders the rest.
        let closed = entry.compare_exchange(mark.generation, next, Ordering::Relaxed, Ordering::Relaxed);
        closed.map(drop).map_err(|current| refusal(mark, current))
    }
}

/// What is wrong with a loan whose generation is not the current one.
#[cold]
fn refusal(mark: Mark, current: u32) -> Fault {
    let index = mark.pool_index;
    match (mark.generation % 2, current % 2) {
        (0, _) => Fault::Foreign { address: index as usize },
        (_, 0) => Fault::DoubleReturn { index },
        _ => Fault::StaleReturn { index },
    }
}
