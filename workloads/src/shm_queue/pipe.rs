//! Eight-byte messages through a pipe. Both ends are non-blocking, and a side that must wait sleeps in `poll`.

use super::unix_socket::{moved, owned_pair, queued_messages, ready, refused};
use crate::ring_spsc::waiting::Wait;
use crate::ring_spsc::{Pop, Push, Spsc};
use perfbench_harness::Unavailable;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, OwnedFd};

/// What it is, for the table.
pub const ABOUT: &str = "8-byte messages through a pipe";

/// The kernel's pipe; its capacity is the kernel's choice.
pub struct Pipe;

/// The end that is written.
pub struct WriteEnd(OwnedFd);

/// The end that is read.
pub struct ReadEnd(OwnedFd);

impl Spsc<u64> for Pipe {
    type Producer = WriteEnd;
    type Consumer = ReadEnd;

    /// The kernel takes what it likes.
    fn holds(_capacity: usize) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn ring(_capacity: usize, _start: u64) -> Result<(WriteEnd, ReadEnd), Unavailable> {
        let mut ends = [-1; 2];
        // SAFETY: the call writes two descriptors to the array.
        let status = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) };
        if status != 0 {
            return Err(refused("pipe2"));
        }
        let [read, write] = owned_pair(ends);
        Ok((WriteEnd(write), ReadEnd(read)))
    }
}

impl Push<u64> for WriteEnd {
    #[inline(always)]
    fn try_push(&mut self, item: u64) -> Result<(), u64> {
        let (bytes, end) = (item.to_ne_bytes(), self.0.as_raw_fd());
        // SAFETY: the pointer and length are those of a live array.
        let written = moved(|| unsafe { libc::write(end, bytes.as_ptr().cast(), bytes.len()) });
        if written { Ok(()) } else { Err(item) }
    }

    fn is_full(&self) -> bool {
        !ready(&self.0, libc::POLLOUT, 0)
    }

    #[inline(always)]
    fn push<W: Wait>(&mut self, item: u64) {
        while self.try_push(item).is_err() {
            ready(&self.0, libc::POLLOUT, -1);
        }
    }
}

impl Pop<u64> for ReadEnd {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<u64> {
        let (mut bytes, end) = ([0; size_of::<u64>()], self.0.as_raw_fd());
        // SAFETY: the pointer and length are those of a live array.
        let read = moved(|| unsafe { libc::read(end, bytes.as_mut_ptr().cast(), bytes.len()) });
        read.then(|| u64::from_ne_bytes(bytes))
    }

    fn len(&self) -> usize {
        queued_messages(&self.0)
    }

    #[inline(always)]
    fn pop<W: Wait>(&mut self) -> u64 {
        loop {
            match self.try_pop() {
                Some(item) => return item,
                None => drop(ready(&self.0, libc::POLLIN, -1)),
            }
        }
    }
}
