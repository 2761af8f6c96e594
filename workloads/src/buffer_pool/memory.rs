//! A row of raw messages in one region of pages, and the checks on a loan's way out and home. Which message comes next is
//! not here.

use super::ledger::Ledger;
use super::message::{IDLE, Loan, Mark, RawMessage};
use super::pool::Fault;
use crate::pages::{Pages, Wish};
use perfbench_harness::Unavailable;
use perfbench_harness::case::Fact;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// Whether idle buffers are filled with a pattern that a write shows in.
const POISONS: bool = cfg!(debug_assertions);

/// The messages of one pool and who has them. Memory of which some is still on loan when the pool goes is never unmapped.
pub struct Messages {
    pages: ManuallyDrop<Pages>,
    stride_bytes: usize,
    ledger: Ledger,
}

impl Messages {
    /// A row of idle messages, `stride_bytes` apart.
    ///
    /// # Errors
    /// What the kernel refused.
    pub fn new(buffers: usize, stride_bytes: usize, wish: Wish) -> Result<Self, Unavailable> {
        assert!(stride_bytes.is_multiple_of(align_of::<RawMessage>()) && u32::try_from(buffers).is_ok());
        assert!(buffers > 0 && stride_bytes >= size_of::<RawMessage>(), "messages do not overlap");
        let pages = ManuallyDrop::new(Pages::new(buffers * stride_bytes, wish)?);
        Ok(Self { pages, stride_bytes, ledger: Ledger::new(buffers) })
    }

    /// How many there are.
    #[inline(always)]
    pub fn buffers(&self) -> usize {
        self.ledger.buffers()
    }

    /// Bytes of the messages and of the ledger.
    pub fn bytes(&self) -> usize {
        self.buffers() * self.stride_bytes + self.ledger.bytes()
    }

    /// Where a message lies.
    #[inline(always)]
    pub fn place(&self, index: u32) -> NonNull<RawMessage> {
        assert!((index as usize) < self.buffers(), "a free list gave the index {index}");
        // SAFETY: the region was made for this many strides.
        unsafe { self.pages.start().add(index as usize * self.stride_bytes) }.cast()
    }

    /// The mark of an idle message that came home by its index alone.
    #[inline]
    pub fn idle(&self, index: u32) -> Mark {
        self.ledger.idle(index)
    }

    /// Lends an idle message.
    ///
    /// # Errors
    /// [`Fault::Corrupted`] or [`Fault::WrittenAfterReturn`] where it was written while idle.
    #[inline(always)]
    pub fn lend(&self, idle: Mark) -> Result<Loan, Fault> {
        let index = idle.pool_index();
        let mut place = self.place(index);
        // SAFETY: an idle message of a live region; any bytes are a message, and its pool alone may use it.
        let message = unsafe { place.as_mut() };
        if message.header.mark != IDLE {
            return Err(Fault::Corrupted { index });
        }
        if POISONS && !message.is_untouched() {
            return Err(Fault::WrittenAfterReturn { index });
        }
        message.header.mark = self.ledger.open(idle);
        // SAFETY: the ledger has just opened this loan, and no other loan of an idle message is used.
        Ok(unsafe { Loan::from_parts(place, message.header.mark) })
    }

    /// Ends a loan where the owner alone ends loans; the mark of the idle message comes back.
    ///
    /// # Errors
    /// What is wrong with it. Nothing is changed then, but that a message whose header was written over is not lent again.
    #[inline(always)]
    pub fn take_home(&self, loan: Loan) -> Result<Mark, Fault> {
        self.ended(loan, Ledger::close_alone)
    }

    /// As [`Messages::take_home`] where other threads may end the same loan at the same time.
    ///
    /// # Errors
    /// As there.
    #[inline(always)]
    pub fn take_home_from_any_thread(&self, loan: Loan) -> Result<Mark, Fault> {
        self.ended(loan, Ledger::close)
    }

    #[inline(always)]
    fn ended(
        &self,
        loan: Loan,
        close: impl FnOnce(&Ledger, Mark) -> Result<Mark, Fault>,
    ) -> Result<Mark, Fault> {
        let (mut place, mark) = (loan.place(), loan.mark());
        let index = mark.pool_index();
        if index as usize >= self.buffers() || self.place(index) != place {
            return Err(Fault::Foreign { address: place.addr().get() });
        }
        let idle = close(&self.ledger, mark)?;
        // SAFETY: a message of a live region whose loan has just ended here: nobody else may use it.
        let message = unsafe { place.as_mut() };
        if message.header.mark != mark {
            return Err(Fault::Corrupted { index });
        }
        if POISONS {
            message.poison();
        }
        message.header.mark = IDLE;
        Ok(idle)
    }

    /// Gives the pages of all messages back to the kernel: their next use is their first again.
    ///
    /// # Panics
    /// Where a message is on loan.
    pub fn discard(&mut self) {
        assert!(self.ledger.is_idle(), "somebody still reads what would be given back");
        self.pages.discard();
    }

    /// What is known of the memory, for a record.
    pub fn facts(&self, free_list_bytes: usize) -> Vec<Fact> {
        let gibibytes = (self.bytes() + free_list_bytes) as f64 / (1u64 << 30) as f64;
        let own = [
            Fact::new("buffers", "buffers", self.buffers() as f64),
            Fact::new("memory_gib", "GiB", gibibytes),
        ];
        own.into_iter().chain(self.pages.facts()).collect()
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        if self.ledger.is_idle() {
            // SAFETY: dropped once, here; no loan is left that could lead into the pages.
            unsafe { ManuallyDrop::drop(&mut self.pages) };
        }
    }
}
