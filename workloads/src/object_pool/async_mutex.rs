//! The pool as document 000 describes it: an async take that locks the deque and then the statistics, the oldest object
//! first out, and a give-back on drop that locks the deque again. A drop cannot await: where it would have to wait on a worker
//! of a runtime, a task of its own gives the object back.

use super::limits::{Limits, ResourceExhausted};
use super::load;
use super::payload::Payload;
use super::pool::{Shared, SharedPool};
use super::shelf::{Carried, Keeper, Shelf};
use super::statistics::Statistics;
use perfbench_harness::case::Case;
use perfbench_harness::counter::syscalls::yield_turn;
use perfbench_harness::{Setup, Unavailable};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

/// What the table says of it.
pub const ABOUT: &str = "deque and statistics behind two async mutexes, the oldest object first out";

/// The pool.
pub struct AsyncMutex<T: Payload> {
    shelf: Arc<Mutex<Shelf<T>>>,
    statistics: Mutex<Statistics>,
}

impl<T: Payload> AsyncMutex<T> {
    /// As [`Shared::take`], for a task that may wait.
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub async fn take_async(&self) -> Result<Carried<'_, Self>, ResourceExhausted> {
        let mut shelf = self.shelf.lock().await;
        let mut statistics = self.statistics.lock().await;
        Ok(Carried::new(shelf.take(&mut statistics)?, self))
    }
}

impl<T: Payload> Shared for AsyncMutex<T> {
    type Object = T;
    type Loan<'a> = Carried<'a, Self>;

    fn new(limits: Limits) -> Self {
        Self { shelf: Arc::new(Mutex::new(Shelf::new(limits))), statistics: Mutex::default() }
    }

    #[inline]
    fn take(&self) -> Result<Carried<'_, Self>, ResourceExhausted> {
        block_on(self.take_async())
    }
}

impl<T: Payload> Keeper for AsyncMutex<T> {
    type Object = T;

    #[inline]
    fn give_back(&self, object: T) {
        match (self.shelf.try_lock(), Handle::try_current()) {
            (Ok(mut shelf), _) => shelf.give_back(object),
            (Err(_), Err(_)) => block_on(self.shelf.lock()).give_back(object),
            // The lock goes to the task that has waited longest: a worker that waits here may be the one to run it.
            (Err(_), Ok(runtime)) => {
                let shelf = self.shelf.clone();
                runtime.spawn(async move { shelf.lock().await.give_back(object) });
            }
        }
    }
}

impl<T: Payload> SharedPool for AsyncMutex<T> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        block_on(self.shelf.lock()).warm_up(percent, &mut block_on(self.statistics.lock()))
    }

    fn statistics(&self) -> Statistics {
        let shelf = block_on(self.shelf.lock());
        Statistics { size: shelf.alive(), ..*block_on(self.statistics.lock()) }
    }
}

/// Polls until ready. An uncontended lock is ready at the first poll; for a contended one this thread yields in turns,
/// because there is no runtime that could do something else meanwhile: no worker of one calls this.
#[inline]
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        yield_turn();
    }
}

/// For the table.
pub enum Kind {}

impl super::PoolKind for Kind {
    type Of<T: Payload> = Arc<AsyncMutex<T>>;

    fn load(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
        load::case::<AsyncMutex<Vec<u8>>>(setup)
    }
}

impl load::Tasks for AsyncMutex<Vec<u8>> {
    type Held<'a> = Carried<'a, Self>;

    async fn take_in_task(&self) -> Result<Carried<'_, Self>, ResourceExhausted> {
        self.take_async().await
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::limits;
    use super::*;

    /// The lock is held by the very task that drops a loan, on the only thread of its runtime.
    #[test]
    fn object_pool_a_drop_on_a_runtimes_worker_never_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let pool = AsyncMutex::<Vec<u8>>::new(limits::<Vec<u8>>(1));
            let (loan, held) = (pool.take_async().await.unwrap(), pool.shelf.lock().await);
            drop(loan);
            drop(held);
            tokio::task::yield_now().await;
            assert!(pool.take_async().await.is_ok());
            let statistics = *pool.statistics.lock().await;
            assert_eq!((statistics.takes, statistics.hits), (2, 1), "the loan came back");
        });
    }
}
