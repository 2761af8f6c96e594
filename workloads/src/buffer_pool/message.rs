//! One buffer of document 002: a header of one cache line before 64 KiB of data, and a loan of such a buffer. Where buffers
//! lie and who has which is not here.

use super::pool::{Bytes, Fault};
use std::ptr::NonNull;

/// Largest message: a whole frame of the wire.
pub const DATA_BYTES: usize = 64 * 1024;

/// A buffer. The header makes the stride of a row of them 64 bytes more than a power of two, so that neighbours begin in
/// neighbouring cache sets.
#[repr(C, align(64))]
pub struct RawMessage {
    /// What is known of the message.
    pub header: Header,
    data: [u8; DATA_BYTES],
}

/// One cache line beside the data. All zeros are a header of an idle buffer.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub struct Header {
    /// When the message came in, in units of the holder's clock.
    pub timestamp_ns: u64,
    /// Its number among all messages.
    pub sequence: u64,
    /// Whom it came from.
    pub exchange: u32,
    size_bytes: u32,
    pub(super) mark: Mark,
    /// Whether the data was filled with a pattern when the buffer came back.
    pub(super) poisoned: u32,
    unused: [u32; 7],
}

/// Whose buffer it is, in one word: the index by which it goes back, and which loan of it this is. One word, because two
/// stores of its halves followed by a load of both would wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Mark(u64);

/// The mark in the header of an idle buffer, which no loan has.
pub const IDLE: Mark = Mark(0);

impl Mark {
    /// The mark of a buffer's generation: odd while on loan, even while idle.
    #[inline(always)]
    pub const fn new(pool_index: u32, generation: u32) -> Self {
        Self((generation as u64) << 32 | pool_index as u64)
    }

    /// Place in the pool.
    #[inline(always)]
    pub const fn pool_index(self) -> u32 {
        self.0 as u32
    }

    /// Number of loans and returns of the buffer.
    #[inline(always)]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The mark after the next loan or return.
    #[inline(always)]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1 << 32))
    }
}

const _: () = assert!(size_of::<Header>() == 64 && align_of::<Header>() == 64);
const _: () = assert!(std::mem::offset_of!(RawMessage, data) == 64);
const _: () = assert!(size_of::<RawMessage>() == DATA_BYTES + 64);

/// What idle data is filled with in builds with debug assertions.
pub(super) const POISON: u8 = 0xdb;

impl RawMessage {
    /// Fills the data so that a write while idle shows.
    pub(super) fn poison(&mut self) {
        self.data.fill(POISON);
        self.header.poisoned = 1;
    }

    /// Whether the data is as [`RawMessage::poison`] left it; true where it was never filled.
    pub(super) fn is_untouched(&self) -> bool {
        self.header.poisoned == 0 || self.data.chunks(4096).all(|chunk| *chunk == [POISON; 4096][..])
    }
}

/// A buffer on loan: a pointer that travels between threads as document 002's does, with the loan's mark. It belongs to
/// one holder, who alone reads and writes through it. Dropping it instead of giving it back loses the buffer.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a loan that is dropped is a buffer lost to its pool"]
pub struct Loan {
    place: NonNull<RawMessage>,
    mark: Mark,
}

// SAFETY: a loan is the only access to its buffer, whose memory outlives every loan and belongs to no thread.
unsafe impl Send for Loan {}

impl Loan {
    /// Puts a loan together.
    ///
    /// # Safety
    /// The buffer at `place` is lent under `mark` and no other loan of it is used, or this one is only ever handed to a
    /// pool's `release`, which looks at a buffer after it knows the address to be its own and the mark to be current.
    #[inline(always)]
    pub unsafe fn from_parts(place: NonNull<RawMessage>, mark: Mark) -> Self {
        Self { place, mark }
    }

    /// Where the buffer lies.
    #[inline(always)]
    pub fn place(&self) -> NonNull<RawMessage> {
        self.place
    }

    /// Which loan of which buffer it is.
    #[inline(always)]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// What is known of the message.
    #[inline(always)]
    pub fn header(&self) -> &Header {
        // SAFETY: the loan is the only access to a live buffer.
        unsafe { &self.place.as_ref().header }
    }

    /// Says what is known of the message.
    #[inline(always)]
    pub fn stamp(&mut self, timestamp_ns: u64, sequence: u64, exchange: u32) {
        let header = &mut self.whole().header;
        header.timestamp_ns = timestamp_ns;
        header.sequence = sequence;
        header.exchange = exchange;
    }

    /// All bytes of the buffer, with whatever former holders left there: for a socket to read into.
    #[inline(always)]
    pub fn data(&mut self) -> &mut [u8; DATA_BYTES] {
        &mut self.whole().data
    }

    /// Says how many bytes of the data are the message.
    ///
    /// # Errors
    /// [`Fault::Oversize`] past the end of the buffer.
    #[inline(always)]
    pub fn set_size(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > DATA_BYTES {
            return Err(Fault::Oversize { bytes });
        }
        self.whole().header.size_bytes = bytes as u32;
        Ok(())
    }

    #[inline(always)]
    fn whole(&mut self) -> &mut RawMessage {
        // SAFETY: the loan is the only access to a live buffer.
        unsafe { self.place.as_mut() }
    }
}

impl Bytes for Loan {
    #[inline(always)]
    fn write(&mut self, message: &[u8]) -> Result<(), Fault> {
        self.set_size(message.len())?;
        self.data()[..message.len()].copy_from_slice(message);
        Ok(())
    }

    #[inline(always)]
    fn message(&self) -> &[u8] {
        // SAFETY: the loan is the only access to a live buffer.
        let whole = unsafe { self.place.as_ref() };
        // A header that was written over may say anything.
        &whole.data[..(whole.header.size_bytes as usize).min(DATA_BYTES)]
    }
}
