//! What every ring in bulk promises, and that the check notices when one does not keep it.

use super::*;
use crate::testing::{self, with_setup};
use perfbench_harness::Broken;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

#[test]
fn every_ring_passes_the_check_and_runs_at_every_point() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

/// A ring that keeps its promise but for one fault.
struct Faulty<const FAULT: char>;

struct Side<const FAULT: char, T>(Arc<Mutex<VecDeque<T>>>, usize, u64);

impl<const FAULT: char, T: Copy + Send + 'static> Bulk<T> for Faulty<FAULT> {
    type Writer = Side<FAULT, T>;
    type Reader = Side<FAULT, T>;

    fn ring(capacity: usize) -> Result<(Self::Writer, Self::Reader), Unavailable> {
        let items = Arc::new(Mutex::new(VecDeque::new()));
        Ok((Side(items.clone(), capacity, 0), Side(items, capacity, 0)))
    }
}

impl<const FAULT: char, T: Copy> Write<T> for Side<FAULT, T> {
    fn write(&mut self, most: usize, make: impl FnMut(usize) -> T) -> usize {
        let mut items = self.0.lock().unwrap();
        let count = most.min(self.1 + usize::from(FAULT == 'r') - items.len());
        items.extend((0..count).map(make));
        self.2 += if FAULT == 't' { most } else { count } as u64;
        count
    }

    fn total_written(&self) -> u64 {
        self.2
    }
}

impl<const FAULT: char, T: Copy> Read<T> for Side<FAULT, T> {
    fn read(&mut self, most: usize, mut look: impl FnMut(&T)) -> usize {
        let mut items = self.0.lock().unwrap();
        let count = most.min(items.len());
        items.iter().take(count).for_each(&mut look);
        let taken = if FAULT == 'l' { (count + 1).min(items.len()) } else { count };
        items.drain(..taken);
        count
    }

    fn peek(&mut self, most: usize, mut look: impl FnMut(&T)) -> usize {
        let mut items = self.0.lock().unwrap();
        let count = most.min(items.len());
        items.iter().take(count).for_each(&mut look);
        if FAULT == 'p' {
            items.drain(..count);
        }
        count
    }
}

fn fault_found<const FAULT: char>() -> Result<(), Broken> {
    with_setup(&WORKLOAD.points[0], Isa::NONE, check::check::<Faulty<FAULT>>)
}

#[test]
fn the_check_finds_looks_that_take_reads_that_lose_and_wrong_counts() {
    assert_eq!(fault_found::<' '>(), Ok(()));
    let found = [fault_found::<'r'>(), fault_found::<'t'>(), fault_found::<'l'>(), fault_found::<'p'>()];
    assert!(found.iter().all(Result::is_err), "{found:?}");
}

#[cfg(not(miri))]
mod random {
    use super::*;
    use crate::ring_spsc::payload::{Block, Item};
    use proptest::prelude::*;

    fn agrees<B: Timed>(capacity: usize, batches: &[(usize, usize)]) -> Result<(), TestCaseError> {
        fn of<B: Bulk<T>, T: Item>(capacity: usize, batches: &[(usize, usize)]) -> Result<(), TestCaseError> {
            let agrees = check::agrees::<B, T>(capacity, &mut batches.iter().copied());
            agrees.map_err(|broken| TestCaseError::fail(broken.0))
        }
        of::<B, u64>(capacity, batches)?;
        of::<B, Block>(capacity, batches)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_order_of_batches_comes_out_as_from_a_deque(
            doublings in 1u32..7,
            batches in proptest::collection::vec((0usize..80, 0usize..80), 1..60),
        ) {
            agrees::<head_tail::HeadTail>(1 << doublings, &batches)?;
            agrees::<in_place::InPlace>(1 << doublings, &batches)?;
        }
    }
}
