//! What is timed of a ring: its two sides as bodies, and the case of each point. The loops are the harness's.

use super::payload::{Block, Item};
use super::waiting::{EightPauses, OnePause, Spin, Wait};
use super::{CAPACITY, Pop, Push, Spsc};
use crate::pages::resident;
use perfbench_harness::case::{Arrivals, Body, Case, Fact, Gaps, Rate, open_pair, pair, solo};
use perfbench_harness::clock::Spent;
use perfbench_harness::{Setup, Unavailable};
use std::marker::PhantomData;
use std::time::Duration;

/// Pushes the items of the operations' numbers; the other side is [`consume`].
pub fn produce<T: Item, W: Wait>(mut to: impl Push<T> + 'static) -> impl Body + 'static {
    move |i| {
        to.push::<W>(T::of(i));
        i
    }
}

/// Pops whatever [`produce`] pushed; what the items hold makes the checksum, which depends on their order.
pub fn consume<T: Item, W: Wait>(mut from: impl Pop<T> + 'static) -> impl Body + 'static {
    move |_| from.pop::<W>().digest()
}

/// Pushes an item and waits for one to come back: from the same ring, or from [`echo`] on another side.
pub fn send_and_receive<T: Item, W: Wait>(
    mut to: impl Push<T> + 'static,
    mut from: impl Pop<T> + 'static,
) -> impl Body + 'static {
    move |i| {
        to.push::<W>(T::of(i));
        from.pop::<W>().digest()
    }
}

/// Pops an item and sends it back.
pub fn echo<T: Item, W: Wait>(
    mut from: impl Pop<T> + 'static,
    mut to: impl Push<T> + 'static,
) -> impl Body + 'static {
    move |_| {
        let item = from.pop::<W>();
        to.push::<W>(item);
        item.digest()
    }
}

/// A ring that is timed between threads, whatever it carries.
pub trait Timed:
    Spsc<u64, Producer: Send, Consumer: Send> + Spsc<Block, Producer: Send, Consumer: Send>
{
}

impl<S> Timed for S where
    S: Spsc<u64, Producer: Send, Consumer: Send> + Spsc<Block, Producer: Send, Consumer: Send>
{
}

/// The case of a ring at a point.
pub(super) fn build<S: Timed>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let slots = setup.point.size as usize;
    match setup.point.name {
        "same_thread" => {
            let (to, from) = <S as Spsc<u64>>::ring(slots, 0)?;
            Ok(solo(send_and_receive::<u64, OnePause>(to, from)))
        }
        "hop" => hop::<S, OnePause>(setup),
        "hop_spin" => hop::<S, Spin>(setup),
        "paced" => paced::<S>(setup),
        "throughput_spin" => throughput::<S, u64, Spin>(setup),
        "throughput_eight_pauses" => throughput::<S, u64, EightPauses>(setup),
        "item_64" => throughput::<S, Block, OnePause>(setup),
        "item_64_spin" => throughput::<S, Block, Spin>(setup),
        "item_64_eight_pauses" => throughput::<S, Block, EightPauses>(setup),
        "soak" => {
            let (to, from) = <S as Spsc<u64>>::ring(slots, 0)?;
            Ok(solo(Soak { to, from }))
        }
        "stopped_peer" => {
            let ring = <S as Spsc<u64>>::ring(slots, 0)?;
            Ok(solo(Waiting { ring, policy: PhantomData::<OnePause> }))
        }
        _ => throughput::<S, u64, OnePause>(setup),
    }
}

/// Items through a ring of the point's size that never runs idle.
pub(super) fn throughput<S, T: Item, W: Wait>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable>
where
    S: Spsc<T, Producer: Send, Consumer: Send>,
{
    let (to, from) = S::ring(setup.point.size as usize, 0)?;
    Ok(pair(setup.cpu_pair()?, 1.0, produce::<T, W>(to), consume::<T, W>(from)))
}

fn hop<S, W: Wait>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable>
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    let (to, from) = S::ring(CAPACITY, 0)?;
    let (back, home) = S::ring(CAPACITY, 0)?;
    Ok(pair(setup.cpu_pair()?, 2.0, send_and_receive::<u64, W>(to, home), echo::<u64, W>(from, back)))
}

fn paced<S>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable>
where
    S: Spsc<u64, Producer: Send, Consumer: Send>,
{
    let (to, from) = S::ring(CAPACITY, 0)?;
    let half = Arrivals::new(Rate::OfCapacity(0.5), Gaps::Exponential, setup.seed);
    Ok(open_pair(setup.cpu_pair()?, half, produce::<u64, OnePause>(to), consume::<u64, OnePause>(from)))
}

/// Pushes and pops of one operation of a soak, and how many operations make a hundred million.
const PAIRS: u64 = 1_000;
const SOAK_OPS: u64 = if cfg!(debug_assertions) { 100 } else { 100_000 };

/// Both sides of a ring on one thread, which moves a hundred million items when it is asked what it learned.
struct Soak<P, C> {
    to: P,
    from: C,
}

impl<P: Push<u64>, C: Pop<u64>> Body for Soak<P, C> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        (0..PAIRS).fold(0, |sum: u64, item| {
            self.to.push::<OnePause>(i ^ item);
            sum.wrapping_mul(3).wrapping_add(self.from.pop::<OnePause>())
        })
    }

    fn facts(&mut self) -> Vec<Fact> {
        self.op(0);
        let before = resident::of_process();
        (0..SOAK_OPS).for_each(|i| {
            self.op(i);
        });
        let grown = before.zip(resident::of_process()).map(|(before, after)| after.saturating_sub(before));
        let growth = grown.map(|bytes| Fact::new("growth_bytes", "B", bytes as f64));
        [Fact::new("items", "items", (SOAK_OPS * PAIRS) as f64)].into_iter().chain(growth).collect()
    }
}

/// How long a consumer waits when it is asked what that costs: long enough that the awake part is a small share.
const STOPPED: Duration = Duration::from_millis(if cfg!(debug_assertions) { 20 } else { 500 });

/// A consumer whose producer does nothing: an operation is one attempt in vain.
struct Waiting<R, W> {
    ring: R,
    policy: PhantomData<W>,
}

impl<P, C: Pop<u64>, W: Wait> Body for Waiting<(P, C), W> {
    fn op(&mut self, _: u64) -> u64 {
        u64::from(self.ring.1.try_pop().is_some())
    }

    /// What it costs to wait by the policy.
    fn facts(&mut self) -> Vec<Fact> {
        let (spent, mut waiting, mut attempts) = (Spent::begin(), W::default(), 0);
        while spent.elapsed() < STOPPED && self.ring.1.try_pop().is_none() {
            waiting.wait();
            attempts += 1;
        }
        let (seconds, cpu) = (spent.elapsed().as_secs_f64(), spent.cpu());
        vec![
            Fact::new("cpu_ms_per_s", "ms/s", 1e3 * cpu.as_secs_f64() / seconds),
            Fact::new("attempts_per_s", "1/s", f64::from(attempts) / seconds),
        ]
    }
}
