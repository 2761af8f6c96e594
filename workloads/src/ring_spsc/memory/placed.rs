//! A header and slots in a named segment, behind a lead line that says what they are. Whoever attaches believes nothing of it
//! that was not compared with the segment. What header and slots hold is the variant's affair.

use super::{Layout, Memory, Owner};
use crate::shm::{Placed, Segment, SegmentError, Shareable};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What says what lies behind it. All zeros in a fresh segment.
#[repr(C)]
struct Lead {
    /// Zero, then [`MAKING`], and at last the kind of structure.
    kind: AtomicU64,
    /// Sizes of header and slot.
    layout: AtomicU64,
    slot_count: AtomicU64,
}

const _: () = assert!(size_of::<Lead>() == 24);

const MAKING: u64 = 1;

// SAFETY: three atomic integers without a gap; every pattern is a value.
unsafe impl Shareable for Lead {}

/// Why a structure was not made in a segment, or not found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeadError {
    /// It would reach over the end of the payload.
    Place(SegmentError),
    /// Something lies there already.
    Occupied,
    /// Nothing lies there yet, or its maker has not finished.
    Unready,
    /// What lies there is something else, or laid out otherwise.
    Foreign {
        /// Kind and layout asked for.
        expected: [u64; 2],
        /// Kind and layout that the lead line names.
        found: [u64; 2],
    },
    /// A number of slots that such a structure never has.
    SlotCount(u64),
}

impl fmt::Display for LeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeadError::Place(error) => write!(f, "no such structure in this segment: {error}"),
            LeadError::Occupied => {
                write!(f, "something lies there already: attach to it, or make another segment")
            }
            LeadError::Unready => write!(f, "nothing lies there yet: wait for its maker, or make it anew"),
            LeadError::Foreign { expected, found } => {
                write!(
                    f,
                    "kind and layout are {found:#x?}, expected are {expected:#x?}: take another segment"
                )
            }
            LeadError::SlotCount(found) => write!(f, "{found} slots are claimed: make the segment anew"),
        }
    }
}

impl std::error::Error for LeadError {}

impl From<SegmentError> for LeadError {
    fn from(error: SegmentError) -> Self {
        LeadError::Place(error)
    }
}

impl<H: Layout<S>, S> Memory<H, S> {
    const LAYOUT: u64 = (size_of::<H>() as u64) << 32 | size_of::<S>() as u64;

    /// Puts header and slots into a segment, `offset_bytes` behind the start of its payload.
    ///
    /// # Errors
    /// `Place` or `Occupied`.
    ///
    /// # Safety
    /// Every bit pattern is a value of header and slot, and every process uses them as this structure's kind says.
    pub(crate) unsafe fn placed(
        segment: &Arc<Segment>,
        offset_bytes: u64,
        kind: u64,
        header: H,
        slots: impl ExactSizeIterator<Item = S>,
    ) -> Result<Self, LeadError> {
        let lead = Placed::<Lead>::one(segment, offset_bytes)?;
        let memory = Self::behind(segment, offset_bytes, slots.len())?;
        // Relaxed: of several makers one goes on, and nobody reads before the store of the kind.
        let begun = lead.kind.compare_exchange(0, MAKING, Ordering::Relaxed, Ordering::Relaxed);
        begun.map_err(|_| LeadError::Occupied)?;
        // SAFETY: the place was found inside and aligned, and nobody else reads it yet.
        unsafe { memory.header.write(header) };
        for (index, slot) in slots.take(memory.slot_count).enumerate() {
            // SAFETY: below the number of slots.
            let place = unsafe { memory.slots.add(index) };
            // SAFETY: as for the header.
            unsafe { place.write(slot) };
        }
        lead.layout.store(Self::LAYOUT, Ordering::Relaxed);
        lead.slot_count.store(memory.slot_count as u64, Ordering::Relaxed);
        // Release: all of it is there before its kind is told; pairs with the Acquire load in `attached`.
        lead.kind.store(kind, Ordering::Release);
        Ok(memory)
    }

    /// Header and slots that are there; `fits` says which numbers of slots such a structure has.
    ///
    /// # Errors
    /// Any but `Occupied`, whatever the bytes of the segment are.
    ///
    /// # Safety
    /// As for [`Memory::placed`].
    pub(crate) unsafe fn attached(
        segment: &Arc<Segment>,
        offset_bytes: u64,
        kind: u64,
        fits: fn(u64) -> bool,
    ) -> Result<Self, LeadError> {
        let lead = Placed::<Lead>::one(segment, offset_bytes)?;
        // Acquire: pairs with the Release store in `placed`.
        let found_kind = lead.kind.load(Ordering::Acquire);
        if found_kind == 0 || found_kind == MAKING {
            return Err(LeadError::Unready);
        }
        let (expected, found) = ([kind, Self::LAYOUT], [found_kind, lead.layout.load(Ordering::Relaxed)]);
        if found != expected {
            return Err(LeadError::Foreign { expected, found });
        }
        // Read once: what others write there later changes nothing here.
        let slot_count = lead.slot_count.load(Ordering::Relaxed);
        match usize::try_from(slot_count) {
            Ok(count) if fits(slot_count) => Ok(Self::behind(segment, offset_bytes, count)?),
            _ => Err(LeadError::SlotCount(slot_count)),
        }
    }

    fn behind(segment: &Arc<Segment>, offset_bytes: u64, slot_count: usize) -> Result<Self, SegmentError> {
        let header_bytes = aligned(offset_bytes.saturating_add(size_of::<Lead>() as u64), align_of::<H>());
        let slots_bytes = aligned(header_bytes.saturating_add(size_of::<H>() as u64), align_of::<S>());
        let header = segment.place(header_bytes, 1)?;
        let slots = segment.place(slots_bytes, slot_count)?;
        Ok(Self { header, slots, slot_count, _owner: Owner::Segment(segment.clone()) })
    }

    /// Room that it takes in a payload, from its lead line on.
    pub(crate) const fn room_bytes(slot_count: usize) -> u64 {
        let header_bytes = size_of::<Lead>() + align_of::<H>() + size_of::<H>();
        (header_bytes + align_of::<S>() + slot_count * size_of::<S>()) as u64
    }
}

/// The next offset so aligned, or the last that there is, which lies in no segment.
fn aligned(offset_bytes: u64, align_bytes: usize) -> u64 {
    offset_bytes.checked_next_multiple_of(align_bytes as u64).unwrap_or(u64::MAX)
}
