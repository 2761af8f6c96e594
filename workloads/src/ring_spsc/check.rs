//! The one check of all queues with one producer and one consumer: against a `VecDeque`, then from thread to thread.

use super::payload::{Block, Item};
use super::waiting::{EightPauses, OnePause, Spin, Wait};
use super::{Pop, Push, Spsc, Timed};
use crate::threads::beside;
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::collections::VecDeque;
use std::ops::RangeInclusive;

/// The smallest, a few slots, and what is timed; all small where every step is interpreted.
pub const CAPACITIES: [usize; 3] = if cfg!(miri) { [2, 4, 16] } else { [2, 64, super::CAPACITY] };

/// Items that travel from one side to the other through a ring of `capacity`: enough to wrap it dozens of times, and
/// few where each pair of them may wait for the other side to be scheduled.
pub fn transfer(capacity: usize) -> u64 {
    let laps = if cfg!(miri) { 3 } else { 48 };
    laps * capacity as u64
}

/// The check of rings between threads: numbers and whole lines, under every waiting policy.
///
/// # Errors
/// The first difference from the oracle.
pub fn between_threads<S: Timed>(setup: &Setup<'_>) -> Result<(), Broken> {
    carries::<S, Block>(setup)?;
    carries::<S, u64>(setup)?;
    // Where every step is interpreted, a thread that spins without a pause is never put off.
    if !cfg!(miri) {
        carries_across_threads::<S, u64, Spin>(super::CAPACITY.min(64), setup.seed)?;
    }
    carries_across_threads::<S, u64, EightPauses>(CAPACITIES[1], setup.seed)
}

