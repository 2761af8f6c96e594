//! What every queue between processes promises; under Miri, which knows no fork, what the algorithm alone promises.

use super::*;
use crate::ring_spsc::check::carries;
use crate::ring_spsc::tests::drops_what_nobody_took;
use crate::testing::with_setup;

#[test]
fn the_documented_queue_passes_the_check_between_threads() {
    assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, carries::<head_tail::OnHeap, u64>), Ok(()));
}

#[test]
fn the_documented_queue_drops_what_nobody_took() {
    drops_what_nobody_took::<head_tail::OnHeap>();
}

#[cfg(not(miri))]
mod forked {
    use super::*;
    use crate::ring_spsc::Pop;
    use crate::ring_spsc::cached_index::{Consumer, Producer};
    use crate::ring_spsc::tests::every_case_runs_its_batches_to_the_end;
    use crate::testing;

    #[test]
    fn every_queue_passes_the_check() {
        for variant in WORKLOAD.variants {
            assert_eq!(testing::check(&WORKLOAD, variant), Ok(()), "{}", variant.name);
        }
    }

    #[test]
    fn every_queue_runs_at_every_point() {
        every_case_runs_its_batches_to_the_end(&WORKLOAD);
    }

    /// A queue whose consumer changes item 7 wherever it runs in another process than it was made in.
    struct Homesick;

    struct Abroad(Consumer<u64>, u32);

    impl Spsc<u64> for Homesick {
        type Producer = Producer<u64>;
        type Consumer = Abroad;

        fn ring(capacity: usize, start: u64) -> Result<(Producer<u64>, Abroad), Unavailable> {
            let (producer, consumer) = cached_index::CachedIndex::ring(capacity, start)?;
            Ok((producer, Abroad(consumer, std::process::id())))
        }
    }

    impl Pop<u64> for Abroad {
        fn try_pop(&mut self) -> Option<u64> {
            let item = self.0.try_pop()?;
            Some(if item == 7 && std::process::id() != self.1 { 8 } else { item })
        }

        fn len(&self) -> usize {
            self.0.len()
        }
    }

    #[test]
    fn the_check_finds_a_fault_that_shows_between_processes_only() {
        assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, carries::<Homesick, u64>), Ok(()));
        let found =
            with_setup(&WORKLOAD.points[0], Isa::NONE, check::between_processes::<Homesick>).unwrap_err();
        assert!(found.0.starts_with("across a fork"), "{found}");
    }
}

mod many_to_many {
    use super::*;
    use crate::ring_spsc::memory::Memory;
    use crate::ring_spsc::{Pop, Push};
    use crate::shm::Identity;
    use crate::shm_queue::mpmc::{Handle, Header, Refusal, cells};

    const DEAD: Identity = Identity::of(2, 1);
    const LIVING: Identity = Identity::of(1, 1);

    fn joined(capacity: usize) -> Handle {
        let [memory, _] = Memory::boxed(Header::starting_at(u64::MAX - 1), cells(capacity, u64::MAX - 1));
        Handle::join(memory, LIVING, |who| who != DEAD).unwrap()
    }

    #[test]
    fn it_passes_the_check_of_rings() {
        assert_eq!(with_setup(&WORKLOAD.points[0], Isa::NONE, carries::<mpmc::OnHeap, u64>), Ok(()));
    }

    #[test]
    fn a_producer_that_died_at_its_cell_is_passed_over() {
        let mut living = joined(4);
        let mut dead = living.another(DEAD).unwrap();
        living.push::<OnePause>(1);
        assert!(dead.claim_and_leave());
        living.push::<OnePause>(2);
        assert_eq!((living.pop_within(2), living.pop_within(2_000)), (Ok(1), Ok(2)));
        (10..14).for_each(|item| living.push::<OnePause>(item));
        assert!(living.try_push(14).is_err(), "the cell of the dead is of use again");
        assert_eq!(
            [
                living.pop::<OnePause>(),
                living.pop::<OnePause>(),
                living.pop::<OnePause>(),
                living.pop::<OnePause>()
            ],
            [10, 11, 12, 13]
        );
        std::mem::forget(dead);
    }

