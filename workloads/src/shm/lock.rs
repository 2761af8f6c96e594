//! The lock of a segment's file: the kernel holds it and lets go of it for a process that dies, so that no maker, joiner
//! or leaver who is killed wedges the others.

use super::{Name, SegmentError};
use rustix::fs::{FlockOperation, Mode, flock, fstat};
use rustix::io::Errno;
use rustix::shm;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// How often and how long a process sleeps for the lock. Whoever holds it does so for microseconds, or for the
/// milliseconds that filling a large segment takes.
const TRIES: u64 = 2000;
const TRY_MS: u64 = 1;

/// Read and write for owner and group (document 003).
pub(super) const MODE: Mode = Mode::from_raw_mode(0o660);

/// A held lock.
pub(super) struct Held<'a> {
    file: &'a OwnedFd,
}

impl<'a> Held<'a> {
    /// Waits for the lock, within bounds: a holder may be stopped.
    pub(super) fn of(file: &'a OwnedFd, name: &Name) -> Result<Self, SegmentError> {
        for _ in 0..TRIES {
            match flock(file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { file }),
                Err(Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(TRY_MS)),
                Err(Errno::INTR) => {}
                Err(error) => return Err(refused(name, "flock")(error)),
            }
        }
        Err(SegmentError::Busy { name: name.clone(), waited_ms: TRIES * TRY_MS })
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // A child forked while the lock was held has it too: unlocking by name of the operation frees it for all.
        let _ = flock(self.file, FlockOperation::Unlock);
    }
}

/// Makes an error of a call on a segment.
pub(super) fn refused(name: &Name, call: &'static str) -> impl FnOnce(Errno) -> SegmentError {
    let name = name.clone();
    move |error| SegmentError::Refused { name, call, error }
}

/// Whether the file still has its name: the last to leave takes it away.
pub(super) fn is_linked(file: impl AsFd, name: &Name) -> Result<bool, SegmentError> {
    Ok(fstat(file).map_err(refused(name, "fstat"))?.st_nlink > 0)
}

/// Opens the file of a segment; none where it is missing.
pub(super) fn open_file(name: &Name) -> Result<Option<OwnedFd>, SegmentError> {
    match shm::open(name.as_str(), shm::OFlags::RDWR, Mode::empty()) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(refused(name, "shm_open")(error)),
    }
}

/// Opens or makes the file of a segment. It is opened without the flag that makes it where it is there, because the
/// kernel may refuse that flag on a file of another user.
pub(super) fn make_file(name: &Name) -> Result<OwnedFd, SegmentError> {
    let flags = shm::OFlags::RDWR | shm::OFlags::CREATE | shm::OFlags::EXCL;
    loop {
        if let Some(file) = open_file(name)? {
            return Ok(file);
        }
        match shm::open(name.as_str(), flags, MODE) {
            Ok(file) => return Ok(file),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(refused(name, "shm_open")(error)),
        }
    }
}
