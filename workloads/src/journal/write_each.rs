//! What everybody has: each record encoded and handed to the kernel by one `pwrite`; the page cache keeps it when the process
//! is killed, and `fdatasync` when the power fails.

use super::encoded::Encoder;
use super::{Error, Journal, fresh_header};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// What it is, for the table.
pub const ABOUT: &str = "encode, one pwrite a record";

/// A file and its encoder.
pub struct WriteEach {
    file: File,
    encoder: Encoder,
}

impl Journal for WriteEach {
    const OUTLIVES_A_KILL: bool = true;

    fn create(file: File, capacity_bytes: u64) -> Result<Self, Error> {
        let header = fresh_header(&file, capacity_bytes)?;
        file.set_len(capacity_bytes)?;
        file.write_all_at(&header.to_bytes(), 0)?;
        Ok(Self { file, encoder: Encoder::new(header) })
    }

    #[inline(always)]
    fn append(&mut self, payload: &[u8]) -> Result<(), Error> {
        let (record, at) = self.encoder.encode(payload)?;
        Ok(self.file.write_all_at(record, at)?)
    }

    fn sync(&mut self) -> Result<(), Error> {
        Ok(self.file.sync_data()?)
    }

    fn restart(&mut self) -> Result<(), Error> {
        Ok(self.file.write_all_at(&self.encoder.restart(), 0)?)
    }
}
