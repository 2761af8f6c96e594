//! Records gathered in a buffer in the process before the kernel sees them: a kill loses what is there, told or not.

use super::encoded::Encoder;
use super::{Error, Journal, fresh_header};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};

/// What it is, for the table.
pub const ABOUT: &str = "encode into std BufWriter: a kill loses records";

/// A buffered file and its encoder.
pub struct Buffered {
    file: BufWriter<File>,
    encoder: Encoder,
}

impl Journal for Buffered {
    const OUTLIVES_A_KILL: bool = false;

    fn create(file: File, capacity_bytes: u64) -> Result<Self, Error> {
        let header = fresh_header(&file, capacity_bytes)?;
        file.set_len(capacity_bytes)?;
        let mut file = BufWriter::new(file);
        file.write_all(&header.to_bytes())?;
        Ok(Self { file, encoder: Encoder::new(header) })
    }

    #[inline(always)]
    fn append(&mut self, payload: &[u8]) -> Result<(), Error> {
        let (record, _) = self.encoder.encode(payload)?;
        Ok(self.file.write_all(record)?)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.file.flush()?;
        Ok(self.file.get_ref().sync_data()?)
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.file.seek(SeekFrom::Start(0))?;
        Ok(self.file.write_all(&self.encoder.restart())?)
    }
}
