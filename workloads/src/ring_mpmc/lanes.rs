//! A lane for each producer: an index ring of its own, so that no two producers write one line. Consumers search the lanes,
//! each its own share first, and of several one at a time is at a lane. Order is that of each producer, not of all.

use crate::ring_spsc::index_ring::{self, Header, Indexed};
use crate::ring_spsc::lazy_index::Eighths;
use crate::ring_spsc::memory::{Line, Memory, Slot};
use crate::ring_spsc::waiting::{OnePause, Wait};
use crate::ring_spsc::{Pop, Push, Spsc};
use crate::sync::{Arc, AtomicBool, AtomicU32, AtomicUsize, Ordering, UnsafeCell};
use perfbench_harness::Unavailable;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::sync::{Mutex, OnceLock};

/// What it is, for the table.
pub const ABOUT: &str = "a ring for each producer, which consumers search; ordered by producer, not over all";

/// The queue between threads.
pub struct Lanes;

/// Producers that there may be at one time.
pub const PRODUCERS_MAX: usize = 64;

/// Items that a consumer takes from a lane before it goes on to the next one of its share.
const RUN: u32 = 64;

/// What all handles share.
struct Shared<T> {
    lanes: Box<[Lane<T>]>,
    counts: Line<Counts>,
    capacity: usize,
    /// Numbers of the lanes whose producers are gone.
    left: Mutex<Vec<usize>>,
}

/// What every consumer reads and what changes seldom.
struct Counts {
    /// Lanes that have been opened.
    open: AtomicUsize,
    consumers: AtomicU32,
}

/// A producer's ring. Whoever sets `busy`, or is the only consumer, has the consuming side.
struct Lane<T> {
    busy: Line<AtomicBool>,
    ring: OnceLock<Ring<T>>,
}

struct Ring<T> {
    memory: Memory<Header, Slot<T>>,
    from: UnsafeCell<index_ring::Consumer<T, Eighths>>,
}

// SAFETY: one consumer at a time is at `from` (`Lane::with`), and the memory is shared as rings share it.
unsafe impl<T: Send> Sync for Ring<T> {}
// SAFETY: as for its parts.
unsafe impl<T: Send> Send for Ring<T> {}

impl<T> Ring<T> {
    fn new(capacity: usize, start: u64) -> Self {
        let slots = (0..index_ring::slots_for::<Eighths>(capacity)).map(|_| Slot::empty());
        let [memory, other] = Memory::boxed(Header::starting_at(start), slots);
        Self { memory, from: UnsafeCell::new(index_ring::Consumer::resumed(other)) }
    }
}

impl<T> Shared<T> {
    /// A lane that was left, or a new one; none where all have a producer.
    fn free_lane(&self, start: u64) -> Option<usize> {
        let mut left = self.left.lock().expect("nobody panics with the lock held");
        left.pop().or_else(|| {
            // Relaxed: the lock orders the openers, and consumers learn of a lane by its `OnceLock`.
            let lane = self.counts.0.open.load(Ordering::Relaxed);
            let _ = self.lanes.get(lane)?.ring.set(Ring::new(self.capacity, start));
            self.counts.0.open.store(lane + 1, Ordering::Relaxed);
            Some(lane)
        })
    }
}

impl<T> Lane<T> {
    /// Hands out the consuming side, none where another consumer is at it.
    #[inline(always)]
    #[cfg_attr(loom, track_caller)]
    fn with<R>(
        &self,
        ring: &Ring<T>,
        alone: bool,
        act: impl FnOnce(&mut index_ring::Consumer<T, Eighths>) -> R,
    ) -> Option<R> {
        // Acquire takes over what the last consumer here left; pairs with the Release below. An attempt in vain stores nothing:
        // loom takes the store of a failed swap for a later one than the Release.
        let claim = || self.busy.0.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
        if !alone && claim().is_err() {
            return None;
        }
        let result = ring.from.with_mut(|from| {
            // SAFETY: nobody else is at it: `busy` was clear, or there is no other consumer.
            let from = unsafe { &mut *from };
            act(from)
        });
        if !alone {
            self.busy.0.store(false, Ordering::Release);
        }
        Some(result)
    }
}

/// What a search of all lanes came to.
enum Found<T> {
    Item(T),
    Nothing,
    /// A lane that seemed to hold something was another consumer's just then.
    Busy,
}

impl<T: Send + 'static> Spsc<T> for Lanes {
    type Producer = Producer<T>;
    type Consumer = Consumer<T>;

    fn ring(capacity: usize, start: u64) -> Result<(Producer<T>, Consumer<T>), Unavailable> {
        let lane = || Lane { busy: Line(AtomicBool::new(false)), ring: OnceLock::new() };
        let shared = Arc::new(Shared {
            lanes: (0..PRODUCERS_MAX).map(|_| lane()).collect(),
            counts: Line(Counts { open: AtomicUsize::new(0), consumers: AtomicU32::new(1) }),
            capacity,
            left: Mutex::default(),
        });
        let from = Consumer {
            shared: shared.clone(),
            number: 0,
            home: 0,
            next: 0,
            run: 0,
            _used_by_one: PhantomData,
        };
        Ok((Producer::open(shared, start), from))
    }

    fn holds(capacity: usize) -> RangeInclusive<usize> {
        <Indexed<Eighths> as Spsc<T>>::holds(capacity)
    }
}

