//! What one operation on a pool is at each point, and what a pool tells beside its time. How the pools work is elsewhere.

use super::check::{alone, leftover_bytes};
use super::limits::{BYTES_MAX, Budget, Limits, OBJECTS_MAX};
use super::payload::Payload;
use super::pool::{Giver, Pool, Remote, Source};
use super::soak;
use perfbench_harness::case::{Body, Case, Fact, fleet, opaque, pair, solo};
use perfbench_harness::counter::syscalls::yield_turn;
use perfbench_harness::{Setup, Unavailable};
use std::sync::Arc;

/// Idle objects that a pool keeps.
pub const KEPT: usize = 1000;

/// Share of the kept objects that exists before the first take.
pub const WARM_UP_PERCENT: usize = 80;

/// Limits of a timed pool of objects of a kind.
pub fn limits<T: Payload>(kept: usize) -> Limits {
    let budget = Arc::new(Budget::new(BYTES_MAX));
    Limits { object_bytes: T::BYTES, kept, objects_max: OBJECTS_MAX, sensitive: false, budget }
}

/// Takes an object, uses a little of it, and gives it back.
struct TakeAndGive<S> {
    source: S,
    facts: fn(&S) -> Vec<Fact>,
}

impl<S: Source> Body for TakeAndGive<S> {
    #[inline]
    fn op(&mut self, i: u64) -> u64 {
        let mut object = self.source.take().expect("one object on loan is far below the limits");
        let value = object.touch(i);
        // Where the object lies is shown to the outside, so that no allocation is left out and the take has happened before
        // the give-back begins.
        opaque((&raw const *object).expose_provenance() as u64);
        value
    }

    fn facts(&mut self) -> Vec<Fact> {
        (self.facts)(&self.source)
    }
}

fn no_facts<S>(_: &S) -> Vec<Fact> {
    Vec::new()
}

/// A source on one thread.
pub fn alone_on_one_thread<S: Source>(limits: Limits) -> Box<dyn Case> {
    solo(TakeAndGive { source: alone::<S>(limits), facts: no_facts })
}

/// A warm pool on one thread.
pub fn warm<P: Pool>(limits: Limits, facts: fn(&P) -> Vec<Fact>) -> Box<dyn Case> {
    let source = alone::<P>(limits);
    source.warm_up(WARM_UP_PERCENT).expect("the warm-up is far below the limits");
    solo(TakeAndGive { source, facts })
}

/// A warm pool on one thread that reports how often it hit.
pub fn counted<P: Pool>() -> Box<dyn Case> {
    warm::<P>(limits::<P::Object>(KEPT), |pool| hit_rate(pool).into_iter().collect())
}

/// A warm pool of 1 KiB buffers on one thread, with what its limits come to.
pub fn hit<P: Pool<Object = Vec<u8>>>() -> Box<dyn Case> {
    warm::<P>(limits::<Vec<u8>>(KEPT), hit_facts)
}

/// A pool that overwrites contents on return.
pub fn wiped<P: Pool<Object = Vec<u8>>>() -> Box<dyn Case> {
    warm::<P>(Limits { sensitive: true, ..limits::<Vec<u8>>(KEPT) }, no_facts)
}

/// A warm pool over which many operations are run beside the timed ones, to see whether it grows.
pub fn soaked<P: Pool>() -> Box<dyn Case> {
    warm::<P>(limits::<P::Object>(KEPT), soak::facts)
}

/// One source between two threads, each of which takes and gives back.
pub fn shared<S: Source + Send>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    let members = S::crew(limits::<S::Object>(KEPT), 2);
    let body = |source| TakeAndGive { source, facts: no_facts };
    Ok(fleet(&cpus, members.into_iter().map(body)))
}

/// Loans under way from the thread that takes to the one that gives back.
const UNDER_WAY: usize = 512;

/// One thread takes, another gives back what it is sent, without a look at it.
pub fn remote<P: Remote + Pool>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let cpus = setup.cpu_pair()?;
    let source = alone::<P>(limits::<P::Object>(KEPT));
    source.warm_up(100).expect("the warm-up is far below the limits");
    let mut giver = source.giver();
    let (mut to, mut from) = rtrb::RingBuffer::new(UNDER_WAY);
    let take = move |i| {
        let mut sent = source.take_to_send(i).expect("far fewer are under way than there may be");
        while let Err(rtrb::PushError::Full(back)) = to.push(sent) {
            sent = back;
            wait();
        }
        i
    };
    let give = move |i| {
        let sent = loop {
            match from.pop() {
                Ok(sent) => break sent,
                Err(_) => wait(),
            }
        };
        assert!(giver.give(sent).is_ok(), "there is one pool only");
        i
    };
    Ok(pair(cpus, 1.0, take, give))
}

/// A few pauses, then the CPU for others: the partner may need it to come to its turn.
#[cold]
fn wait() {
    for _ in 0..8 {
        std::hint::spin_loop();
    }
    yield_turn();
}

/// Takes until the pool refuses.
fn lend_all<P: Pool>(pool: &P) -> Vec<P::Loan<'_>> {
    std::iter::from_fn(|| pool.take().ok()).collect()
}

fn hit_rate<P: Pool>(pool: &P) -> Option<Fact> {
    pool.statistics().hit_rate_percent().map(|percent| Fact::new("hit_rate_percent", "%", percent))
}

/// What the pool counted while it was timed, and what its limits come to where a fresh one is driven into them.
fn hit_facts<P: Pool<Object = Vec<u8>>>(pool: &P) -> Vec<Fact> {
    let held = alone::<P>(limits::<Vec<u8>>(0));
    let measured = [
        Fact::new("objects_held", "objects", lend_all(&held).len() as f64),
        Fact::new("pools_held_mib", "MiB", mebibytes_held::<P>() as f64),
    ];
    let leftover = leftover_bytes::<P>().ok();
    let leftover = leftover.map(|bytes| Fact::new("leftover_bytes", "B", bytes as f64));
    hit_rate(pool).into_iter().chain(leftover).chain(measured).chain(soak::fragmentation()).collect()
}

/// Mebibytes that two pools under one budget lend before they refuse, in objects that nobody touches.
fn mebibytes_held<P: Pool<Object = Vec<u8>>>() -> usize {
    let of_a_mebibyte = Limits { object_bytes: 1 << 20, objects_max: 200, ..limits::<Vec<u8>>(0) };
    let pools = [alone::<P>(of_a_mebibyte.clone()), alone::<P>(of_a_mebibyte)];
    let [first, second] = pools.each_ref().map(lend_all);
    first.len() + second.len()
}