    #[test]
    fn a_consumer_that_died_at_its_item_takes_it_along_and_leaves_the_room() {
        let mut living = joined(2);
        let mut dead = living.another(DEAD).unwrap();
        living.push::<OnePause>(1);
        living.push::<OnePause>(2);
        assert!(dead.take_and_leave());
        assert_eq!(living.pop::<OnePause>(), 2);
        living.push::<OnePause>(3);
        let mut attempts = 0;
        while living.try_push(4).is_err() {
            attempts += 1;
            assert!(attempts <= 1_000, "the census is asked in time");
        }
        assert_eq!([living.pop::<OnePause>(), living.pop::<OnePause>()], [3, 4]);
        std::mem::forget(dead);
    }

    #[test]
    fn a_stopped_process_that_lives_is_named_and_not_robbed() {
        let mut living = joined(4);
        let stopped = Identity::of(3, 1);
        let mut other = living.another(stopped).unwrap();
        assert_eq!(living.pop_within(3), Err(Refusal::NotReady));
        assert!(other.claim_and_leave());
        living.push::<OnePause>(2);
        assert_eq!(living.pop_within(5_000), Err(Refusal::Held(stopped)));
    }

    #[test]
    fn recovery_frees_all_that_the_dead_held_and_their_seats() {
        let mut living = joined(8);
        living.push::<OnePause>(1);
        let mut dead: Vec<Handle> = std::iter::from_fn(|| living.another(DEAD).ok()).take(3).collect();
        assert!(dead[0].take_and_leave() && dead[1].claim_and_leave() && dead[2].claim_and_leave());
        assert_eq!(living.recover(), 3);
        assert_eq!(living.recover(), 0);
        living.push::<OnePause>(5);
        assert_eq!(living.pop::<OnePause>(), 5);
        dead.drain(..).for_each(std::mem::forget);
        let seats = std::iter::from_fn(|| living.another(LIVING).ok()).collect::<Vec<_>>();
        assert_eq!(seats.len(), crate::roll::SEATS - 1);
    }

    #[test]
    fn a_full_roll_of_the_dead_lets_the_living_join() {
        let living = joined(2);
        let dead: Vec<Handle> =
            std::iter::from_fn(|| living.another(DEAD).ok()).take(crate::roll::SEATS - 1).collect();
        dead.into_iter().for_each(std::mem::forget);
        assert!(living.another(LIVING).is_ok());
    }

    /// What each consumer takes of each producer comes in order, and nothing is lost or doubled.
    #[test]
    fn many_threads_lose_nothing_double_nothing_and_keep_each_producers_order() {
        const PRODUCERS: u64 = 3;
        let each: u64 = if cfg!(miri) { 30 } else { 20_000 };
        let first = joined(8);
        let consumers = [first.another(LIVING).unwrap(), first.another(LIVING).unwrap()];
        let producers = (0..PRODUCERS).map(|_| first.another(LIVING).unwrap()).collect::<Vec<_>>();
        let taken: Vec<Vec<u64>> = std::thread::scope(|scope| {
            for (number, mut producer) in (0..).zip(producers) {
                scope
                    .spawn(move || (0..each).for_each(|item| producer.push::<OnePause>(number << 32 | item)));
            }
            let share = PRODUCERS * each / 2;
            let taking = consumers.map(|mut consumer| {
                scope.spawn(move || (0..share).map(|_| consumer.pop::<OnePause>()).collect::<Vec<_>>())
            });
            taking.map(|thread| thread.join().unwrap()).into()
        });
        for list in &taken {
            for number in 0..PRODUCERS {
                let of_one = || list.iter().filter(|item| **item >> 32 == number);
                assert!(of_one().is_sorted(), "one consumer sees a producer's items in order");
            }
        }
        let mut all = taken.concat();
        all.sort_unstable();
        let expected: Vec<u64> = (0..PRODUCERS).flat_map(|n| (0..each).map(move |i| n << 32 | i)).collect();
        assert_eq!(all, expected);
    }
}
