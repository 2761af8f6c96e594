//! A `VecDeque` behind a mutex that drops its front when it is full: what everybody has.

use super::{Frame, Overwriting, Read, Write};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What it is, for the table.
pub const ABOUT: &str = "mutex and VecDeque, the front dropped when it is full";

/// The ring between threads.
pub struct LockedDeque;

#[derive(Default)]
struct Shared {
    frames: VecDeque<Frame>,
    dropped: u64,
}

/// The only side that writes.
pub struct Writer {
    shared: Arc<Mutex<Shared>>,
    capacity: usize,
    written: u64,
}

/// The only side that reads, and what it knows to be dropped.
pub struct Reader(Arc<Mutex<Shared>>, u64);

impl Overwriting for LockedDeque {
    type Writer = Writer;
    type Reader = Reader;

    fn ring(capacity: usize) -> (Writer, Reader) {
        let shared = Shared { frames: VecDeque::with_capacity(capacity), dropped: 0 };
        let shared = Arc::new(Mutex::new(shared));
        (Writer { shared: shared.clone(), capacity, written: 0 }, Reader(shared, 0))
    }
}

impl Write for Writer {
    #[inline(always)]
    fn push(&mut self, frame: Frame) {
        let mut shared = self.shared.lock().expect("no holder of the lock can panic");
        if shared.frames.len() == self.capacity {
            shared.frames.pop_front();
            shared.dropped += 1;
        }
        shared.frames.push_back(frame);
        self.written += 1;
    }

    fn total_written(&self) -> u64 {
        self.written
    }
}

impl Read for Reader {
    fn try_pop(&mut self) -> Option<Frame> {
        let mut shared = self.0.lock().expect("no holder of the lock can panic");
        self.1 = shared.dropped;
        shared.frames.pop_front()
    }

    fn dropped(&self) -> u64 {
        self.1
    }
}
