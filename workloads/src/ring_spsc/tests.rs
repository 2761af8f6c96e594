//! What every ring promises, and that the check notices when one does not keep it.

use super::waiting::OnePause;
use super::*;
use crate::testing::{self, with_setup};
#[cfg(not(miri))]
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::{Broken, Unavailable};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// Builds every variant at every point and runs two batches; all must have moved the same numbers.
#[cfg(not(miri))]
pub(crate) fn every_case_runs_its_batches_to_the_end(workload: &'static Workload) {
    let clock = Clock::open(ClockChoice::Scripted(1));
    for point in workload.points {
        let sums = workload.variants.iter().map(|variant| {
            let mut case = testing::build(variant, point).unwrap();
            let most = match point.unit_of_work {
                "item" if !point.latency => 3 * CAPACITY as u64,
                "wait" => 2,
                _ => 100,
            };
            [1, most].map(|ops| case.batch(ops, &clock).checksum)
        });
        let sums: Vec<_> = sums.collect();
        assert!(
            sums.windows(2).all(|pair| pair[0] == pair[1]),
            "{}: every variant moves the same",
            point.name
        );
    }
}

#[test]
fn every_ring_passes_the_check() {
    for variant in WORKLOAD.variants.iter().filter(|v| !cfg!(miri) || v.role != Role::Peer) {
        assert_eq!(testing::check(&WORKLOAD, variant), Ok(()), "{}", variant.name);
    }
}

#[cfg(not(miri))]
#[test]
fn every_ring_runs_at_every_point() {
    every_case_runs_its_batches_to_the_end(&WORKLOAD);
}

pub(crate) fn drops_what_nobody_took<S: Spsc<Arc<()>>>() {
    for start in [0, u64::MAX - 1] {
        let item = Arc::new(());
        let (mut producer, mut consumer) = S::ring(4, start).unwrap();
        (0..3).for_each(|_| producer.push::<OnePause>(item.clone()));
        drop((consumer.pop::<OnePause>(), consumer.pop::<OnePause>()));
        (0..2).for_each(|_| producer.push::<OnePause>(item.clone()));
        assert_eq!(Arc::strong_count(&item), 4);
        drop(consumer);
        producer.push::<OnePause>(item.clone());
        assert_eq!(Arc::strong_count(&item), 5, "the ring lives as long as one side");
        drop(producer);
        assert_eq!(Arc::strong_count(&item), 1);
    }
}

#[test]
fn items_that_nobody_took_are_dropped_with_the_last_side() {
    drops_what_nobody_took::<locked_deque::LockedDeque>();
    drops_what_nobody_took::<sequenced::Sequenced>();
    drops_what_nobody_took::<cached_index::CachedIndex>();
    drops_what_nobody_took::<lazy_index::LazyIndex>();
    drops_what_nobody_took::<adaptive::Adaptive>();
    drops_what_nobody_took::<line::Lines<7>>();
    drops_what_nobody_took::<line::Lines<2>>();
    drops_what_nobody_took::<line::Lines<1>>();
    drops_what_nobody_took::<rtrb::Rtrb>();
    drops_what_nobody_took::<heapless::Heapless>();
}

/// A queue that keeps its promise but for one fault.
struct Faulty<const FAULT: char>;

struct Side<const FAULT: char>(Arc<Mutex<VecDeque<u64>>>, usize);

impl<const FAULT: char> Spsc<u64> for Faulty<FAULT> {
    type Producer = Side<FAULT>;
    type Consumer = Side<FAULT>;

    fn ring(capacity: usize, _start: u64) -> Result<(Side<FAULT>, Side<FAULT>), Unavailable> {
        let items = Arc::new(Mutex::new(VecDeque::new()));
        let capacity = if FAULT == 'r' { capacity - 1 } else { capacity };
        Ok((Side(items.clone(), capacity), Side(items, capacity)))
    }
}

