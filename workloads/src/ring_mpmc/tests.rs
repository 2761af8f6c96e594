//! What every queue of many to many promises, and that the check notices when one does not keep it.

use super::*;
use crate::ring_spsc::tests::drops_what_nobody_took;
use crate::ring_spsc::{Pop, Push};
use crate::testing::{self, with_setup};
use perfbench_harness::Broken;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

#[test]
fn every_queue_passes_the_check_and_runs_at_every_point() {
    testing::every_variant_is_checked_and_runs(&WORKLOAD);
}

#[test]
fn items_that_nobody_took_are_dropped_with_the_last_handle() {
    drops_what_nobody_took::<sequenced::Sequenced>();
    drops_what_nobody_took::<biased::Biased>();
    drops_what_nobody_took::<lanes::Lanes>();
    drops_what_nobody_took::<CrossbeamArray>();
}

/// Three handles push and pop by turns: the queue is theirs together.
fn handles_share_one_queue<Q: Mpmc<u64>>() {
    let (to, from) = Q::ring(8, u64::MAX - 3).unwrap();
    let mut producers = [to.clone(), to.clone(), to];
    let mut consumers = [from.clone(), from.clone(), from];
    for item in 0..40 {
        producers[item as usize % 3].try_push(item).unwrap();
        producers[item as usize / 3 % 3].try_push(1000 + item).unwrap();
        assert_eq!(consumers[0].len(), 2);
        assert_eq!(consumers[item as usize % 2].try_pop(), Some(item));
        assert_eq!(consumers[item as usize / 2 % 3].pop::<OnePause>(), 1000 + item);
        assert!(consumers.iter_mut().all(|consumer| consumer.try_pop().is_none()));
    }
    (0..8).for_each(|item| producers[item as usize % 3].push::<OnePause>(item));
    assert!(producers.iter_mut().all(|producer| producer.is_full() && producer.try_push(9) == Err(9)));
}

#[test]
fn all_handles_of_a_queue_share_it() {
    handles_share_one_queue::<LockedDeque>();
    handles_share_one_queue::<sequenced::Sequenced>();
    handles_share_one_queue::<biased::Biased>();
    handles_share_one_queue::<CrossbeamArray>();
    handles_share_one_queue::<CrossbeamChannel>();
}

/// Producers of lanes, whose items any consumer finds; a lane that is left is taken over with what is in it.
#[test]
fn handles_of_lanes_find_all_items_and_take_over_what_is_left() {
    let (to, from) = <lanes::Lanes as Spsc<u64>>::ring(8, u64::MAX - 3).unwrap();
    let mut producers = [to.clone(), to.clone(), to];
    let mut consumers = [from.clone(), from.clone(), from];
    for round in 0..200 {
        for (number, producer) in producers.iter_mut().enumerate() {
            producer.try_push(10 * round + number as u64).unwrap();
        }
        assert!(consumers.iter().all(|consumer| consumer.len() == 3));
        let mut found = consumers.each_mut().map(|consumer| consumer.try_pop().unwrap());
        found.sort_unstable();
        assert_eq!(found, [10 * round, 10 * round + 1, 10 * round + 2]);
        assert!(consumers.iter_mut().all(|consumer| consumer.try_pop().is_none()));
    }
    let [mut leaving, staying, _] = producers;
    leaving.push::<OnePause>(1);
    drop(leaving);
    let mut heir = staying.clone();
    heir.push::<OnePause>(2);
    assert_eq!(consumers.each_mut().map(Pop::try_pop), [Some(1), Some(2), None]);
}

/// One producer too many is refused, and the others go on; when one leaves, there is room.
#[test]
fn a_producer_without_a_lane_is_refused_and_holds_up_nobody() {
    let (to, mut from) = <lanes::Lanes as Spsc<u64>>::ring(2, 0).unwrap();
    let mut producers: Vec<_> = (1..lanes::PRODUCERS_MAX).map(|_| to.clone()).collect();
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(to.clone())));
    assert!(refused.is_err());
    drop(producers.pop());
    to.clone().push::<OnePause>(7);
    assert_eq!(from.pop::<OnePause>(), 7);
}

/// A consumer that is alone with many lanes serves all of them, however full the first ones are.
#[test]
#[cfg_attr(miri, ignore = "thousands of items make it plain, which take minutes there")]
fn no_lane_is_forgotten() {
    let (to, mut from) = <lanes::Lanes as Spsc<u64>>::ring(64, 0).unwrap();
    let mut producers = [to.clone(), to.clone(), to.clone(), to.clone(), to.clone(), to];
    let mut taken = [0; 6];
    for _ in 0..6_000 {
        for (number, producer) in producers.iter_mut().enumerate() {
            let _ = producer.try_push(number as u64);
        }
        taken[from.pop::<OnePause>() as usize] += 1;
    }
    assert!(taken.iter().all(|count| (800..1_200).contains(count)), "{taken:?}");
}

/// A queue that keeps its promise but for one fault, which shows only where several handles are at it.
struct Faulty<const FAULT: char>;

#[derive(Clone)]
struct Side<const FAULT: char>(Arc<Mutex<VecDeque<u64>>>, usize);

impl<const FAULT: char> Spsc<u64> for Faulty<FAULT> {
    type Producer = Side<FAULT>;
    type Consumer = Side<FAULT>;

    fn ring(capacity: usize, _start: u64) -> Result<(Side<FAULT>, Side<FAULT>), Unavailable> {
        let side = Side(Arc::default(), capacity);
        Ok((side.clone(), side))
    }
}

impl<const FAULT: char> Side<FAULT> {
    /// More handles than the two that a ring is made with.
    fn is_among_many(&self) -> bool {
        Arc::strong_count(&self.0) > 2
    }
}

impl<const FAULT: char> Push<u64> for Side<FAULT> {
    fn try_push(&mut self, item: u64) -> Result<(), u64> {
        let many = self.is_among_many();
        let mut items = self.0.lock().unwrap();
        match (FAULT, many && item % 8 == 5) {
            _ if items.len() == self.1 => return Err(item),
            ('x', true) => items.push_back(item ^ 2),
            ('o', true) => items.push_front(item),
            _ => items.push_back(item),
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.lock().unwrap().len() == self.1
    }
}

impl<const FAULT: char> Pop<u64> for Side<FAULT> {
    fn try_pop(&mut self) -> Option<u64> {
        let many = self.is_among_many();
        let mut items = self.0.lock().unwrap();
        match (FAULT, many && items.front().is_some_and(|item| item % 8 == 3)) {
            ('s', true) if items.len() > 1 => items.remove(1),
            _ => items.pop_front(),
        }
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

fn fault_found<const FAULT: char>() -> Result<(), Broken> {
    with_setup(&WORKLOAD.points[0], Isa::NONE, check::check::<Faulty<FAULT>>)
}

#[test]
#[cfg_attr(miri, ignore = "it is the check that is tested here, and no structure")]
fn the_check_finds_items_exchanged_and_out_of_order_among_many() {
    assert_eq!(fault_found::<' '>(), Ok(()));
    let found = [fault_found::<'x'>(), fault_found::<'o'>(), fault_found::<'s'>()];
    assert!(found.iter().all(Result::is_err), "{found:?}");
}
