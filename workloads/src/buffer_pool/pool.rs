//! The contract of a buffer pool: acquiring, writing, releasing, and the faults that a pool detects. How buffers are kept
//! is each variant's own affair.

use perfbench_harness::case::Fact;
use std::fmt;

/// A place from which one thread has its buffers.
pub trait Pool: Sized + 'static {
    /// A buffer on loan.
    type Buffer: Bytes + Send;

    /// A buffer with room for `bytes`, which nobody else holds.
    ///
    /// # Errors
    /// [`Fault::Exhausted`] or [`Fault::Oversize`] where a limit is reached, [`Fault::Corrupted`] or
    /// [`Fault::WrittenAfterReturn`] where the next buffer was written while nobody held it.
    fn acquire(&mut self, bytes: usize) -> Result<Self::Buffer, Fault>;

    /// Takes a buffer back.
    ///
    /// # Errors
    /// What is wrong with it; the pool is then as it was.
    fn release(&mut self, buffer: Self::Buffer) -> Result<(), Fault>;

    /// What the pool knows of itself, for a record.
    fn facts(&self) -> Vec<Fact> {
        Vec::new()
    }
}

/// What a holder does with a buffer.
pub trait Bytes {
    /// Writes a message from the first byte on, in place of what was there.
    ///
    /// # Errors
    /// [`Fault::Oversize`] where there is no room for it.
    fn write(&mut self, message: &[u8]) -> Result<(), Fault>;

    /// The message written last by this holder.
    fn message(&self) -> &[u8];
}

impl Bytes for Vec<u8> {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> Result<(), Fault> {
        self.clear();
        self.extend_from_slice(message);
        Ok(())
    }

    #[inline(always)]
    fn message(&self) -> &[u8] {
        self
    }
}

/// Which idle buffer comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The one that has been idle longest.
    Fifo,
    /// The one returned last.
    Lifo,
}

/// What a pool refuses, at the moment that it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// All buffers are on loan.
    Exhausted {
        /// How many that are.
        buffers: usize,
    },
    /// More bytes than a buffer has.
    Oversize {
        /// How many were asked for.
        bytes: usize,
    },
    /// A return of what is no buffer of this pool.
    Foreign {
        /// Where it lies.
        address: usize,
    },
    /// A return of a buffer that is idle.
    DoubleReturn {
        /// Which.
        index: u32,
    },
    /// A return by somebody who had given it back before it was lent again.
    StaleReturn {
        /// Which.
        index: u32,
    },
    /// A header that somebody has written over.
    Corrupted {
        /// Which buffer's.
        index: u32,
    },
    /// An idle buffer whose bytes have changed. Seen in builds with debug assertions only.
    WrittenAfterReturn {
        /// Which.
        index: u32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { buffers } => write!(f, "all {buffers} buffers are on loan"),
            Self::Oversize { bytes } => write!(f, "no buffer has {bytes} bytes"),
            Self::Foreign { address } => write!(f, "{address:#x} is no buffer of this pool"),
            Self::DoubleReturn { index } => write!(f, "buffer {index} was given back twice"),
            Self::StaleReturn { index } => write!(f, "buffer {index} was given back by a former holder"),
            Self::Corrupted { index } => write!(f, "the header of buffer {index} was overwritten"),
            Self::WrittenAfterReturn { index } => write!(f, "buffer {index} was written after its return"),
        }
    }
}

impl std::error::Error for Fault {}
