//! The gil crate, by its write buffer and its read guard.

use super::{Bulk, Read, Write};
use ::gil::spsc::{Receiver, Sender, channel};
use perfbench_harness::Unavailable;
use std::num::NonZeroUsize;

/// What it is, for the table.
pub const ABOUT: &str = "gil by its buffers";

/// The crate's ring between threads.
pub struct Gil;

/// The crate's sender and how much it wrote.
pub struct Writer<T>(Sender<T>, u64);

impl<T: Copy + Send + 'static> Bulk<T> for Gil {
    type Writer = Writer<T>;
    type Reader = Receiver<T>;

    fn ring(capacity: usize) -> Result<(Writer<T>, Receiver<T>), Unavailable> {
        let (sender, receiver) = channel(NonZeroUsize::new(capacity).expect("no ring holds nothing"));
        Ok((Writer(sender, 0), receiver))
    }
}

impl<T: Copy> Writer<T> {
    /// Fills what the crate lends, which ends where the row ends.
    #[inline(always)]
    fn fill(&mut self, from: usize, most: usize, make: &mut impl FnMut(usize) -> T) -> usize {
        let buffer = self.0.write_buffer();
        let count = buffer.len().min(most - from);
        for (index, slot) in buffer[..count].iter_mut().enumerate() {
            slot.write(make(from + index));
        }
        // SAFETY: so many of the slots lent were written.
        unsafe { self.0.commit(count) };
        count
    }
}

impl<T: Copy> Write<T> for Writer<T> {
    #[inline(always)]
    fn write(&mut self, most: usize, mut make: impl FnMut(usize) -> T) -> usize {
        let mut made = 0;
        while made < most {
            let now = self.fill(made, most, &mut make);
            made += now;
            if now == 0 {
                break;
            }
        }
        self.1 += made as u64;
        made
    }

    fn total_written(&self) -> u64 {
        self.1
    }
}

impl<T: Copy> Read<T> for Receiver<T> {
    #[inline(always)]
    fn read(&mut self, most: usize, mut look: impl FnMut(&T)) -> usize {
        let mut seen = 0;
        while seen < most {
            let mut guard = self.read_guard();
            let now = guard.len().min(most - seen);
            if now == 0 {
                break;
            }
            guard.as_slice()[..now].iter().for_each(&mut look);
            guard.advance(now);
            seen += now;
        }
        seen
    }

    fn peek(&mut self, most: usize, look: impl FnMut(&T)) -> usize {
        let guard = self.read_guard();
        let count = guard.len().min(most);
        guard.as_slice()[..count].iter().for_each(look);
        count
    }
}
