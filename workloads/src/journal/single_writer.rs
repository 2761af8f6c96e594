//! The committed journal for one appender, whose type is the reservation: not one locked instruction an append.

use super::file::{Mapped, open};
use super::log::Alone;
use super::{Error, Journal, fresh_header};
use std::fs::File;

/// What it is, for the table.
pub const ABOUT: &str = "bounded, checksum, mark last, one appender";

/// The journal in a mapped file.
pub struct SingleWriter(Alone<Mapped>);

impl SingleWriter {
    /// Goes on with a journal that was written before; its payloads come with it.
    ///
    /// # Errors
    /// As [`open`].
    pub fn open(file: File) -> Result<(Self, Vec<Vec<u8>>), Error> {
        let opened = open(file)?;
        let records = opened.payloads.len() as u64;
        let log = Alone::resume(opened.mapped, opened.header, opened.end_bytes / 8, records);
        Ok((Self(log), opened.payloads))
    }
}

impl Journal for SingleWriter {
    const OUTLIVES_A_KILL: bool = true;

    fn create(file: File, capacity_bytes: u64) -> Result<Self, Error> {
        let header = fresh_header(&file, capacity_bytes)?;
        Ok(Self(Alone::create(Mapped::create(file, capacity_bytes)?, header)))
    }

    #[inline(always)]
    fn append(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.0.append(payload).map(drop)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.0.memory().sync()
    }

    fn restart(&mut self) -> Result<(), Error> {
        self.0.restart();
        Ok(())
    }
}
