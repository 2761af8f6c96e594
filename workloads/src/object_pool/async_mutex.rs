//! The pool as document 000 describes it: an async take that locks the deque and then the statistics, the oldest buffer
//! first out, and a give-back on drop that locks the deque again.

use super::pool::{Limits, Pool, ResourceExhausted, Shelf, Source, Statistics};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tokio::sync::Mutex;

/// What the table says of it.
pub const ABOUT: &str = "deque and statistics behind two async mutexes, the oldest buffer first out";

pub struct AsyncMutex {
    shelf: Mutex<Shelf>,
    statistics: Mutex<Statistics>,
}

impl AsyncMutex {
    async fn next(&self) -> Result<Vec<u8>, ResourceExhausted> {
        let mut shelf = self.shelf.lock().await;
        let mut statistics = self.statistics.lock().await;
        shelf.take(&mut statistics)
    }
}

impl Source for AsyncMutex {
    #[inline]
    fn hand_out(&self) -> Result<Vec<u8>, ResourceExhausted> {
        block_on(self.next())
    }

    #[inline]
    fn give_back(&self, bytes: Vec<u8>) {
        block_on(self.shelf.lock()).give_back(bytes);
    }
}

impl Pool for AsyncMutex {
    fn new(limits: Limits) -> Self {
        Self { shelf: Mutex::new(Shelf::new(limits)), statistics: Mutex::default() }
    }

    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        block_on(self.shelf.lock()).warm_up(percent, &mut block_on(self.statistics.lock()))
    }

    fn statistics(&self) -> Statistics {
        let shelf = block_on(self.shelf.lock());
        Statistics { size: shelf.alive(), ..*block_on(self.statistics.lock()) }
    }
}

/// Polls until ready. An uncontended lock is ready at the first poll; for a contended one this spins, because there is
/// no runtime that could do something else meanwhile.
#[inline]
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}
