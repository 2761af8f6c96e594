//! The first bytes of a segment, and their check before anything of the segment is touched.

use super::error::HeaderFault;
use std::sync::atomic::AtomicU64;

/// Header and payload of the largest segment: 1 GiB (document 003).
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// How many processes can be attached to a segment at once.
pub const PARTICIPANTS: usize = 120;

/// Where the payload starts: on a page of its own.
pub const PAYLOAD_OFFSET_BYTES: u64 = 4096;

/// Length of the header.
pub const HEADER_BYTES: usize = size_of::<Header>();

pub(super) const MAGIC: u64 = u64::from_ne_bytes(*b"pb-shm\x01\xa5");
pub(super) const VERSION: u64 = 1;

/// Being made: what follows is not to be relied on.
pub(super) const MAKING: u64 = 1;
/// Ready.
pub(super) const READY: u64 = 2;

/// What lies at the start of every segment. All words are changed under the lock of the segment's file only; they are
/// atomic because anybody with access may write to shared memory at any time.
#[repr(C)]
pub(super) struct Header {
    pub magic: AtomicU64,
    pub version: AtomicU64,
    pub layout: AtomicU64,
    pub total_bytes: AtomicU64,
    pub payload_offset_bytes: AtomicU64,
    pub state: AtomicU64,
    pub participants_max: AtomicU64,
    _reserved: AtomicU64,
    /// [`super::Identity::word`] of each attached process, zero where a place is free.
    pub participants: [AtomicU64; PARTICIPANTS],
}

const _: () = assert!(HEADER_BYTES == 1024);
const _: () = assert!(HEADER_BYTES as u64 <= PAYLOAD_OFFSET_BYTES);

/// What a header that is in order says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The segment can be joined.
    Ready {
        /// Header and payload.
        total_bytes: u64,
        /// What lies in it.
        layout: u64,
    },
    /// It is being made, or whoever made it died over it: the lock tells which.
    Unfinished,
}

/// Judges the first bytes of a file of `file_bytes` bytes; fewer than [`HEADER_BYTES`] need be given only where the file
/// is shorter. Whatever the bytes are, it neither panics nor accepts what cannot be mapped.
///
/// # Errors
/// The first fault.
pub fn validate(bytes: &[u8], file_bytes: u64) -> Result<Standing, HeaderFault> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(Standing::Unfinished);
    }
    if bytes.len() < HEADER_BYTES {
        return Err(HeaderFault::Short { file_bytes });
    }
    let word = |index: usize| {
        let at = index * size_of::<u64>();
        u64::from_ne_bytes(bytes[at..at + size_of::<u64>()].try_into().expect("eight bytes"))
    };
    let [magic, version, layout, total_bytes, payload, state, participants] = std::array::from_fn(word);
    if magic != MAGIC {
        return Err(HeaderFault::Magic(magic));
    }
    if version != VERSION {
        return Err(HeaderFault::Version(version));
    }
    match state {
        MAKING => return Ok(Standing::Unfinished),
        READY => {}
        other => return Err(HeaderFault::State(other)),
    }
    if participants != PARTICIPANTS as u64 {
        return Err(HeaderFault::Participants(participants));
    }
    if payload != PAYLOAD_OFFSET_BYTES {
        return Err(HeaderFault::Payload(payload));
    }
    if total_bytes < payload || total_bytes > file_bytes.min(SEGMENT_BYTES_MAX) {
        return Err(HeaderFault::Total { total_bytes, file_bytes });
    }
    Ok(Standing::Ready { total_bytes, layout })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(total_bytes: u64) -> Vec<u8> {
        let words = [MAGIC, VERSION, 99, total_bytes, PAYLOAD_OFFSET_BYTES, READY, PARTICIPANTS as u64];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.resize(HEADER_BYTES, 0);
        bytes
    }

    fn with_word(index: usize, word: u64) -> Vec<u8> {
        let mut bytes = header(8192);
        bytes[index * 8..index * 8 + 8].copy_from_slice(&word.to_ne_bytes());
        bytes
    }

    #[test]
    fn a_ready_header_says_its_length_and_layout() {
        let ready = Standing::Ready { total_bytes: 8192, layout: 99 };
        assert_eq!(validate(&header(8192), 8192), Ok(ready));
        assert_eq!(validate(&header(8192), 9000), Ok(ready));
    }

    #[test]
    fn a_header_that_was_never_finished_is_told_from_a_foreign_one() {
        assert_eq!(validate(&[], 0), Ok(Standing::Unfinished));
        assert_eq!(validate(&[0; HEADER_BYTES], 8192), Ok(Standing::Unfinished));
        assert_eq!(validate(&with_word(5, MAKING), 8192), Ok(Standing::Unfinished));
        assert_eq!(validate(b"hello", 5), Err(HeaderFault::Short { file_bytes: 5 }));
    }

    #[test]
    fn each_wrong_word_is_named() {
        assert_eq!(validate(&with_word(0, 7), 8192), Err(HeaderFault::Magic(7)));
        assert_eq!(validate(&with_word(1, 9), 8192), Err(HeaderFault::Version(9)));
        assert_eq!(validate(&with_word(5, 3), 8192), Err(HeaderFault::State(3)));
        assert_eq!(validate(&with_word(6, u64::MAX), 8192), Err(HeaderFault::Participants(u64::MAX)));
        for offset in [0, 4, 1024, 4095, 4097, 8192, u64::MAX] {
            assert_eq!(validate(&with_word(4, offset), 8192), Err(HeaderFault::Payload(offset)));
        }
        for total_bytes in [0, 4095, 8193, SEGMENT_BYTES_MAX + 1, u64::MAX] {
            let found = validate(&with_word(3, total_bytes), 8192);
            assert_eq!(found, Err(HeaderFault::Total { total_bytes, file_bytes: 8192 }));
        }
        let beyond = SEGMENT_BYTES_MAX + 1;
        assert!(validate(&with_word(3, beyond), u64::MAX).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 20 } else { 2000 }))]

        /// Whatever is accepted lies inside its file and inside the limit.
        #[test]
        fn nothing_is_accepted_that_cannot_be_mapped(
            words in proptest::collection::vec((0usize..8, any::<u64>()), 0..4),
            cut in 0usize..=HEADER_BYTES,
            flip in 0usize..HEADER_BYTES * 8,
            file_bytes in prop_oneof![0u64..20_000, any::<u64>()],
        ) {
            let mut bytes = header(8192);
            for (index, word) in words {
                bytes[index * 8..index * 8 + 8].copy_from_slice(&word.to_ne_bytes());
            }
            bytes[flip / 8] ^= 1 << (flip % 8);
            for bytes in [&bytes[..], &bytes[..cut]] {
                if let Ok(Standing::Ready { total_bytes, .. }) = validate(bytes, file_bytes) {
                    prop_assert!(bytes.len() == HEADER_BYTES);
                    prop_assert!((PAYLOAD_OFFSET_BYTES..=SEGMENT_BYTES_MAX).contains(&total_bytes));
                    prop_assert!(total_bytes <= file_bytes);
                }
            }
        }

        #[test]
        fn arbitrary_bytes_are_judged_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..2 * HEADER_BYTES),
            file_bytes in any::<u64>(),
        ) {
            let ready = matches!(validate(&bytes, file_bytes), Ok(Standing::Ready { .. }));
            prop_assert!(!ready);
        }
    }
}
