//! A journal's file: made with its blocks reserved, mapped with a guard page behind it, and opened again after a crash.

use super::Error;
use super::format::Header;
use super::log::Memory;
use super::recover::{Recovered, Tail, recover};
use crate::sync::AtomicU64;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::mm::{MapFlags, MsyncFlags, ProtFlags, mmap, mmap_anonymous, msync, munmap};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

const PAGE_BYTES: usize = 4096;

/// A file mapped shared, whole, for reading and writing. Behind its last page lies one that nobody may touch, so that who
/// writes past the end is killed instead of changing somebody else's memory.
pub struct Mapped {
    file: File,
    start: NonNull<u8>,
    len_bytes: usize,
}

// SAFETY: a mapping is plain memory that belongs to the process, not to a thread.
unsafe impl Send for Mapped {}
// SAFETY: it lends its bytes as atomics only.
unsafe impl Sync for Mapped {}

impl Mapped {
    /// Gives an empty file `capacity_bytes` of zeros and maps them. The blocks are reserved, because a full disk would kill
    /// whoever writes to a page without one.
    ///
    /// # Errors
    /// What the system refused.
    pub fn create(file: File, capacity_bytes: u64) -> Result<Self, Error> {
        match fallocate(&file, FallocateFlags::empty(), 0, capacity_bytes) {
            Ok(()) => {}
            // A file system without reservation: the length alone.
            Err(rustix::io::Errno::OPNOTSUPP) => file.set_len(capacity_bytes)?,
            Err(refused) => return Err(io::Error::from(refused).into()),
        }
        Self::map(file, capacity_bytes as usize)
    }

    fn map(file: File, len_bytes: usize) -> Result<Self, Error> {
        let (none, both) = (ProtFlags::empty(), ProtFlags::READ | ProtFlags::WRITE);
        let pages_bytes = len_bytes.next_multiple_of(PAGE_BYTES);
        // SAFETY: a fresh reservation at an address that the kernel picks aliases nothing.
        let start = unsafe {
            mmap_anonymous(std::ptr::null_mut(), pages_bytes + PAGE_BYTES, none, MapFlags::PRIVATE)
        };
        let start = NonNull::new(start.map_err(io::Error::from)?.cast()).expect("a mapping is never at zero");
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::POPULATE;
        // Whatever comes next, its drop unmaps the reservation.
        let mapped = Self { file, start, len_bytes };
        // SAFETY: it replaces the first pages of the reservation, of which nobody knows yet.
        let placed = unsafe { mmap(start.as_ptr().cast(), pages_bytes, both, flags, mapped.file.as_fd(), 0) };
        placed.map_err(io::Error::from)?;
        Ok(mapped)
    }

    /// Where the first byte lies.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// Bytes of the file.
    pub fn len_bytes(&self) -> usize {
        self.len_bytes
    }

    /// Waits until all that was written is on the disk.
    ///
    /// # Errors
    /// What the system refused: then it may be lost.
    pub fn sync(&self) -> Result<(), Error> {
        // SAFETY: the range is this mapping; to be written back changes nothing of it.
        let synced = unsafe { msync(self.start.as_ptr().cast(), self.len_bytes, MsyncFlags::SYNC) };
        Ok(synced.map_err(io::Error::from)?)
    }
}

impl Memory for Mapped {
    #[inline(always)]
    fn words(&self) -> &[AtomicU64] {
        let first = self.start.cast::<AtomicU64>().as_ptr();
        // SAFETY: the mapping is aligned to pages, lives as long as `self`, and is lent as atomics only.
        unsafe { std::slice::from_raw_parts(first, self.len_bytes / 8) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let len_bytes = self.len_bytes.next_multiple_of(PAGE_BYTES) + PAGE_BYTES;
        // SAFETY: mapped with this length by `map`; whoever holds its words borrows `self`.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), len_bytes) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can always be unmapped");
    }
}

/// A file opened after whatever happened to it: mapped, with its torn tail cut off.
pub struct Opened {
    /// The file.
    pub mapped: Mapped,
    /// What it says of itself.
    pub header: Header,
    /// The payloads of its records.
    pub payloads: Vec<Vec<u8>>,
    /// Where the next record goes.
    pub end_bytes: usize,
    /// What lay behind the records before it was cut off.
    pub tail: Tail,
}

/// Opens a journal that was written before.
///
/// # Errors
/// Why it is none, [`Error::Damaged`] where to go on would lose committed records, or what the system refused.
pub fn open(file: File) -> Result<Opened, Error> {
    let bytes = read_all(&file)?;
    let Recovered { header, records, end_bytes, tail } = recover(&bytes).map_err(Error::Refused)?;
    match tail {
        Tail::Damaged => return Err(Error::Damaged { at_bytes: end_bytes }),
        // Cut and lengthened again, it reads zeros behind the last record.
        Tail::Torn => file.set_len(end_bytes as u64)?,
        Tail::Clean => {}
    }
    let payloads = records.iter().map(|record| record.payload.to_vec()).collect();
    let mapped = Mapped::create(file, header.capacity_bytes)?;
    Ok(Opened { mapped, header, payloads, end_bytes, tail })
}

/// All bytes of a file.
///
/// # Errors
/// What the system refused.
pub fn read_all(file: &File) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; file.metadata()?.len() as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

/// An empty file without a name: it is gone with its last descriptor, whatever becomes of this process.
///
/// # Errors
/// What the system refused.
pub fn scratch() -> Result<File, Error> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    // Relaxed: the number need only be nobody else's.
    let name = format!("perfbench-journal-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
