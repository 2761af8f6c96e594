//! The disruptor crate with one producer and one consumer that polls, which takes one event at a time.

use super::{Pop, Push, Spsc};
use ::disruptor::{
    BusySpin, EventPoller, Producer as _, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
    build_single_producer,
};
use perfbench_harness::Unavailable;

/// What it is, for the table.
pub const ABOUT: &str = "disruptor, polled for one event at a time";

/// The ring between threads.
pub struct Disruptor;

/// The only side that pushes.
pub struct Producer<T>(SingleProducer<T, SingleConsumerBarrier>);

/// The only side that pops.
pub struct Consumer<T>(EventPoller<T, SingleProducerBarrier>);

/// Events stay where they are and are read there, so an item is copied out, and every slot holds one from the beginning.
impl<T: Copy + Default + Send + Sync + 'static> Spsc<T> for Disruptor {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    /// The crate does not say how full a ring is.
    const TELLS: bool = false;

    fn ring(capacity: usize, _start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        // How consumers wait that the crate starts itself; a poller never waits, and there is no other.
        let (poller, builder) = build_single_producer(capacity, T::default, BusySpin).new_event_poller();
        Ok((Producer(builder.build()), Consumer(poller)))
    }
}

impl<T: Copy> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        match self.0.try_publish(|event| *event = item) {
            Ok(_) => Ok(()),
            Err(_) => Err(item),
        }
    }

    fn is_full(&self) -> bool {
        unreachable!("asked only of rings that tell")
    }
}

impl<T: Copy> Pop<T> for Consumer<T> {
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        let mut events = self.0.take(1).ok()?;
        (&mut events).next().copied()
    }

    fn len(&self) -> usize {
        unreachable!("asked only of rings that tell")
    }
}
