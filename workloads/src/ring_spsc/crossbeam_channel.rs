//! The bounded channel of the crossbeam-channel crate, whose sides may have many handles.

use super::{Pop, Push, Spsc};
use ::crossbeam_channel::{Receiver, Sender, bounded};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "the channel of crossbeam-channel, which can also sleep";

/// The crate's channel between threads.
pub struct CrossbeamChannel;

impl<T: Send + 'static> Spsc<T> for CrossbeamChannel {
    type Producer = Sender<T>;
    type Consumer = Receiver<T>;

    fn ring(capacity: usize, _start: u64) -> Result<(Sender<T>, Receiver<T>), Unavailable> {
        Ok(bounded(capacity))
    }
}

impl<T> Push<T> for Sender<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.try_send(item).map_err(|refused| refused.into_inner())
    }

    fn is_full(&self) -> bool {
        Sender::is_full(self)
    }
}

impl<T> Pop<T> for Receiver<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        self.try_recv().ok()
    }

    fn len(&self) -> usize {
        Receiver::len(self)
    }
}