/// A handle that pushes, into a lane of its own.
pub struct Producer<T> {
    to: index_ring::Producer<T, Eighths>,
    lane: usize,
    shared: Arc<Shared<T>>,
}

impl<T> Producer<T> {
    /// # Panics
    /// Where there are [`PRODUCERS_MAX`] already.
    fn open(shared: Arc<Shared<T>>, start: u64) -> Self {
        let lane = shared.free_lane(start);
        // With the lock let go: who is refused must not keep others from it.
        let lane = lane.unwrap_or_else(|| panic!("a queue of lanes has at most {PRODUCERS_MAX} producers"));
        let ring = shared.lanes[lane].ring.get().expect("it was opened by this or an earlier producer");
        Self { to: index_ring::Producer::resumed(ring.memory.clone()), lane, shared }
    }
}

impl<T> Clone for Producer<T> {
    /// # Panics
    /// Where there are [`PRODUCERS_MAX`] already.
    fn clone(&self) -> Self {
        Self::open(self.shared.clone(), 0)
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        // A lock that a panic has poisoned leaves the lane closed: nothing is lost that was in it.
        if let Ok(mut left) = self.shared.left.lock() {
            left.push(self.lane);
        }
    }
}

impl<T> Push<T> for Producer<T> {
    #[inline(always)]
    fn try_push(&mut self, item: T) -> Result<(), T> {
        self.to.try_push(item)
    }

    fn is_full(&self) -> bool {
        self.to.is_full()
    }
}

/// A handle that pops, from any lane. It may go to another thread but is used by one at a time (the cell says so), which is
/// what lets a single one go without claims: no second can come to be but by its own `clone`.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// Consumers that there were before it.
    number: u32,
    /// The lane of its share that it is at.
    home: usize,
    /// The lane where the next search begins.
    next: usize,
    /// Items since it came home.
    run: u32,
    _used_by_one: PhantomData<Cell<()>>,
}

impl<T> Clone for Consumer<T> {
    fn clone(&self) -> Self {
        // Relaxed: this thread sees its own addition, and hands the new handle to others by other means.
        let number = self.shared.counts.0.consumers.fetch_add(1, Ordering::Relaxed);
        let home = number as usize;
        Self { shared: self.shared.clone(), number, home, next: home, run: 0, _used_by_one: PhantomData }
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // Release: whoever is left alone sees how this handle left the lanes; pairs with the load in `consumers`.
        self.shared.counts.0.consumers.fetch_sub(1, Ordering::Release);
    }
}

impl<T> Consumer<T> {
    /// Acquire pairs with the Release in `drop`.
    #[inline(always)]
    fn consumers(&self) -> u32 {
        self.shared.counts.0.consumers.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn search(&mut self) -> Found<T> {
        let alone = self.consumers() == 1;
        // Relaxed: a lane is read through its `OnceLock`.
        let open = self.shared.counts.0.open.load(Ordering::Relaxed);
        let (mut at, mut busy) = (if self.next < open { self.next } else { 0 }, false);
        for _ in 0..open {
            let lane = &self.shared.lanes[at];
            at = if at + 1 < open { at + 1 } else { 0 };
            let Some(ring) = lane.ring.get() else { continue };
            if !alone && index_ring::seems_empty(&ring.memory) {
                continue;
            }
            match lane.with(ring, alone, Pop::try_pop) {
                Some(Some(item)) => {
                    self.took(open);
                    return Found::Item(item);
                }
                Some(None) => {}
                None => busy = true,
            }
        }
        if busy { Found::Busy } else { Found::Nothing }
    }

    /// Counts an item; after a run the next lane of the share is home, and where the share begins anew, one search begins
    /// at whichever lane comes next, so that none is forgotten whose consumer is gone.
    #[inline(always)]
    fn took(&mut self, open: usize) {
        self.run += 1;
        self.next = self.home;
        if self.run.is_multiple_of(RUN) {
            self.turn(open);
        }
    }

    #[cold]
    fn turn(&mut self, open: usize) {
        let consumers = self.consumers();
        self.home += consumers as usize;
        self.next = self.home;
        if self.home >= open {
            self.home = (self.number % consumers) as usize;
            self.next = (self.run / RUN) as usize % open;
        }
    }
}

impl<T> Pop<T> for Consumer<T> {
    /// Takes an item, where there is one in a lane. A lane that another consumer is at is waited for.
    #[inline(always)]
    fn try_pop(&mut self) -> Option<T> {
        match self.search() {
            Found::Item(item) => Some(item),
            Found::Nothing => None,
            Found::Busy => self.wait_and_search(),
        }
    }

    fn len(&self) -> usize {
        let alone = self.consumers() == 1;
        let open = self.shared.counts.0.open.load(Ordering::Relaxed);
        let lanes = self.shared.lanes[..open].iter();
        lanes
            .filter_map(|lane| lane.ring.get().map(|ring| (lane, ring)))
            .map(|(lane, ring)| {
                let mut waiting = OnePause::default();
                loop {
                    match lane.with(ring, alone, |from| Pop::len(from)) {
                        Some(count) => return count,
                        None => waiting.wait(),
                    }
                }
            })
            .sum()
    }
}

impl<T> Consumer<T> {
    #[cold]
    fn wait_and_search(&mut self) -> Option<T> {
        let mut waiting = OnePause::default();
        loop {
            waiting.wait();
            match self.search() {
                Found::Item(item) => return Some(item),
                Found::Nothing => return None,
                Found::Busy => {}
            }
        }
    }
}
