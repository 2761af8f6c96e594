//! Reading while another thread writes: both sides of the pair, kept in step so that neither ends before the other.

use super::{Read, Write, digest, state_of};
use crate::sync::{Arc, AtomicU64, Ordering, pause_or_yield};
use perfbench_harness::case::{Body, Fact, fold};

/// Reads of one operation of the reading side.
pub(super) const READS: u64 = if cfg!(miri) { 4 } else { 1024 };

/// How far either side has come, each on a line of its own.
struct Progress {
    reading_ops: Line,
    writes: Line,
}

#[repr(align(128))]
struct Line(AtomicU64);

impl Progress {
    fn new() -> Self {
        let none = || Line(AtomicU64::new(0));
        Self { reading_ops: none(), writes: none() }
    }
}

/// Reads [`READS`] times an operation, and then tells.
pub(super) struct Reading<R> {
    reader: R,
    ops: u64,
    progress: Arc<Progress>,
}

impl<R> Reading<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, ops: 0, progress: Arc::new(Progress::new()) }
    }
}

impl<R: Read> Body for Reading<R> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        let sum = (0..READS).fold(0, |sum, _| fold(sum, digest(self.reader.read())));
        self.ops += 1;
        // Relaxed: the number itself is all that is told.
        self.progress.reading_ops.0.store(self.ops, Ordering::Relaxed);
        sum
    }

    fn facts(&mut self) -> Vec<Fact> {
        let writes = self.progress.writes.0.load(Ordering::Relaxed) as f64;
        vec![Fact::new("writes_per_read", "writes", writes / (self.ops.max(1) * READS) as f64)]
    }
}

/// Writes while an operation of the reading side is under way: all the time, or once at its end.
pub(super) struct Writing<W> {
    writer: W,
    flat_out: bool,
    ops: u64,
    writes: u64,
    progress: Arc<Progress>,
}

impl<W: Write> Writing<W> {
    pub(super) fn new<R>(writer: W, reading: &Reading<R>, flat_out: bool) -> Self {
        Self { writer, flat_out, ops: 0, writes: 0, progress: reading.progress.clone() }
    }

    fn reader_is_ahead(&self) -> bool {
        self.progress.reading_ops.0.load(Ordering::Relaxed) > self.ops
    }

    #[inline(always)]
    fn write(&mut self) {
        self.writes += 1;
        self.writer.write(state_of(self.writes));
    }
}

impl<W: Write> Body for Writing<W> {
    fn op(&mut self, _: u64) -> u64 {
        let mut attempt = 0;
        while !self.reader_is_ahead() {
            if self.flat_out { self.write() } else { pause_or_yield(&mut attempt) }
        }
        self.write();
        self.ops += 1;
        self.progress.writes.0.store(self.writes, Ordering::Relaxed);
        self.ops
    }
}
