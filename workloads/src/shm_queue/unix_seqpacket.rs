//! Eight-byte messages over a pair of Unix sockets that keep their boundaries: connected datagrams.

use super::unix_socket::{Receiver, Sender, socket_pair};
use crate::ring_spsc::Spsc;
use perfbench_harness::Unavailable;
use std::ops::RangeInclusive;

/// What it is, for the table.
pub const ABOUT: &str = "8-byte datagrams over a socket pair";

/// The kernel's queue of datagrams; its capacity is the kernel's choice.
pub struct UnixSeqpacket;

impl Spsc<u64> for UnixSeqpacket {
    type Producer = Sender;
    type Consumer = Receiver;

    /// The kernel takes what it likes.
    fn holds(_capacity: usize) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn ring(_capacity: usize, _start: u64) -> Result<(Sender, Receiver), Unavailable> {
        socket_pair(libc::SOCK_SEQPACKET)
    }
}
