//! Document 000's journal as printed: a place reserved by a `fetch_add` that nothing bounds, the change serialised to where it
//! points, no mark of its end. A length stands before each record, because without one nobody could read them back. Appending
//! past the map kills the process, a reader takes a half-written record for a whole one, and a journal begun anew shows what
//! it held before. `committed` has none of these faults.

use super::file::Mapped;
use super::format::word_at;
use super::{Error, Journal};
use crate::sync::{AtomicU64, Ordering};
use perfbench_harness::case::{Case, solo};
use std::fs::File;

/// What it is, for the table.
pub const ABOUT: &str = "fetch_add and copy into the map: no bound, no mark";

/// The printed journal.
pub struct Documented {
    map: Mapped,
    offset: AtomicU64,
}

fn record_bytes(payload_bytes: usize) -> usize {
    8 + payload_bytes.next_multiple_of(8)
}

impl Documented {
    /// Takes the next place, wherever it lies.
    #[inline(always)]
    pub fn reserve(&self, payload_bytes: usize) -> usize {
        // SeqCst as printed; it orders nothing that anybody reads.
        self.offset.fetch_add(record_bytes(payload_bytes) as u64, Ordering::SeqCst) as usize
    }

    /// Copies a record, or the part of it that was written when the writer was stopped, to where `reserve` said.
    ///
    /// # Safety
    /// The place was reserved for the payload and lies inside the map, and nobody reads the map through a reference.
    #[inline(always)]
    pub unsafe fn put(&self, offset: usize, payload: &[u8], written_bytes: usize) {
        let place = self.map.start().as_ptr().wrapping_add(offset);
        // SAFETY: the caller vouches for the place, which is aligned to 8 because the map is and every record.
        unsafe { place.cast::<u64>().write(payload.len() as u64) };
        let body = place.wrapping_add(8);
        // SAFETY: the payload follows its length in the same place, and nothing of it overlaps the caller's bytes.
        unsafe { body.copy_from_nonoverlapping(payload.as_ptr(), written_bytes) };
    }
}

impl Journal for Documented {
    const OUTLIVES_A_KILL: bool = true;
    const FORGETS: bool = false;

    fn create(file: File, capacity_bytes: u64) -> Result<Self, Error> {
        Ok(Self { map: Mapped::create(file, capacity_bytes)?, offset: AtomicU64::new(0) })
    }

    /// The bound that is not printed is looked at before, so that the check and the clock have something that runs.
    #[inline(always)]
    fn append(&mut self, payload: &[u8]) -> Result<(), Error> {
        let used = self.offset.load(Ordering::Relaxed) as usize;
        let left_bytes = self.map.len_bytes() - used;
        // A length of zero behind the last record ends the journal.
        if record_bytes(payload.len()) + 8 > left_bytes {
            return Err(Error::Full { left_bytes });
        }
        let offset = self.reserve(payload.len());
        // SAFETY: this is the only appender, and it has just seen that the record fits behind `offset`.
        unsafe { self.put(offset, payload, payload.len()) };
        Ok(())
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.map.sync()
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.offset.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Record after record as their lengths say, up to a length of zero.
    fn replay(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut at = 0;
        Ok(std::iter::from_fn(|| next(bytes, &mut at).map(<[u8]>::to_vec)).collect())
    }

    fn recovering(bytes: Vec<u8>) -> Box<dyn Case> {
        let mut at = 0;
        solo(move |_| {
            if next(&bytes, &mut at).is_none() {
                at = 0;
            }
            at as u64
        })
    }
}

/// The record at `at`, as far as its length can be believed.
#[inline(always)]
fn next<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let payload_bytes = word_at(bytes.get(*at..*at + 8)?, 0) as usize;
    let payload = bytes.get(*at + 8..)?.get(..payload_bytes).filter(|payload| !payload.is_empty())?;
    *at += record_bytes(payload_bytes);
    Some(payload)
}
