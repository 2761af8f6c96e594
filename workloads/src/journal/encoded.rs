//! A journal's records as bytes for whoever writes them by system calls: header, position and the record at hand.

use super::Error;
use super::format::{HEADER_BYTES, Header, words_of_record};

/// Where a file's next record goes, and its bytes.
pub struct Encoder {
    header: Header,
    records: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl Encoder {
    /// At the first record behind a header.
    pub fn new(header: Header) -> Self {
        Self { header, records: 0, at: HEADER_BYTES as u64, bytes: Vec::new() }
    }

    /// The bytes of the next record and where in the file they go.
    ///
    /// # Errors
    /// [`Error::Full`].
    #[inline(always)]
    pub fn encode(&mut self, payload: &[u8]) -> Result<(&[u8], u64), Error> {
        let record_bytes = 8 * words_of_record(payload.len());
        let left = self.header.capacity_bytes - self.at;
        if record_bytes as u64 > left || payload.len() > u32::MAX as usize {
            return Err(Error::Full { left_bytes: left as usize });
        }
        self.bytes.clear();
        self.bytes.resize(record_bytes, 0);
        let (stamp, sequence) = (self.header.stamp(), self.header.first_sequence + self.records);
        let bytes = &mut self.bytes;
        let mut put = |index: usize, word: u64| bytes[8 * index..][..8].copy_from_slice(&word.to_le_bytes());
        let mark = stamp.lay_out(sequence, payload, &mut put);
        put(0, mark);
        let at = self.at;
        (self.at, self.records) = (at + record_bytes as u64, self.records + 1);
        Ok((&self.bytes, at))
    }

    /// Begins the journal anew and returns its header's bytes.
    pub fn restart(&mut self) -> [u8; HEADER_BYTES] {
        self.header.epoch += 1;
        self.header.first_sequence += self.records;
        (self.at, self.records) = (HEADER_BYTES as u64, 0);
        self.header.to_bytes()
    }
}
