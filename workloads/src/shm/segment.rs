//! A named segment: made, joined, left. The last living process to leave takes the name away; processes that were killed
//! are noticed by whoever makes, joins, leaves or recovers next. What lies in the payload is not here.

use super::header::{Header, MAGIC, MAKING, READY, VERSION};
use super::lock::{Held, MODE, is_linked, make_file, open_file, refused};
use super::{
    HEADER_BYTES, HeaderFault, Identity, Mapping, Name, PARTICIPANTS, PAYLOAD_OFFSET_BYTES,
    SEGMENT_BYTES_MAX, SegmentError, Standing, validate,
};
use rustix::fs::{FallocateFlags, fallocate, fchmod, fstat, ftruncate};
use rustix::io::{Errno, pread};
use rustix::shm;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place in a named segment of shared memory, given up on drop.
///
/// A process that forks keeps its place; the child shares the memory but is no participant, and its copies of this value
/// only unmap.
#[derive(Debug)]
pub struct Segment {
    mapping: Mapping,
    file: OwnedFd,
    name: Name,
    own: Identity,
    place: usize,
    left: bool,
}

/// How a leaver found the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// Others live in it.
    Remains {
        /// How many.
        participants: usize,
    },
    /// Nobody did: its name is taken away.
    Unlinked,
}

impl Segment {
    /// Makes a segment with `payload_bytes` bytes of zeros. One of that name in which nobody lives is replaced.
    ///
    /// # Errors
    /// [`SegmentError::Exists`] where somebody lives in it; `TooLarge`; what the kernel refused.
    pub fn create(name: &str, payload_bytes: u64, layout: u64) -> Result<Self, SegmentError> {
        let total_bytes = total_bytes(payload_bytes)?;
        attach(Name::new(name)?, make_file, |file, name| match standing(file, name)? {
            Standing::Unfinished => make(file, name, total_bytes, layout).map(Some),
            Standing::Ready { total_bytes, .. } => {
                clear_away(name, &map(file, name, total_bytes)?)?;
                Ok(None)
            }
        })
    }

    /// Joins a segment that is there; one in which nobody lives any more is taken as it was left.
    ///
    /// # Errors
    /// `Missing`, `Unfinished`, `Malformed` (of another layout, too), `Crowded`, `Busy`, or what the kernel refused.
    pub fn open(name: &str, layout: u64) -> Result<Self, SegmentError> {
        let missing = |name: &Name| SegmentError::Missing { name: name.clone() };
        let open = |name: &Name| open_file(name)?.ok_or_else(|| missing(name));
        attach(Name::new(name)?, open, |file, name| match standing(file, name)? {
            Standing::Unfinished => Err(SegmentError::Unfinished { name: name.clone() }),
            Standing::Ready { total_bytes, layout: found } => {
                same_layout(name, layout, found)?;
                map(file, name, total_bytes).map(Some)
            }
        })
    }

