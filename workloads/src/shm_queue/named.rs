//! Queues that another process finds by a segment's name: the ring of two sides with its signatures, and the one of many to
//! many. A segment holds one queue. How items travel is in `ring_spsc::cached_index` and `mpmc`.

use super::lifeline::{Gone, Lifeline, Side, Sides};
use super::mpmc::{self, Handle};
use crate::ring_spsc::cached_index::{self, Consumer, Producer};
use crate::ring_spsc::memory::{Layout, Memory, Slot, placed::LeadError};
use crate::roll::NoSeat;
use crate::shm::{Identity, Segment, layout_hash};
use std::fmt;
use std::sync::Arc;

/// The layout under which these segments are made and joined.
pub const LAYOUT: u64 = layout_hash("queue behind a lead line, 1");

const SIDES: u64 = layout_hash("sides of a queue, 1");
const RING: u64 = layout_hash("ring of u64, 1");
const MPMC: u64 = layout_hash("queue of many to many, 1");

/// What has two sides lies behind their signatures, on lines of its own.
pub(crate) const SIDED_OFFSET_BYTES: u64 = 128;

type Ring = Memory<cached_index::Header, Slot<u64>>;

#[cfg(not(loom))]
const _: () = assert!(Memory::<Sides, ()>::room_bytes(0) <= SIDED_OFFSET_BYTES);

