//! Eight-byte messages over a pair of Unix stream sockets: what people use between processes otherwise. A side that
//! waits sleeps in the kernel.

use crate::ring_spsc::waiting::Wait;
use crate::ring_spsc::{Pop, Push, Spsc};
use perfbench_harness::{Reason, Unavailable};
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// What it is, for the table.
pub const ABOUT: &str = "8-byte messages over a socket pair";

/// The kernel's queue between processes; its capacity is the kernel's choice.
pub struct UnixSocket;

/// The end that sends.
pub struct Sender(OwnedFd);

/// The end that receives.
pub struct Receiver(OwnedFd);

impl Spsc<u64> for UnixSocket {
    type Producer = Sender;
    type Consumer = Receiver;

    /// The kernel takes what it likes.
    fn holds(_capacity: usize) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn ring(_capacity: usize, _start: u64) -> Result<(Sender, Receiver), Unavailable> {
        socket_pair(libc::SOCK_STREAM)
    }
}

/// A connected pair of Unix sockets of a kind.
///
/// # Errors
/// What the kernel refused.
pub(super) fn socket_pair(kind: libc::c_int) -> Result<(Sender, Receiver), Unavailable> {
    let mut ends = [-1; 2];
    // SAFETY: the call writes two descriptors to the array.
    let status = unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) };
    if status != 0 {
        return Err(refused("socketpair"));
    }
    let [sender, receiver] = owned_pair(ends);
    Ok((Sender(sender), Receiver(receiver)))
}

/// Why the last call failed.
pub(super) fn refused(call: &str) -> Unavailable {
    Unavailable::new(Reason::Unsupported, format!("{call}: {}", io::Error::last_os_error()))
}

/// The descriptors that the kernel has just given.
pub(super) fn owned_pair(ends: [libc::c_int; 2]) -> [OwnedFd; 2] {
    // SAFETY: both are fresh from the kernel, and nobody else knows of them.
    ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) })
}

/// Whether a descriptor is ready for `events`, within so many milliseconds (-1: without end).
pub(super) fn ready(descriptor: &OwnedFd, events: libc::c_short, timeout_ms: libc::c_int) -> bool {
    let mut asked = libc::pollfd { fd: descriptor.as_raw_fd(), events, revents: 0 };
    // SAFETY: the pointer is to one live entry.
    unsafe { libc::poll(&mut asked, 1, timeout_ms) > 0 }
}

/// Messages that lie in the kernel for the reader of a descriptor.
pub(super) fn queued_messages(descriptor: &OwnedFd) -> usize {
    let mut queued_bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one integer to the pointer.
    let answer = unsafe { libc::ioctl(descriptor.as_raw_fd(), libc::FIONREAD, &raw mut queued_bytes) };
    assert_eq!(answer, 0, "the kernel tells what is queued");
    queued_bytes as usize / MESSAGE_BYTES
}

const MESSAGE_BYTES: usize = size_of::<u64>();

/// Whether a call moved a message; `false` where it would have had to wait.
///
/// # Panics
/// Where the other end is gone: nothing can be sent or received any more.
#[inline(always)]
pub(super) fn moved(mut call: impl FnMut() -> isize) -> bool {
    loop {
        let moved_bytes = call();
        if moved_bytes == MESSAGE_BYTES as isize {
            return true;
        }
        assert!(moved_bytes < 0, "the other end of the socket is gone");
        match io::Error::last_os_error().kind() {
            io::ErrorKind::WouldBlock => return false,
            io::ErrorKind::Interrupted => {}
            kind => panic!("the socket fails: {kind}"),
        }
    }
}

impl Sender {
    #[inline(always)]
    fn send(&self, item: u64, flags: i32) -> bool {
        let bytes = item.to_ne_bytes();
        let (socket, flags) = (self.0.as_raw_fd(), flags | libc::MSG_NOSIGNAL);
        // SAFETY: the pointer and length are those of a live array.
        moved(|| unsafe { libc::send(socket, bytes.as_ptr().cast(), MESSAGE_BYTES, flags) })
    }
}

impl Push<u64> for Sender {
    fn try_push(&mut self, item: u64) -> Result<(), u64> {
        if self.send(item, libc::MSG_DONTWAIT) { Ok(()) } else { Err(item) }
    }

    /// What `poll` says: not writable. The kernel says so well before it refuses.
    fn is_full(&self) -> bool {
        !ready(&self.0, libc::POLLOUT, 0)
    }

    #[inline(always)]
    fn push<W: Wait>(&mut self, item: u64) {
        self.send(item, 0);
    }
}

impl Receiver {
    #[inline(always)]
    fn receive(&self, flags: i32) -> Option<u64> {
        let mut bytes = [0; MESSAGE_BYTES];
        let socket = self.0.as_raw_fd();
        // SAFETY: the pointer and length are those of a live array.
        let received =
            moved(|| unsafe { libc::recv(socket, bytes.as_mut_ptr().cast(), MESSAGE_BYTES, flags) });
        received.then(|| u64::from_ne_bytes(bytes))
    }
}

impl Pop<u64> for Receiver {
    fn try_pop(&mut self) -> Option<u64> {
        self.receive(libc::MSG_DONTWAIT)
    }

    fn len(&self) -> usize {
        queued_messages(&self.0)
    }

    #[inline(always)]
    fn pop<W: Wait>(&mut self) -> u64 {
        self.receive(0).expect("a blocking call waits")
    }
}
