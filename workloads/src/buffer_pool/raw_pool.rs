//! What the pools of raw messages share: memory, checks and a list of idle indices. The lists are the variants.

use super::memory::Messages;
use super::message::{DATA_BYTES, Loan, Mark, RawMessage};
use super::pool::{Fault, Order, Pool};
use crate::pages::Wish;
use crate::sync::Arc;
use perfbench_harness::Unavailable;
use perfbench_harness::case::Fact;

/// The marks of idle messages.
pub trait FreeList: Sized + 'static {
    /// Which message comes next.
    const ORDER: Order;

    /// A list of all messages below `buffers`, the lowest first, none of which was ever lent.
    ///
    /// # Errors
    /// What the machine refused.
    fn full(buffers: usize) -> Result<Self, Unavailable>;

    /// Takes the next message, if there is one.
    fn take(&mut self) -> Option<Mark>;

    /// Puts a message in, which is not in it.
    fn give(&mut self, idle: Mark);

    /// Bytes of it.
    fn bytes(&self) -> usize;
}

/// From message to message where they lie end to end.
pub const DENSE_BYTES: usize = size_of::<RawMessage>();

/// A pool of raw messages that one thread has: acquiring and releasing take `&mut`, so no other thread can do either.
pub struct RawPool<F, const STRIDE_BYTES: usize = DENSE_BYTES> {
    pub(super) messages: Arc<Messages>,
    pub(super) idle: F,
}

/// A pool whose loans are pointers, so that whatever they are given back as must be looked at.
pub trait Raw: Pool<Buffer = Loan> {
    /// Which message comes next.
    const ORDER: Order;

    /// A pool of idle messages.
    ///
    /// # Errors
    /// What the machine refused.
    fn new(buffers: usize, wish: Wish) -> Result<Self, Unavailable>;

    /// How many messages it has.
    fn buffers(&self) -> usize;

    /// Gives the memory back to the kernel, so that the next use of each message is its first.
    ///
    /// # Panics
    /// Where a message is on loan.
    fn discard(&mut self);
}

impl<F: FreeList, const STRIDE_BYTES: usize> Raw for RawPool<F, STRIDE_BYTES> {
    const ORDER: Order = F::ORDER;

    fn new(buffers: usize, wish: Wish) -> Result<Self, Unavailable> {
        Ok(Self { messages: Arc::new(Messages::new(buffers, STRIDE_BYTES, wish)?), idle: F::full(buffers)? })
    }

    fn buffers(&self) -> usize {
        self.messages.buffers()
    }

    fn discard(&mut self) {
        Arc::get_mut(&mut self.messages).expect("a pool that is not split has its memory alone").discard();
    }
}

impl<F: FreeList, const STRIDE_BYTES: usize> Pool for RawPool<F, STRIDE_BYTES> {
    type Buffer = Loan;

    #[inline(always)]
    fn acquire(&mut self, bytes: usize) -> Result<Loan, Fault> {
        if bytes > DATA_BYTES {
            return Err(Fault::Oversize { bytes });
        }
        match self.idle.take() {
            Some(idle) => self.messages.lend(idle),
            None => Err(Fault::Exhausted { buffers: self.messages.buffers() }),
        }
    }

    #[inline(always)]
    fn release(&mut self, loan: Loan) -> Result<(), Fault> {
        let idle = self.messages.take_home(loan)?;
        self.idle.give(idle);
        Ok(())
    }

    fn facts(&self) -> Vec<Fact> {
        self.messages.facts(self.idle.bytes())
    }
}
