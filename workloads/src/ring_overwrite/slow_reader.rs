//! A writer that is timed while a reader on another CPU takes its time, and the account of what became of each frame.

use super::{Read, Write, frame};
use perfbench_harness::case::{Body, Fact};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Pauses of the reader after each frame: about a microsecond.
const LEISURE: u32 = 40;

/// Writes a frame an operation.
pub(super) struct Writing<W, R> {
    writer: W,
    stop: Arc<AtomicBool>,
    reading: Option<JoinHandle<(R, u64)>>,
}

impl<W: Write, R: Read + Send + 'static> Writing<W, R> {
    pub(super) fn new(writer: W, reader: R, cpu: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let reading = std::thread::spawn(move || read_on(reader, cpu, &stopped));
        Self { writer, stop, reading: Some(reading) }
    }
}

/// Reads until it is told to stop; returns the reader and how many frames it took.
fn read_on<R: Read>(mut reader: R, cpu: usize, stop: &AtomicBool) -> (R, u64) {
    let mut only = rustix::thread::CpuSet::new();
    only.set(cpu);
    // A reader that may run anywhere is slow all the same.
    let _ = rustix::thread::sched_setaffinity(None, &only);
    let mut read = 0;
    // Relaxed: the flag is all that is told.
    while !stop.load(Ordering::Relaxed) {
        if let Some(frame) = reader.try_pop() {
            assert!(frame.iter().all(|word| *word == frame[0]), "a torn frame: {frame:?}");
            read += 1;
        }
        (0..LEISURE).for_each(|_| std::hint::spin_loop());
    }
    (reader, read)
}

impl<W: Write, R: Read + Send + 'static> Body for Writing<W, R> {
    #[inline(always)]
    fn op(&mut self, _: u64) -> u64 {
        let number = self.writer.total_written();
        self.writer.push(frame(number));
        number
    }

    /// Ends the reading, takes what is left, and closes the account.
    fn facts(&mut self) -> Vec<Fact> {
        let Some((mut reader, mut read)) = self.stop() else { return Vec::new() };
        while reader.try_pop().is_some() {
            read += 1;
        }
        let (written, dropped) = (self.writer.total_written(), reader.dropped());
        let count = |name, frames: f64| Fact::new(name, "frames", frames);
        vec![
            count("written", written as f64),
            count("read", read as f64),
            count("dropped", dropped as f64),
            count("unaccounted", written as f64 - (read + dropped) as f64),
        ]
    }
}

impl<W, R> Writing<W, R> {
    /// What came of the reading, the first time.
    fn stop(&mut self) -> Option<(R, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        self.reading.take().map(|reading| reading.join().expect("no frame is torn"))
    }
}

impl<W, R> Drop for Writing<W, R> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
    }
}
