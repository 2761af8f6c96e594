//! The bytes of a journal file: a header and records of little-endian words, and the checksum over them. Who writes them in
//! which order is `log`'s affair, who reads them `recover`'s.

use std::array::from_fn;

/// Bytes of the file's header.
pub const HEADER_BYTES: usize = 64;

/// Words of the header.
pub const HEADER_WORDS: usize = HEADER_BYTES / 8;

/// Words before a payload: mark, sequence number, checksum.
pub const RECORD_WORDS: usize = 3;

const MAGIC: u64 = u64::from_le_bytes(*b"pb-jrnl\n");
const VERSION: u64 = 1;

/// Why bytes are no journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Fewer bytes than a header.
    TooShort {
        /// How many there are.
        bytes: usize,
    },
    /// Another kind of file.
    WrongMagic,
    /// A journal of another version.
    WrongVersion {
        /// Which.
        version: u64,
    },
    /// The header's checksum is wrong, or it says of itself what cannot be.
    DamagedHeader,
}

/// What a journal says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole file: a multiple of 8. A shorter file was cut.
    pub capacity_bytes: u64,
    /// Drawn when the file was made: no record of another journal is taken for one of this.
    pub identity: u64,
    /// How often the file was begun anew: no record of an earlier time is taken for one of this.
    pub epoch: u64,
    /// Sequence number of the first record.
    pub first_sequence: u64,
}

impl Header {
    /// The header's words.
    pub fn to_words(self) -> [u64; HEADER_WORDS] {
        let Header { capacity_bytes, identity, epoch, first_sequence } = self;
        let said = [MAGIC, VERSION, capacity_bytes, identity, epoch, first_sequence, 0];
        let sum = finish(said.into_iter().fold(0, step));
        from_fn(|index| said.get(index).copied().unwrap_or(sum))
    }

    /// The header's bytes.
    pub fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let words = self.to_words();
        from_fn(|index| words[index / 8].to_le_bytes()[index % 8])
    }

    /// Reads a header off the first bytes of a file.
    ///
    /// # Errors
    /// Why they are none.
    pub fn of_bytes(bytes: &[u8]) -> Result<Self, Refusal> {
        let words: [u64; HEADER_WORDS] = match bytes.first_chunk::<HEADER_BYTES>() {
            None => return Err(Refusal::TooShort { bytes: bytes.len() }),
            Some(bytes) => from_fn(|index| word_at(bytes, index * 8)),
        };
        let [magic, version, capacity_bytes, identity, epoch, first_sequence, _, _] = words;
        let header = Self { capacity_bytes, identity, epoch, first_sequence };
        match (magic, version) {
            (MAGIC, VERSION) if header.to_words() == words && header.is_possible() => Ok(header),
            (MAGIC, VERSION) => Err(Refusal::DamagedHeader),
            (MAGIC, _) => Err(Refusal::WrongVersion { version }),
            _ => Err(Refusal::WrongMagic),
        }
    }

    fn is_possible(&self) -> bool {
        // Records and words of a journal are counted in 32 bits each.
        let words = self.capacity_bytes / 8;
        let in_range = words >= HEADER_WORDS as u64 && words <= u64::from(u32::MAX);
        in_range && self.capacity_bytes.is_multiple_of(8) && self.first_sequence.checked_add(words).is_some()
    }

    /// What marks a record as one of this journal and time.
    pub fn stamp(&self) -> Stamp {
        let seed = finish(step(step(0, self.identity), self.epoch));
        Stamp { tag: (seed >> 32) as u32 | 1, seed }
    }
}

/// What marks the records of one journal since it was last begun.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    tag: u32,
    seed: u64,
}

impl Stamp {
    /// The mark of a committed record: never zero, which is what a record bears until then.
    #[inline(always)]
    pub fn mark(self, payload_bytes: usize) -> u64 {
        u64::from(self.tag) << 32 | payload_bytes as u64
    }

    /// Bytes of the payload, where the word is a mark of this journal and time.
    #[inline(always)]
    pub fn payload_bytes(self, mark: u64) -> Option<usize> {
        ((mark >> 32) as u32 == self.tag).then_some(mark as u32 as usize)
    }

    /// Hands every word of a record but the first to `put`, with its place; the first is returned: the mark, by which the
    /// record is committed once all others are in place.
    #[inline(always)]
    pub fn lay_out(self, sequence: u64, payload: &[u8], mut put: impl FnMut(usize, u64)) -> u64 {
        let mark = self.mark(payload.len());
        let mut sum = self.begin_sum(mark, sequence);
        for (index, word) in padded_words(payload).enumerate() {
            sum = step(sum, word);
            put(RECORD_WORDS + index, word);
        }
        put(1, sequence);
        put(2, finish(sum));
        mark
    }

    /// The checksum of a record; `padded` is the payload as it lies in the file, zeros behind it included.
    #[inline(always)]
    pub fn sum(self, mark: u64, sequence: u64, padded: &[u8]) -> u64 {
        finish(padded_words(padded).fold(self.begin_sum(mark, sequence), step))
    }

    #[inline(always)]
    fn begin_sum(self, mark: u64, sequence: u64) -> u64 {
        step(step(self.seed, mark), sequence)
    }
}

/// Words that a record takes in the file.
#[inline(always)]
pub fn words_of_record(payload_bytes: usize) -> usize {
    RECORD_WORDS + payload_bytes.div_ceil(8)
}

/// The word at a byte of some bytes, which must hold it whole.
#[inline(always)]
pub fn word_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("the caller looked that there is a word"))
}

/// A payload as words, zeros behind its end.
#[inline(always)]
fn padded_words(payload: &[u8]) -> impl Iterator<Item = u64> {
    let (whole, rest) = payload.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let last = (!rest.is_empty()).then_some(u64::from_le_bytes(last));
    whole.iter().map(|word| u64::from_le_bytes(*word)).chain(last)
}

/// One word more into a checksum: for any words before and behind, two different words never give the same sum, so damage
/// within one word is always seen.
#[inline(always)]
fn step(sum: u64, word: u64) -> u64 {
    (sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

#[inline(always)]
fn finish(sum: u64) -> u64 {
    let sum = (sum ^ sum >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93);
    sum ^ sum >> 32
}