/// The check of a ring that carries one type.
///
/// # Errors
/// The first difference from the oracle.
pub fn carries<S, T: Item>(setup: &Setup<'_>) -> Result<(), Broken>
where
    S: Spsc<T, Producer: Send, Consumer: Send>,
{
    agrees_with_a_deque::<S, T>(setup.seed)?;
    CAPACITIES.iter().try_for_each(|&slots| carries_across_threads::<S, T, OnePause>(slots, setup.seed))
}

/// Compares with the oracle at every capacity, from counters at zero and just before they wrap.
///
/// # Errors
/// The first difference.
pub fn agrees_with_a_deque<S: Spsc<T>, T: Item>(seed: u64) -> Result<(), Broken> {
    for capacity in CAPACITIES {
        for start in [0, 1, u64::MAX - 2 * capacity as u64] {
            Twins::<T>::of::<S>(capacity, start)?.act(&mut Random::new(seed))?;
        }
    }
    Ok(())
}

/// A side that pushes items of whatever ring: one copy of the comparison serves all, because nothing here is timed.
trait Pushing<T> {
    fn try_push(&mut self, item: T) -> Result<(), T>;
    fn is_full(&self) -> bool;
}

impl<T, P: Push<T>> Pushing<T> for P {
    fn try_push(&mut self, item: T) -> Result<(), T> {
        Push::try_push(self, item)
    }

    fn is_full(&self) -> bool {
        Push::is_full(self)
    }
}

/// A side that pops items of whatever ring.
trait Popping<T> {
    fn try_pop(&mut self) -> Option<T>;
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool;
}

impl<T, C: Pop<T>> Popping<T> for C {
    fn try_pop(&mut self) -> Option<T> {
        Pop::try_pop(self)
    }

    fn len(&self) -> usize {
        Pop::len(self)
    }

    fn is_empty(&self) -> bool {
        Pop::is_empty(self)
    }
}

/// A ring and what it should hold.
pub struct Twins<T> {
    producer: Box<dyn Pushing<T>>,
    consumer: Box<dyn Popping<T>>,
    oracle: VecDeque<T>,
    capacity: usize,
    /// Whether its sides say how full it is.
    tells: bool,
    /// How many items it must take, and how many it may.
    holds: RangeInclusive<usize>,
}

impl<T: Item> Twins<T> {
    /// A fresh ring of a kind and an empty deque.
    ///
    /// # Errors
    /// What the machine refused.
    pub fn of<S: Spsc<T>>(capacity: usize, start: u64) -> Result<Self, Broken> {
        let (producer, consumer) = S::ring(capacity, start).map_err(|refused| Broken(refused.to_string()))?;
        Ok(Self {
            producer: Box::new(producer),
            consumer: Box::new(consumer),
            oracle: VecDeque::new(),
            capacity,
            tells: S::TELLS,
            holds: S::holds(capacity),
        })
    }

    /// Fills, drains, then pushes and pops in bursts of random length, and drains again.
    fn act(&mut self, random: &mut Random) -> Result<(), Broken> {
        let most = (*self.holds.end()).min(2 * self.capacity) + 1;
        let rounds = if cfg!(miri) { 3 } else { 20 };
        self.burst(most, most, random)?;
        for _ in 0..rounds {
            let mut up_to_most = || random.below(most as u64 + 1) as usize;
            let (pushes, pops) = (up_to_most(), up_to_most());
            self.burst(pushes, pops, random)?;
        }
        self.burst(0, self.oracle.len() + 1, random)?;
        ensure!(self.oracle.is_empty(), "capacity {}: {} items were lost", self.capacity, self.oracle.len());
        Ok(())
    }

    fn burst(&mut self, pushes: usize, pops: usize, random: &mut Random) -> Result<(), Broken> {
        (0..pushes).try_for_each(|_| self.push(T::of(random.bits())))?;
        (0..pops).try_for_each(|_| self.pop())
    }

    /// Pushes on both.
    ///
    /// # Errors
    /// Where the ring refuses what it must take, takes what it must refuse, or says otherwise beforehand.
    pub fn push(&mut self, item: T) -> Result<(), Broken> {
        let held = self.oracle.len();
        let said_full = if self.tells { self.producer.is_full() } else { held >= *self.holds.end() };
        let fitted = self.producer.try_push(item).is_ok();
        let (must_fit, may_fit) = (held < *self.holds.start(), held < *self.holds.end());
        ensure!(fitted || !must_fit, "capacity {}: push onto {held} items is refused", self.capacity);
        ensure!(!fitted || may_fit, "capacity {}: push onto {held} items is taken", self.capacity);
        ensure!(!said_full || !must_fit, "capacity {}: full at {held} items", self.capacity);
        ensure!(said_full || may_fit, "capacity {}: not full at {held} items", self.capacity);
        if fitted {
            self.oracle.push_back(item);
        }
        Ok(())
    }

    /// Pops from both.
    ///
    /// # Errors
    /// The first difference.
    pub fn pop(&mut self) -> Result<(), Broken> {
        if self.tells {
            let (len, held, empty) = (self.consumer.len(), self.oracle.len(), self.consumer.is_empty());
            ensure!(len == held, "capacity {}: length {len} with {held} items", self.capacity);
            ensure!(empty == (held == 0), "capacity {}: empty at {held} items: {empty}", self.capacity);
        }
        let (popped, expected) = (self.consumer.try_pop(), self.oracle.pop_front());
        ensure!(popped == expected, "capacity {}: popped {popped:?}, not {expected:?}", self.capacity);
        Ok(())
    }
}

/// Sends [`transfer`] random items to another thread, which compares each with what the seed says.
///
/// # Errors
/// The first item that is not the one that was due.
pub fn carries_across_threads<S, T: Item, W: Wait>(capacity: usize, seed: u64) -> Result<(), Broken>
where
    S: Spsc<T, Producer: Send, Consumer: Send>,
{
    let (mut producer, mut consumer) = S::ring(capacity, 0).map_err(|refused| Broken(refused.to_string()))?;
    let items = transfer(capacity);
    // Lent, not given: both sides live until the end, because a socket without a sender is an error to its receiver.
    let producer = &mut producer;
    let send = move || {
        let mut random = Random::new(seed);
        (0..items).for_each(|_| producer.push::<W>(T::of(random.bits())));
    };
    let receive = || {
        let mut random = Random::new(seed);
        for index in 0..items {
            let (popped, expected) = (consumer.pop::<W>(), T::of(random.bits()));
            ensure!(popped == expected, "capacity {capacity}: item {index} is {popped:?}, not {expected:?}");
        }
        ensure!(Pop::try_pop(&mut consumer).is_none(), "capacity {capacity}: more came out than went in");
        Ok(())
    };
    beside(send, receive).1
}
