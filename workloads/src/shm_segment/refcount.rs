//! The segment as document 003 prints it: a reference count of four bytes at its start, a table right behind. Whoever
//! finds the count at one on leaving takes the name away; a process that is killed never leaves.

use super::Life;
use crate::shm::Mapping;
use perfbench_harness::case::Case;
use perfbench_harness::{Reason, Unavailable};
use rustix::fs::{Mode, ftruncate};
use rustix::io::Errno;
use rustix::shm;
use std::sync::atomic::{AtomicU32, Ordering};

/// What it is, for the table.
pub const ABOUT: &str = "a count of four bytes; the last to leave unlinks";

/// The count at the start, and where the document has the table begin.
#[repr(C)]
struct Header {
    participants: AtomicU32,
    table: AtomicU32,
}

const _: () = assert!(size_of::<AtomicU32>() == 4);
const _: () = assert!(std::mem::offset_of!(Header, table) == 0x0004);
const _: () =
    assert!(!0x0004usize.is_multiple_of(align_of::<u64>()), "sizes in the table lie off their alignment");

/// A counted place in a segment.
pub struct Counted {
    mapping: Mapping,
    name: String,
}

impl Counted {
    fn header(&self) -> &Header {
        // SAFETY: the mapping is longer than the header and starts at a page; every pattern of its words is a number.
        unsafe { self.mapping.start().cast::<Header>().as_ref() }
    }

    /// How many have joined and not left, killed or not.
    pub fn count(&self) -> u32 {
        self.header().participants.load(Ordering::Relaxed)
    }
}

impl Life for Counted {
    fn join(name: &str, payload_bytes: u64) -> Result<Self, Unavailable> {
        let refused = |error: Errno| Unavailable::new(Reason::Unsupported, error.to_string());
        let flags = shm::OFlags::CREATE | shm::OFlags::RDWR;
        let file = shm::open(name, flags, Mode::from_raw_mode(0o660)).map_err(refused)?;
        let len_bytes = size_of::<Header>() as u64 + payload_bytes;
        ftruncate(&file, len_bytes).map_err(refused)?;
        let mapping = Mapping::of_file(&file, len_bytes as usize).map_err(refused)?;
        let joined = Self { mapping, name: name.into() };
        // AcqRel as a count of owners wants it: whoever leaves last sees what all before it wrote.
        joined.header().participants.fetch_add(1, Ordering::AcqRel);
        Ok(joined)
    }

    fn mark(&self) -> u64 {
        // Relaxed: marks are only counted.
        u64::from(self.header().table.fetch_add(1, Ordering::Relaxed))
    }

    fn leave(self) {}

    fn recovering(_: &str, _: u64) -> Result<Box<dyn Case>, Unavailable> {
        let detail = "a count does not tell who was killed: it is never right again";
        Err(Unavailable::new(Reason::NotAtThisPoint, detail))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        // AcqRel: as in `join`.
        if self.header().participants.fetch_sub(1, Ordering::AcqRel) == 1 {
            let _ = shm::unlink(self.name.as_str());
        }
    }
}
