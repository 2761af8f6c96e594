//! A zstd stream as it may lie in a file: frame after frame until the end, checksums compared. What the frames hold is
//! none of its business.

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::fmt;
use std::io::{self, BufRead, Read};

/// Why a stream that can be decoded is not the one that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A frame's contents have another checksum than the frame says.
    Checksum {
        /// What the frame says.
        stated: u32,
        /// What its contents have.
        computed: u32,
    },
    /// Bytes that begin no frame follow the last one.
    Trailing,
    /// A frame that is to be skipped ends before its length.
    CutShort,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::Checksum { stated, computed } => {
                write!(f, "a zstd frame states checksum {stated:08x}, its contents have {computed:08x}")
            }
            Damage::Trailing => f.write_str("bytes that are no zstd frame follow the last one"),
            Damage::CutShort => f.write_str("the last zstd frame is cut short"),
        }
    }
}

impl std::error::Error for Damage {}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        io::Error::other(damage)
    }
}

/// The contents of all frames, one after the other.
pub struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
}

impl<R: BufRead> Frames<R> {
    /// Nothing is read yet.
    pub fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new() }
    }

    /// Decodes until something can be collected; false where the frame has nothing left.
    fn decode(&mut self) -> io::Result<bool> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let strategy = BlockDecodingStrategy::UptoBlocks(1);
            self.decoder.decode_blocks(&mut self.source, strategy).map_err(io::Error::other)?;
        }
        Ok(self.decoder.can_collect() > 0)
    }

    fn compare_checksums(&self) -> io::Result<()> {
        let checksums = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        match checksums {
            (Some(stated), Some(computed)) if stated != computed => {
                Err(Damage::Checksum { stated, computed }.into())
            }
            _ => Ok(()),
        }
    }

    /// Goes on to the next frame; false at the end of the source.
    fn next_frame(&mut self) -> io::Result<bool> {
        use ReadFrameHeaderError::{BadMagicNumber, MagicNumberReadError, SkipFrame};
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(SkipFrame { length, .. })) => {
                    self.skip(length)?
                }
                Err(FrameDecoderError::ReadFrameHeaderError(BadMagicNumber(_) | MagicNumberReadError(_))) => {
                    return Err(Damage::Trailing.into());
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    fn skip(&mut self, length: u32) -> io::Result<()> {
        let length = u64::from(length);
        let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
        if skipped == length { Ok(()) } else { Err(Damage::CutShort.into()) }
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.decode()? {
            self.compare_checksums()?;
            if !self.next_frame()? {
                return Ok(0);
            }
        }
        self.decoder.read(into)
    }
}
