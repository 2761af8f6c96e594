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
    for variant in WORKLOAD.variants {
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
    drops_what_nobody_took::<rtrb::Rtrb>();
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
