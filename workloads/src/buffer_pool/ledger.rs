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

    /// Buffers that it tells of.
    #[inline(always)]
    pub fn buffers(&self) -> usize {
        self.generations.len()
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

    /// Lends an idle buffer, which only the pool's owner does: the free list has its current mark.
    #[inline(always)]
    pub fn open(&self, idle: Mark) -> Mark {
        let loan = idle.next();
        // Relaxed: the loan travels to another thread by a hand-over that orders this store.
        self.generations[idle.pool_index() as usize].store(loan.generation(), Ordering::Relaxed);
        loan
    }

    /// The mark of an idle buffer that came home by its index alone.
    #[inline]
    pub fn idle(&self, index: u32) -> Mark {
        // Relaxed: the way by which the index came has ordered the return of it before this.
        Mark::new(index, self.generations[index as usize].load(Ordering::Relaxed))
    }

    /// Ends a loan where no other thread can end one; the mark of the idle buffer comes back.
    ///
    /// # Errors
    /// [`Fault::DoubleReturn`], [`Fault::StaleReturn`], or [`Fault::Foreign`] for a mark that no loan has.
    #[inline(always)]
    pub fn close_alone(&self, loan: Mark) -> Result<Mark, Fault> {
        let entry = &self.generations[loan.pool_index() as usize];
        // Relaxed: one thread alone reads and writes the entries of this pool.
        let current = entry.load(Ordering::Relaxed);
        if current != loan.generation() || current.is_multiple_of(2) {
            return Err(refusal(loan, current));
        }
        let idle = loan.next();
        // Relaxed: as above.
        entry.store(idle.generation(), Ordering::Relaxed);
        Ok(idle)
    }

    /// Ends a loan where several threads may try to at once: one of them does.
    ///
    /// # Errors
    /// As [`Ledger::close_alone`].
    #[inline(always)]
    pub fn close(&self, loan: Mark) -> Result<Mark, Fault> {
        if loan.generation().is_multiple_of(2) {
            return Err(refusal(loan, loan.generation()));
        }
        let entry = &self.generations[loan.pool_index() as usize];
        let idle = loan.next();
        // Relaxed: which thread ends the loan is all that is decided; the way that the index takes home orders the rest.
        let closed = entry.compare_exchange(
            loan.generation(),
            idle.generation(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        closed.map(|_| idle).map_err(|current| refusal(loan, current))
    }
}

/// What is wrong with a loan whose generation is not the current one.
#[cold]
fn refusal(loan: Mark, current: u32) -> Fault {
    let index = loan.pool_index();
    match (loan.generation() % 2, current % 2) {
        (0, _) => Fault::Foreign { address: index as usize },
        (_, 0) => Fault::DoubleReturn { index },
        _ => Fault::StaleReturn { index },
    }
}