    /// Joins a segment that is there, or makes it; of several processes that do so at once one makes it.
    ///
    /// # Errors
    /// As [`Segment::open`] and [`Segment::create`]; `Smaller` where it is there with less room.
    pub fn create_or_open(name: &str, payload_bytes: u64, layout: u64) -> Result<Self, SegmentError> {
        let asked_bytes = total_bytes(payload_bytes)?;
        attach(Name::new(name)?, make_file, |file, name| match standing(file, name)? {
            Standing::Unfinished => make(file, name, asked_bytes, layout).map(Some),
            Standing::Ready { total_bytes, layout: found } => {
                same_layout(name, layout, found)?;
                large_enough(name, payload_bytes, total_bytes)?;
                map(file, name, total_bytes).map(Some)
            }
        })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Its file, to ask the kernel about (mode, size).
    pub fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Where the payload starts: aligned to a page, zero when the segment was made.
    pub fn payload(&self) -> NonNull<u8> {
        // SAFETY: every segment is longer than its header and what aligns the payload.
        unsafe { self.mapping.start().add(PAYLOAD_OFFSET_BYTES as usize) }
    }

    /// Length of the payload.
    pub fn payload_bytes(&self) -> u64 {
        self.mapping.len_bytes() as u64 - PAYLOAD_OFFSET_BYTES
    }

    /// Where `count` values of a type lie `offset_bytes` behind the start of the payload. The pointer holds as long as the
    /// segment; whoever follows it answers for what other processes do there.
    ///
    /// # Errors
    /// [`SegmentError::BadPlace`] where they would not lie inside, or not aligned.
    pub fn place<T>(&self, offset_bytes: u64, count: usize) -> Result<NonNull<T>, SegmentError> {
        let len_bytes = (size_of::<T>() as u64).saturating_mul(count as u64);
        let align_bytes = align_of::<T>() as u64;
        let end_bytes = offset_bytes.checked_add(len_bytes);
        let inside = end_bytes.is_some_and(|end_bytes| end_bytes <= self.payload_bytes());
        let aligned = offset_bytes.is_multiple_of(align_bytes) && align_bytes <= PAYLOAD_OFFSET_BYTES;
        if !inside || !aligned {
            return Err(SegmentError::BadPlace { offset_bytes, len_bytes, align_bytes });
        }
        // SAFETY: the offset was just found to be inside the payload.
        Ok(unsafe { self.payload().add(offset_bytes as usize) }.cast())
    }

    /// Who is attached, the dead included.
    pub fn participants(&self) -> Vec<Identity> {
        signed(header(&self.mapping)).map(|(_, identity)| identity).collect()
    }

    /// Signs a free place for another process, so that the recovery of a killed one can be timed.
    ///
    /// # Panics
    /// Where no place is free.
    pub(crate) fn sign_for(&self, other: Identity) {
        let mut places = header(&self.mapping).participants.iter();
        let signed = |place: &AtomicU64| {
            place.compare_exchange(0, other.word(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        assert!(places.any(signed), "no place is free");
    }

    /// Strikes out processes that were killed; how many there were.
    ///
    /// # Errors
    /// `Busy`, or what the kernel refused.
    pub fn recover(&self) -> Result<usize, SegmentError> {
        let _held = Held::of(&self.file, &self.name)?;
        Ok(recover(header(&self.mapping)).dead)
    }

    /// Gives up the place; the last living process takes the name away.
    ///
    /// # Errors
    /// `Busy`, or what the kernel refused. The place is given up even then.
    pub fn leave(mut self) -> Result<Departure, SegmentError> {
        self.depart()
    }

    fn depart(&mut self) -> Result<Departure, SegmentError> {
        self.left = true;
        // Relaxed: whoever counts participants holds the lock, and a place struck out late is only one taken for dead.
        header(&self.mapping).participants[self.place].store(0, Ordering::Relaxed);
        let _held = Held::of(&self.file, &self.name)?;
        let participants = recover(header(&self.mapping)).living;
        if participants > 0 {
            return Ok(Departure::Remains { participants });
        }
        if is_linked(&self.file, &self.name)? {
            shm::unlink(self.name.as_str()).map_err(refused(&self.name, "shm_unlink"))?;
        }
        Ok(Departure::Unlinked)
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        if !self.left && std::process::id() == self.own.pid {
            // A refusal leaves a segment in which nobody lives: whoever makes or joins it next recovers it.
            let _ = self.depart();
        }
    }
}

/// Opens the file, and under its lock lets `enter` map the segment and signs its header. Where `enter` gives nothing, or the
/// last to leave was quicker, the name means another file by now: again.
fn attach(
    name: Name,
    open: impl Fn(&Name) -> Result<OwnedFd, SegmentError>,
    enter: impl Fn(&OwnedFd, &Name) -> Result<Option<Mapping>, SegmentError>,
) -> Result<Segment, SegmentError> {
    loop {
        let file = open(&name)?;
        let held = Held::of(&file, &name)?;
        if !is_linked(&file, &name)? {
            continue;
        }
        let Some(mapping) = enter(&file, &name)? else { continue };
        let (own, place) = sign(header(&mapping), &name)?;
        drop(held);
        return Ok(Segment { mapping, file, name, own, place, left: false });
    }
}

/// Takes the name away from a segment in which nobody lives.
fn clear_away(name: &Name, mapping: &Mapping) -> Result<(), SegmentError> {
    let participants = recover(header(mapping)).living;
    if participants > 0 {
        return Err(SegmentError::Exists { name: name.clone(), participants });
    }
    shm::unlink(name.as_str()).map_err(refused(name, "shm_unlink"))
}

fn total_bytes(payload_bytes: u64) -> Result<u64, SegmentError> {
    let asked_bytes = payload_bytes.saturating_add(PAYLOAD_OFFSET_BYTES);
    if asked_bytes > SEGMENT_BYTES_MAX {
        return Err(SegmentError::TooLarge { asked_bytes, limit_bytes: SEGMENT_BYTES_MAX });
    }
    Ok(asked_bytes)
}

fn same_layout(name: &Name, expected: u64, found: u64) -> Result<(), SegmentError> {
    let fault = HeaderFault::Layout { expected, found };
    if expected == found { Ok(()) } else { Err(SegmentError::Malformed { name: name.clone(), fault }) }
}

fn large_enough(name: &Name, asked_bytes: u64, total_bytes: u64) -> Result<(), SegmentError> {
    let payload_bytes = total_bytes - PAYLOAD_OFFSET_BYTES;
    if asked_bytes <= payload_bytes {
        return Ok(());
    }
    Err(SegmentError::Smaller { name: name.clone(), asked_bytes, payload_bytes })
}

/// Reads the header by a system call: touching a mapping of a file that is too short would be fatal.
fn standing(file: &OwnedFd, name: &Name) -> Result<Standing, SegmentError> {
    let file_bytes = fstat(file).map_err(refused(name, "fstat"))?.st_size as u64;
    let mut bytes = [0; HEADER_BYTES];
    let read = pread(file, &mut bytes, 0).map_err(refused(name, "pread"))?;
    validate(&bytes[..read], file_bytes)
        .map_err(|fault| SegmentError::Malformed { name: name.clone(), fault })
}

fn map(file: &OwnedFd, name: &Name, total_bytes: u64) -> Result<Mapping, SegmentError> {
    Mapping::of_file(file, total_bytes as usize).map_err(refused(name, "mmap"))
}

/// Fills an empty file, or one whose maker died over it. Where that fails, the name is taken away again.
fn make(file: &OwnedFd, name: &Name, total_bytes: u64, layout: u64) -> Result<Mapping, SegmentError> {
    let made = reserve(file, name, total_bytes).and_then(|()| map(file, name, total_bytes));
    match &made {
        Ok(mapping) => write_header(header(mapping), total_bytes, layout),
        Err(_) => _ = shm::unlink(name.as_str()),
    }
    made
}

/// Makes the file all zeros and gives it every page that it will need: a page that is missing later would be a signal
/// that kills, not an error.
fn reserve(file: &OwnedFd, name: &Name, total_bytes: u64) -> Result<(), SegmentError> {
    fchmod(file, MODE).map_err(refused(name, "fchmod"))?;
    ftruncate(file, 0).map_err(refused(name, "ftruncate"))?;
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, total_bytes) {
            Err(Errno::INTR) => {}
            done => return done.map_err(refused(name, "fallocate")),
        }
    }
}

/// Relaxed but for the last: every other process reads the header under the file's lock.
fn write_header(header: &Header, total_bytes: u64, layout: u64) {
    header.state.store(MAKING, Ordering::Relaxed);
    header.version.store(VERSION, Ordering::Relaxed);
    header.layout.store(layout, Ordering::Relaxed);
    header.total_bytes.store(total_bytes, Ordering::Relaxed);
    header.payload_offset_bytes.store(PAYLOAD_OFFSET_BYTES, Ordering::Relaxed);
    header.participants_max.store(PARTICIPANTS as u64, Ordering::Relaxed);
    header.magic.store(MAGIC, Ordering::Relaxed);
    // Release: a maker killed before this store leaves a header that says so.
    header.state.store(READY, Ordering::Release);
}

/// Takes a free place among the participants. The caller holds the lock.
fn sign(header: &Header, name: &Name) -> Result<(Identity, usize), SegmentError> {
    recover(header);
    let own = Identity::own();
    let free = header.participants.iter().position(|word| word.load(Ordering::Relaxed) == 0);
    let place = free.ok_or_else(|| SegmentError::Crowded { name: name.clone() })?;
    header.participants[place].store(own.word(), Ordering::Relaxed);
    Ok((own, place))
}

fn header(mapping: &Mapping) -> &Header {
    // SAFETY: a mapping of a segment is longer than its header and starts at a page; all words of a header are atomic,
    // and every bit pattern is one of theirs.
    unsafe { mapping.start().cast::<Header>().as_ref() }
}

/// Every place that is signed.
fn signed(header: &Header) -> impl Iterator<Item = (&AtomicU64, Identity)> {
    let words = header.participants.iter();
    // Relaxed: an identity is one word and says nothing of the rest of memory.
    words.filter_map(|word| Some((word, Identity::of_word(word.load(Ordering::Relaxed))?)))
}

struct Census {
    living: usize,
    dead: usize,
}

/// Frees the places of the dead. The caller holds the lock.
fn recover(header: &Header) -> Census {
    let mut census = Census { living: 0, dead: 0 };
    for (word, identity) in signed(header) {
        if identity.is_alive() {
            census.living += 1;
        } else {
            word.store(0, Ordering::Relaxed);
            census.dead += 1;
        }
    }
    census
}
