//! What can go wrong with a named segment; each error names what its reader can do.

use super::Name;
use rustix::io::Errno;
use std::fmt;

/// Why a segment was not made, joined or left, or a place in it not lent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentError {
    /// The name cannot be one of a segment.
    BadName {
        /// As it was given.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// More was asked for than a segment may hold.
    TooLarge {
        /// Header and payload.
        asked_bytes: u64,
        /// The most.
        limit_bytes: u64,
    },
    /// The segment is there already, and processes live in it.
    Exists {
        /// The segment.
        name: Name,
        /// How many live in it.
        participants: usize,
    },
    /// There is no such segment.
    Missing {
        /// The segment.
        name: Name,
    },
    /// Whoever made it died before it was ready.
    Unfinished {
        /// The segment.
        name: Name,
    },
    /// Another process held the segment's lock for longer than anybody's part takes.
    Busy {
        /// The segment.
        name: Name,
        /// How long this process waited.
        waited_ms: u64,
    },
    /// As many processes live in it as its header has room for.
    Crowded {
        /// The segment.
        name: Name,
    },
    /// It is there with less room than was asked for.
    Smaller {
        /// The segment.
        name: Name,
        /// What was asked for.
        asked_bytes: u64,
        /// What there is.
        payload_bytes: u64,
    },
    /// What the file holds is not a segment of ours, or a damaged one.
    Malformed {
        /// The segment.
        name: Name,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// A place outside the payload, or one not aligned for what should lie there.
    BadPlace {
        /// From the start of the payload.
        offset_bytes: u64,
        /// How many bytes were asked for there.
        len_bytes: u64,
        /// How they must be aligned.
        align_bytes: u64,
    },
    /// The kernel refused a call.
    Refused {
        /// The segment.
        name: Name,
        /// The call.
        call: &'static str,
        /// What it said.
        error: Errno,
    },
}

/// What is wrong with the bytes at the start of a segment's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// The file ends inside the header.
    Short {
        /// How long it is.
        file_bytes: u64,
    },
    /// It does not start as a segment does.
    Magic(u64),
    /// It is of another version.
    Version(u64),
    /// What lies in it is laid out otherwise.
    Layout {
        /// The layout asked for.
        expected: u64,
        /// The layout that the header names.
        found: u64,
    },
    /// A state that no segment has.
    State(u64),
    /// It says that it is longer than its file, longer than a segment may be, or too short for its header.
    Total {
        /// What the header says.
        total_bytes: u64,
        /// How long the file is.
        file_bytes: u64,
    },
    /// Its payload starts where none can.
    Payload(u64),
    /// Its table of participants has another length.
    Participants(u64),
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SegmentError::*;
        match self {
            BadName { name, fault } => write!(f, "{name:?} cannot name a segment: {fault}"),
            TooLarge { asked_bytes, limit_bytes } => {
                write!(
                    f,
                    "{asked_bytes} bytes asked for, a segment holds {limit_bytes}: ask for less, or make several"
                )
            }
            Exists { name, participants } => {
                write!(
                    f,
                    "{name} exists with {participants} living participants: open it, or take another name"
                )
            }
            Missing { name } => write!(f, "{name} does not exist: create it first"),
            Unfinished { name } => {
                write!(f, "the maker of {name} died before it was ready: create it again")
            }
            Busy { name, waited_ms } => {
                write!(
                    f,
                    "{name} was locked by another process for {waited_ms} ms: let that process go on, or end it"
                )
            }
            Crowded { name } => write!(f, "{name} has no room for one more process: let one leave"),
            Smaller { name, asked_bytes, payload_bytes } => {
                write!(
                    f,
                    "{name} exists with {payload_bytes} bytes, {asked_bytes} asked for: take another name"
                )
            }
            Malformed { name, fault } => {
                write!(f, "{name} is no segment that can be used: {fault}; remove it, or take another name")
            }
            BadPlace { offset_bytes, len_bytes, align_bytes } => {
                write!(
                    f,
                    "{len_bytes} bytes aligned to {align_bytes} do not lie at offset {offset_bytes} of the payload"
                )
            }
            Refused { name, call, error } => write!(f, "{call} of {name}: {error}"),
        }
    }
}

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderFault::Short { file_bytes } => {
                write!(f, "the file ends after {file_bytes} bytes, inside the header")
            }
            HeaderFault::Magic(found) => write!(f, "it starts with {found:#018x}"),
            HeaderFault::Version(found) => write!(f, "its version is {found}"),
            HeaderFault::Layout { expected, found } => {
                write!(f, "its layout is {found:#018x}, expected is {expected:#018x}")
            }
            HeaderFault::State(found) => write!(f, "its state is {found}"),
            HeaderFault::Total { total_bytes, file_bytes } => {
                write!(f, "it claims {total_bytes} bytes in a file of {file_bytes}")
            }
            HeaderFault::Payload(found) => write!(f, "its payload starts at {found}"),
            HeaderFault::Participants(found) => write!(f, "it has room for {found} participants"),
        }
    }
}

impl std::error::Error for SegmentError {}
