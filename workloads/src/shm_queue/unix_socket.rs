//! Eight-byte messages over a pair of Unix stream sockets: what people use between processes otherwise. A side that
//! waits sleeps in the kernel.

use crate::ring_spsc::waiting::Wait;
use crate::ring_spsc::{Pop, Push, Spsc};
use perfbench_harness::{Reason, Unavailable};
use std::io;
use std::ops::RangeInclusive;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// What it is, for the table.
pub const ABOUT: &str = "8-byte messages over a socket pair";

/// The kernel's queue between processes; its capacity is the kernel's choice.
pub struct UnixSocket;

/// The end that sends.
pub struct Sender(UnixStream);

/// The end that receives.
pub struct Receiver(UnixStream);

impl Spsc<u64> for UnixSocket {
    type Producer = Sender;
    type Consumer = Receiver;

    /// The kernel takes what it likes.
    fn holds(_capacity: usize) -> RangeInclusive<usize> {
        1..=usize::MAX
    }

    fn ring(_capacity: usize, _start: u64) -> Result<(Sender, Receiver), Unavailable> {
        let refused = |error| Unavailable::new(Reason::Unsupported, format!("socketpair: {error}"));
        let (sender, receiver) = UnixStream::pair().map_err(refused)?;
        Ok((Sender(sender), Receiver(receiver)))
    }
}

const MESSAGE_BYTES: usize = size_of::<u64>();

/// Whether a call moved a message; `false` where it would have had to wait.
///
/// # Panics
/// Where the other end is gone: nothing can be sent or received any more.
#[inline(always)]
fn moved(mut call: impl FnMut() -> isize) -> bool {
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
        let mut asked = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        // SAFETY: the pointer is to one live entry.
        let ready = unsafe { libc::poll(&mut asked, 1, 0) };
        ready == 0
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
        let mut queued_bytes: libc::c_int = 0;
        // SAFETY: FIONREAD writes one integer to the pointer.
        let answer = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::FIONREAD, &raw mut queued_bytes) };
        assert_eq!(answer, 0, "a stream socket tells what is queued");
        queued_bytes as usize / MESSAGE_BYTES
    }

    #[inline(always)]
    fn pop<W: Wait>(&mut self) -> u64 {
        self.receive(0).expect("a blocking call waits")
    }
}
