//! The bounded channel of the standard library, which one thread pushes to.

use super::{Pop, Push, Spsc};
use perfbench_harness::Unavailable;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

/// What it is, for the table.
pub const ABOUT: &str = "sync_channel of the standard library";

/// The ring between threads.
pub struct StdMpsc;

/// The only side that pushes.
pub struct Producer<T>(SyncSender<T>);

/// The only side that pops.
pub struct Consumer<T>(Receiver<T>);

impl<T: Send + 'static> Spsc<T> for StdMpsc {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    /// The crate does not say how full a ring is.
    const TELLS: bool = false;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let (producer, consumer) = sync_channel(capacity);
        Ok((Producer(producer), Consumer(consumer)))
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.0.try_send(item).map_err(|(TrySendError::Full(item) | TrySendError::Disconnected(item))| item)
    }

    fn is_full(&self) -> bool {
        unreachable!("asked only of rings that tell")
    }
}

impl<T> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.0.try_recv().ok()
    }

    fn len(&self) -> usize {
        unreachable!("asked only of rings that tell")
    }
}