impl<const FAULT: char> Push<u64> for Side<FAULT> {
    fn try_push(&mut self, item: u64) -> Result<(), u64> {
        let mut items = self.0.lock().unwrap();
        if items.len() == self.1 {
            return Err(item);
        }
        match FAULT {
            'l' if items.len() == 1 => {}
            'o' if items.len() == 1 => items.push_front(item),
            _ => items.push_back(item),
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        FAULT != 'f' && self.0.lock().unwrap().len() == self.1
    }
}

impl<const FAULT: char> Pop<u64> for Side<FAULT> {
    fn try_pop(&mut self) -> Option<u64> {
        let mut items = self.0.lock().unwrap();
        if FAULT == 't' && items.len() == 2 { items.front().copied() } else { items.pop_front() }
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len() + usize::from(FAULT == 'c')
    }
}

fn fault_found<const FAULT: char>() -> Result<(), Broken> {
    with_setup(&WORKLOAD.points[0], Isa::NONE, check::carries::<Faulty<FAULT>, u64>)
}

#[test]
fn the_check_finds_lost_reordered_and_repeated_items_and_wrong_counts() {
    assert_eq!(fault_found::<' '>(), Ok(()));
    let found = [
        fault_found::<'l'>(),
        fault_found::<'o'>(),
        fault_found::<'t'>(),
        fault_found::<'r'>(),
        fault_found::<'f'>(),
        fault_found::<'c'>(),
    ];
    assert!(found.iter().all(Result::is_err), "{found:?}");
}

/// Sides that are late to say what they took: more than one item, so that unread ones lie behind untold ones.
#[test]
fn items_that_were_taken_and_not_told_of_are_dropped_once() {
    fn taken_late<S: Spsc<Arc<()>>>() {
        let item = Arc::new(());
        let (mut producer, mut consumer) = S::ring(64, u64::MAX - 30).unwrap();
        (0..60).for_each(|_| producer.push::<OnePause>(item.clone()));
        (0..13).for_each(|_| drop(consumer.pop::<OnePause>()));
        assert_eq!(Arc::strong_count(&item), 48);
        drop((producer, consumer));
        assert_eq!(Arc::strong_count(&item), 1);
    }
    taken_late::<lazy_index::LazyIndex>();
    taken_late::<line::Lines<7>>();
    taken_late::<line::Lines<1>>();
}

/// A wait that allows no failed attempt but the first.
#[derive(Default)]
struct Once;

impl waiting::Wait for Once {
    fn wait(&mut self) {
        panic!("a consumer that takes one item makes room for one");
    }
}

#[test]
fn one_item_taken_from_a_full_ring_makes_room_for_one() {
    fn makes_room<S: Spsc<u64>>() {
        for capacity in check::CAPACITIES {
            let (mut producer, mut consumer) = S::ring(capacity, 0).unwrap();
            (0..capacity as u64).for_each(|item| producer.push::<Once>(item));
            for item in 0..4 * capacity as u64 {
                assert_eq!(consumer.pop::<Once>(), item);
                producer.push::<Once>(item + capacity as u64);
            }
        }
    }
    makes_room::<cached_index::CachedIndex>();
    makes_room::<lazy_index::LazyIndex>();
    makes_room::<adaptive::Adaptive>();
    makes_room::<line::Line>();
    makes_room::<line::Lines<1>>();
    makes_room::<line::Lines<3>>();
}

#[cfg(not(miri))]
mod random {
    use super::*;
    use crate::ring_spsc::check::Twins;
    use crate::ring_spsc::payload::{Block, Item};
    use proptest::prelude::*;

    /// Pushes (true) and pops in this order on a ring and on a deque.
    fn agrees<S: Spsc<T>, T: Item>(
        capacity: usize,
        start: u64,
        pushes: &[bool],
    ) -> Result<(), TestCaseError> {
        let mut twins = Twins::<T>::of::<S>(capacity, start).unwrap();
        let act = |(number, push): (usize, &bool)| {
            if *push { twins.push(T::of(number as u64)) } else { twins.pop() }
        };
        pushes.iter().enumerate().try_for_each(act).map_err(|broken| TestCaseError::fail(broken.0))
    }

    fn all_agree<S: Timed>(capacity: usize, start: u64, pushes: &[bool]) -> Result<(), TestCaseError> {
        agrees::<S, u64>(capacity, start, pushes)?;
        agrees::<S, Block>(capacity, start, pushes)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_order_of_calls_agrees_with_a_deque(
            bits in 1u32..6,
            start in prop_oneof![0..3u64, any::<u64>(), (u64::MAX - 64)..=u64::MAX],
            share in 0.2..0.8f64,
            draws in prop::collection::vec(0.0..1.0f64, 0..400),
        ) {
            let pushes: Vec<bool> = draws.iter().map(|draw| *draw < share).collect();
            let capacity = 1 << bits;
            all_agree::<sequenced::Sequenced>(capacity, start, &pushes)?;
            all_agree::<cached_index::CachedIndex>(capacity, start, &pushes)?;
            all_agree::<lazy_index::LazyIndex>(capacity, start, &pushes)?;
            all_agree::<adaptive::Adaptive>(capacity, start, &pushes)?;
            all_agree::<line::Line>(capacity, start, &pushes)?;
            agrees::<line::Lines<3>, u64>(capacity, start, &pushes)?;
        }

        #[test]
        fn slots_lent_in_place_agree_with_a_deque(
            start in prop_oneof![0..3u64, (u64::MAX - 64)..=u64::MAX],
            batches in prop::collection::vec((0usize..20, 0usize..20), 0..40),
        ) {
            lent_agree::<cached_index::CachedIndex>(start, &batches)?;
            lent_agree::<lazy_index::LazyIndex>(start, &batches)?;
        }
    }

    /// Pushes and pops in batches of these sizes, as far as slots and items are lent.
    fn lent_agree<S>(start: u64, batches: &[(usize, usize)]) -> Result<(), TestCaseError>
    where
        S: Spsc<u64, Producer: Reserve<u64>, Consumer: Readable<u64>>,
    {
        let (mut producer, mut consumer) = S::ring(16, start).unwrap();
        let (mut oracle, mut number) = (VecDeque::new(), 0);
        for (pushes, pops) in batches {
            let slots = producer.reserve(*pushes);
            let lent = slots.len();
            slots.iter_mut().for_each(|slot| {
                oracle.push_back(*slot.write(number));
                number += 1;
            });
            // SAFETY: every slot that was lent has been written just above.
            unsafe { producer.commit(lent) };
            let ready: Vec<u64> = consumer.readable(*pops).to_vec();
            consumer.release(ready.len());
            prop_assert_eq!(&ready, &oracle.drain(..ready.len()).collect::<Vec<_>>());
            prop_assert!(!ready.is_empty() || oracle.is_empty() || *pops == 0);
            prop_assert_eq!(consumer.len(), oracle.len());
        }
        Ok(())
    }
}