/// Why a queue, or whatever else has sides, was not made or joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueError {
    /// What the segment holds, or has no room for.
    Lead(LeadError),
    /// A living process has this side.
    Taken(Identity),
    /// As many take part as may.
    NoSeat(NoSeat),
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueError::Lead(error) => error.fmt(f),
            QueueError::Taken(who) => {
                write!(f, "process {} has this side: end it, or take the other", who.pid)
            }
            QueueError::NoSeat(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for QueueError {}

impl From<LeadError> for QueueError {
    fn from(error: LeadError) -> Self {
        QueueError::Lead(error)
    }
}

/// Positions are masked, and the turns of `mpmc` told apart.
fn fits(slot_count: u64) -> bool {
    slot_count.is_power_of_two() && slot_count > 1
}

/// A payload that holds either queue with so many slots.
pub fn payload_bytes(capacity: usize) -> u64 {
    let many = Memory::<mpmc::Header, mpmc::Cell>::room_bytes(capacity);
    many.max(SIDED_OFFSET_BYTES + Ring::room_bytes(capacity))
}

/// One side of a ring in a segment, with the other side's process in view.
pub struct End<E> {
    end: E,
    lifeline: Lifeline,
}

/// Makes a ring in a fresh segment.
///
/// # Errors
/// [`QueueError::Lead`].
///
/// # Panics
/// Where the capacity is no power of two above one.
pub fn make_ring(segment: &Arc<Segment>, capacity: usize) -> Result<(), QueueError> {
    assert!(fits(capacity as u64), "the indices are masked");
    let (header, slots) = (cached_index::Header::starting_at(0), (0..capacity).map(|_| Slot::<u64>::empty()));
    // SAFETY: indices and items are words, of which every pattern is a value; each side is taken by one process at a time.
    unsafe { make_sided(segment, RING, header, slots) }
}

/// Makes what has two sides, behind their signatures.
///
/// # Errors
/// [`QueueError::Lead`].
///
/// # Safety
/// As for [`Memory::placed`].
pub(crate) unsafe fn make_sided<H: Layout<S>, S>(
    segment: &Arc<Segment>,
    kind: u64,
    header: H,
    slots: impl ExactSizeIterator<Item = S>,
) -> Result<(), QueueError> {
    // SAFETY: signatures are atomic words of which every pattern is a value; all go through `Lifeline`.
    unsafe { Memory::<Sides, ()>::placed(segment, 0, SIDES, Sides::unsigned(), std::iter::empty()) }?;
    // SAFETY: the caller vouches for header and slots.
    unsafe { Memory::placed(segment, SIDED_OFFSET_BYTES, kind, header, slots) }?;
    Ok(())
}

/// Takes a side of what [`make_sided`] made.
///
/// # Errors
/// `Lead` or `Taken`.
///
/// # Safety
/// As for [`Memory::attached`].
pub(crate) unsafe fn take_side<H: Layout<S>, S>(
    segment: &Arc<Segment>,
    side: Side,
    kind: u64,
    fits: fn(u64) -> bool,
) -> Result<(Memory<H, S>, Lifeline), QueueError> {
    // SAFETY: as in `make_sided`.
    let sides = unsafe { Memory::attached(segment, 0, SIDES, |count| count == 0) }?;
    // SAFETY: the caller vouches for header and slots.
    let memory = unsafe { Memory::attached(segment, SIDED_OFFSET_BYTES, kind, fits) }?;
    Ok((memory, Lifeline::take(sides, side).map_err(QueueError::Taken)?))
}

/// Takes the producer's side of the ring that a segment holds.
///
/// # Errors
/// `Lead` or `Taken`.
pub fn producer(segment: &Arc<Segment>) -> Result<End<Producer<u64>>, QueueError> {
    let (memory, lifeline) = side(segment, Side::Producer)?;
    Ok(End { end: Producer::resumed(memory), lifeline })
}

/// Takes the consumer's side of the ring that a segment holds.
///
/// # Errors
/// `Lead` or `Taken`.
pub fn consumer(segment: &Arc<Segment>) -> Result<End<Consumer<u64>>, QueueError> {
    let (memory, lifeline) = side(segment, Side::Consumer)?;
    Ok(End { end: Consumer::resumed(memory), lifeline })
}

fn side(segment: &Arc<Segment>, side: Side) -> Result<(Ring, Lifeline), QueueError> {
    // SAFETY: as in `make_ring`.
    unsafe { take_side(segment, side, RING, fits) }
}

impl End<Producer<u64>> {
    /// Pushes as soon as there is room.
    ///
    /// # Errors
    /// Where the consumer is dead and the ring full.
    pub fn push(&mut self, item: u64) -> Result<(), Gone> {
        self.lifeline.push(&mut self.end, item)
    }
}

impl End<Consumer<u64>> {
    /// Pops as soon as there is an item.
    ///
    /// # Errors
    /// Where the producer is dead and the ring empty.
    pub fn pop(&mut self) -> Result<u64, Gone> {
        self.lifeline.pop(&mut self.end)
    }
}

/// Makes a queue of many to many in a fresh segment, and takes part in it.
///
/// # Errors
/// [`QueueError::Lead`].
///
/// # Panics
/// Where the capacity is no power of two above one.
pub fn make_mpmc(segment: &Arc<Segment>, capacity: usize) -> Result<Handle, QueueError> {
    let (header, cells) = (mpmc::Header::starting_at(0), mpmc::cells(capacity, 0));
    // SAFETY: header and cells are atomic words, of which every pattern is a value; all go through `Handle`.
    joined(unsafe { Memory::placed(segment, 0, MPMC, header, cells) }?)
}

/// Takes part in the queue of many to many that a segment holds.
///
/// # Errors
/// `Lead` or `NoSeat`.
pub fn join_mpmc(segment: &Arc<Segment>) -> Result<Handle, QueueError> {
    // SAFETY: as in `make_mpmc`.
    joined(unsafe { Memory::attached(segment, 0, MPMC, fits) }?)
}

fn joined(memory: mpmc::Shared) -> Result<Handle, QueueError> {
    Handle::join(memory, Identity::own(), Identity::is_alive).map_err(QueueError::NoSeat)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::shm::scratch;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn segment(capacity: usize) -> Arc<Segment> {
        scratch("named", payload_bytes(capacity), LAYOUT).expect("a segment is made")
    }

    fn write(segment: &Segment, word: u64, value: u64) {
        let place = segment.place::<AtomicU64>(8 * word, 1).expect("a word of the payload");
        // SAFETY: an atomic word inside the payload.
        unsafe { place.as_ref() }.store(value, Ordering::Relaxed);
    }

    #[test]
    fn a_side_is_taken_once_and_what_is_pushed_comes_out() {
        let segment = segment(4);
        assert_eq!(producer(&segment).err(), Some(QueueError::Lead(LeadError::Unready)));
        make_ring(&segment, 4).unwrap();
        let (mut to, mut from) = (producer(&segment).unwrap(), consumer(&segment).unwrap());
        assert_eq!(producer(&segment).err(), Some(QueueError::Taken(Identity::own())));
        assert_eq!(make_ring(&segment, 4), Err(QueueError::Lead(LeadError::Occupied)));
        (0..10).for_each(|item| {
            to.push(item).unwrap();
            assert_eq!(from.pop(), Ok(item));
        });
        assert!(matches!(join_mpmc(&segment).err(), Some(QueueError::Lead(LeadError::Foreign { .. }))));
    }

    #[test]
    fn more_slots_than_the_segment_holds_are_refused() {
        let segment = segment(4);
        make_mpmc(&segment, 4).unwrap();
        for (slots, found) in [(0, 0), (3, 3), (1, 1), (u64::MAX, u64::MAX)] {
            write(&segment, 2, slots);
            let expected = QueueError::Lead(LeadError::SlotCount(found));
            assert_eq!(join_mpmc(&segment).err(), Some(expected));
        }
        for slots in [1 << 12, 1 << 40, 1 << 63] {
            write(&segment, 2, slots);
            assert!(matches!(join_mpmc(&segment).err(), Some(QueueError::Lead(LeadError::Place(_)))));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_lead_line_panics_or_reaches_outside(
            words in proptest::collection::vec((0u64..32, any::<u64>()), 1..6),
        ) {
            let [ring, many] = [segment(4), segment(4)];
            make_ring(&ring, 4).unwrap();
            drop(make_mpmc(&many, 4).unwrap());
            for (word, value) in words {
                write(&ring, word, value);
                write(&many, word % 3, value);
            }
            let _ = (producer(&ring).err(), consumer(&ring).err());
            prop_assert!(matches!(join_mpmc(&many).err(), Some(QueueError::Lead(_))));
        }
    }
}
