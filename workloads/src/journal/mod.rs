//! An append-only journal of state changes (document 000's memory-mapped state): contract, table, and what is timed. The
//! bytes are told in `format`, appending in `log`, recovery in `recover`, the file in `file`, the check in `check`.

pub mod buf_writer;
pub mod check;
pub mod committed;
pub mod documented;
mod encoded;
pub mod file;
pub mod format;
pub mod log;
pub mod recover;
pub mod single_writer;
pub mod write_each;

use format::{Header, Refusal};
use perfbench_harness::case::{Case, solo};
use perfbench_harness::{Bound, Isa, Point, Reason, Role, Setup, Suite, Unavailable, Variant, Workload};
use recover::{Cursor, recover};
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

/// Why a journal did not do what it was asked.
#[derive(Debug)]
pub enum Error {
    /// The record does not fit: the journal is to be begun anew or followed by another.
    Full {
        /// Bytes that are left.
        left_bytes: usize,
    },
    /// The file is no journal.
    Refused(Refusal),
    /// A record in the middle is not whole: see [`recover::Tail::Damaged`].
    Damaged {
        /// Where it begins.
        at_bytes: usize,
    },
    /// The system refused.
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Io(error)
    }
}

/// A journal in a file, for one thread; a record that [`Journal::append`] returned from can be read back, in order.
pub trait Journal: Sized + 'static {
    /// Whether that holds although the process is killed at once; where not, [`Journal::sync`] makes it hold.
    const OUTLIVES_A_KILL: bool;

    /// Whether [`Journal::restart`] hides what was there before.
    const FORGETS: bool = true;

    /// An empty journal in an empty file, which grows to `capacity_bytes`, a multiple of 8.
    ///
    /// # Errors
    /// What the system refused.
    fn create(file: File, capacity_bytes: u64) -> Result<Self, Error>;

    /// Appends a record of one byte or more.
    ///
    /// # Errors
    /// [`Error::Full`], or what the system refused.
    fn append(&mut self, payload: &[u8]) -> Result<(), Error>;

    /// Waits until every record is on the disk, where it outlives a loss of power.
    ///
    /// # Errors
    /// What the system refused.
    fn sync(&mut self) -> Result<(), Error>;

    /// Forgets all records and begins anew in the same file.
    ///
    /// # Errors
    /// What the system refused.
    fn restart(&mut self) -> Result<(), Error>;

    /// The payloads that a file holds.
    ///
    /// # Errors
    /// Why it is no journal.
    fn replay(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let recovered = recover(bytes).map_err(Error::Refused)?;
        Ok(recovered.records.iter().map(|record| record.payload.to_vec()).collect())
    }

    /// Reads one record after the other, and again from the first.
    fn recovering(bytes: Vec<u8>) -> Box<dyn Case> {
        let first = Cursor::new(&bytes).expect("the journal was written just now");
        let mut cursor = first;
        solo(move |_| {
            let record = cursor.next(&bytes);
            if record.is_none() {
                cursor = first;
            }
            record.map_or(0, |record| record.sequence)
        })
    }
}

/// The header of a journal that begins; its identity is the file's own and the process's.
fn fresh_header(file: &File, capacity_bytes: u64) -> Result<Header, Error> {
    let about = file.metadata()?;
    let identity = about.ino() ^ (about.ctime_nsec() as u64) << 32 ^ u64::from(std::process::id()) << 16;
    let header = Header { capacity_bytes, identity, epoch: 0, first_sequence: 0 };
    // Read as whoever opens the file will, so that a capacity that no journal can have is refused at once.
    Header::of_bytes(&header.to_bytes()).map_err(Error::Refused)
}

/// Bytes of every journal that is timed.
const CAPACITY_BYTES: u64 = 1 << 20;

/// Bytes of every payload that is timed.
const PAYLOAD_BYTES: usize = 64;

const NO_BOUND: Result<Bound, &str> =
    Err("how often the disk is waited for is the point's affair, and no limit measures the disk");

