//! The contract of an object pool: taking, giving back, warming up and counting. How the objects are kept is each
//! variant's own affair.

use super::limits::{Limits, ResourceExhausted};
use super::payload::Payload;
use super::statistics::Statistics;
use std::ops::DerefMut;
use std::sync::Arc;

/// Where objects come from, as one thread sees it.
pub trait Source: Sized + 'static {
    /// What it lends.
    type Object: Payload;

    /// An object on loan: gives itself back when dropped.
    type Loan<'a>: DerefMut<Target = Self::Object>;

    /// An empty source as each of its `members` sees it, for one thread each: the same pool shared, or a part for each.
    fn crew(limits: Limits, members: usize) -> Vec<Self>;

    /// An empty object that nobody else holds.
    ///
    /// # Errors
    /// [`ResourceExhausted`] where one more object would be past a limit.
    fn take(&self) -> Result<Self::Loan<'_>, ResourceExhausted>;
}

/// A source that keeps what comes back for the next take, and counts.
pub trait Pool: Source {
    /// Makes objects until `percent` of those that this member keeps lie ready.
    ///
    /// # Errors
    /// [`ResourceExhausted`] where a limit comes first; what was made until then stays.
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted>;

    /// What the pool has counted until now, all members together.
    fn statistics(&self) -> Statistics;
}

/// A source that all threads share.
pub trait Shared: Sized + Send + Sync + 'static {
    /// What it lends.
    type Object: Payload;

    /// As [`Source::Loan`].
    type Loan<'a>: DerefMut<Target = Self::Object>;

    /// An empty one under its limits.
    fn new(limits: Limits) -> Self;

    /// As [`Source::take`].
    ///
    /// # Errors
    /// As there.
    fn take(&self) -> Result<Self::Loan<'_>, ResourceExhausted>;
}

/// A pool that all threads share.
pub trait SharedPool: Shared {
    /// As [`Pool::warm_up`].
    ///
    /// # Errors
    /// As there.
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted>;

    /// As [`Pool::statistics`].
    fn statistics(&self) -> Statistics;
}

impl<S: Shared> Source for Arc<S> {
    type Object = S::Object;
    type Loan<'a> = S::Loan<'a>;

    fn crew(limits: Limits, members: usize) -> Vec<Self> {
        let shared = Arc::new(S::new(limits));
        (0..members).map(|_| shared.clone()).collect()
    }

    #[inline(always)]
    fn take(&self) -> Result<S::Loan<'_>, ResourceExhausted> {
        (**self).take()
    }
}

impl<S: SharedPool> Pool for Arc<S> {
    fn warm_up(&self, percent: usize) -> Result<(), ResourceExhausted> {
        (**self).warm_up(percent)
    }

    fn statistics(&self) -> Statistics {
        (**self).statistics()
    }
}

/// A source whose loans may end on another thread than the one that took them.
pub trait Remote: Source {
    /// A loan on its way to another thread.
    type Sent: Send + 'static;

    /// What gives loans of this member back on another thread.
    type Giver: Giver<Self::Sent> + Send + 'static;

    /// Takes an object, touches it, and makes it ready to be sent.
    ///
    /// # Errors
    /// As [`Source::take`].
    fn take_to_send(&self, value: u64) -> Result<Self::Sent, ResourceExhausted>;

    /// One for another thread.
    fn giver(&self) -> Self::Giver;
}

/// Gives back what another thread took.
pub trait Giver<S> {
    /// Ends a loan.
    ///
    /// # Errors
    /// The loan itself, where it is of another pool.
    fn give(&mut self, sent: S) -> Result<(), S>;
}