const fn point(
    name: &'static str,
    about: &'static str,
    bound: Result<Bound, &'static str>,
    suite: Suite,
) -> Point {
    Point {
        name,
        about,
        unit_of_work: "record",
        size: PAYLOAD_BYTES as u64,
        cpus: 1,
        bound,
        latency: false,
        suite,
    }
}

/// The journals.
pub static WORKLOAD: Workload = Workload {
    name: "journal",
    about: "What does it cost to keep a change so that a crash loses nothing that was told to be there?",
    source: "000",
    points: &[
        point(
            "append",
            "append 64 bytes; the page cache keeps them when the process is killed",
            Ok(Bound {
                limit: "clock_add",
                times: 8.0,
                why: "eight words of payload are taken into a checksum one after the other",
            }),
            Suite::Default,
        ),
        point("append_synced", "append 64 bytes and wait for the disk", NO_BOUND, Suite::Full),
        point(
            "append_synced_64",
            "append 64 bytes and wait for the disk after every 64th",
            NO_BOUND,
            Suite::Full,
        ),
        point(
            "recover",
            "read back one record of 64 bytes from a journal of 1 MiB",
            Ok(Bound {
                limit: "clock_add",
                times: 1.0,
                why: "where the next record begins depends on the length of this one",
            }),
            Suite::Full,
        ),
    ],
    variants: &[
        variant::<write_each::WriteEach>("write_each", write_each::ABOUT, Role::Baseline, Suite::Default),
        variant::<buf_writer::Buffered>("buf_writer", buf_writer::ABOUT, Role::Baseline, Suite::Full),
        variant::<documented::Documented>("documented", documented::ABOUT, Role::Documented, Suite::Default),
        variant::<committed::Committed>("committed", committed::ABOUT, Role::Optimised, Suite::Default),
        variant::<single_writer::SingleWriter>(
            "single_writer",
            single_writer::ABOUT,
            Role::Optimised,
            Suite::Default,
        ),
    ],
};

const fn variant<J: Journal>(name: &'static str, about: &'static str, role: Role, suite: Suite) -> Variant {
    Variant { name, about, role, suite, needs: Isa::NONE, build: build::<J>, check: check::check::<J> }
}

/// The payload number `i`.
#[inline(always)]
fn payload(i: u64) -> [u8; PAYLOAD_BYTES] {
    let mut payload = [0x5a; PAYLOAD_BYTES];
    payload[..8].copy_from_slice(&i.to_le_bytes());
    payload
}

/// Appends, beginning anew where the journal is full.
#[inline(always)]
fn append(journal: &mut impl Journal, i: u64) {
    let payload = payload(i);
    if journal.append(&payload).is_err() {
        begin_anew(journal, &payload);
    }
}

#[cold]
#[inline(never)]
fn begin_anew(journal: &mut impl Journal, payload: &[u8]) {
    journal.restart().expect("a journal that took records can be begun anew");
    journal.append(payload).expect("an empty journal has room");
}

fn build<J: Journal>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let refused = |error: Error| Unavailable::new(Reason::Unsupported, format!("no journal: {error:?}"));
    let file = file::scratch().map_err(refused)?;
    let again = file.try_clone().map_err(|error| refused(error.into()))?;
    let mut journal = J::create(file, CAPACITY_BYTES).map_err(refused)?;
    // Whoever encodes makes room for a record here, outside of what is counted.
    append(&mut journal, 0);
    let synced_each = |mut journal: J, records: u64| {
        solo(move |i| {
            append(&mut journal, i);
            if i % records == 0 {
                journal.sync().expect("the disk takes what it has room for");
            }
            i
        })
    };
    match setup.point.name {
        "append" => Ok(solo(move |i| {
            append(&mut journal, i);
            i
        })),
        "append_synced" => Ok(synced_each(journal, 1)),
        "append_synced_64" => Ok(synced_each(journal, 64)),
        _ => {
            let mut i = 0..;
            while i.next().is_some_and(|i| journal.append(&payload(i)).is_ok()) {}
            journal.sync().map_err(refused)?;
            Ok(J::recovering(file::read_all(&again).map_err(refused)?))
        }
    }
}

#[cfg(test)]
mod tests;
