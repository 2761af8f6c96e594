//! Queues whose participants are killed.

use crate::{KILLS, die, fork, let_run};
use perfbench_harness::stats::random::Random;
use perfbench_workloads::ring_spsc::{Pop, Push, Spsc};
use perfbench_workloads::shm::Identity;
use perfbench_workloads::shm_queue::cached_index::CachedIndex;
use perfbench_workloads::shm_queue::lifeline::{Gone, Lifeline};
use perfbench_workloads::shm_queue::mpmc::{Handle, Refusal, joined_mapped};

const CAPACITY: usize = 16;

/// Attempts after which a claim of a dead process has long been taken over.
const BOUND: u32 = 100_000;

fn joined(handle: &Handle) -> Handle {
    handle.another(Identity::own()).expect("seats of the dead are free again")
}

pub fn a_killed_producer_holds_up_nobody(random: &mut Random) {
    let mut ours = joined_mapped(CAPACITY).unwrap();
    for _ in 0..KILLS {
        let (mut theirs, mut next) = (None, 0);
        let child = fork(|| {
            let handle = theirs.get_or_insert_with(|| joined(&ours));
            next += u64::from(handle.try_push(next).is_ok());
        });
        let mut due = 0;
        for _ in 0..random.below(3_000) {
            while let Some(item) = ours.try_pop() {
                assert_eq!(item, due);
                due += 1;
            }
        }
        let_run(random);
        child.kill();
        while let Ok(item) = ours.pop_within(BOUND / 10) {
            assert_eq!(item, due, "what it had pushed is there, in order");
            due += 1;
        }
        fill_and_drain(&mut ours);
    }
}

/// The whole capacity is of use.
fn fill_and_drain(ours: &mut Handle) {
    for item in 0..CAPACITY as u64 {
        let pushed = (0..BOUND).any(|_| ours.try_push(item).is_ok());
        assert!(pushed, "no room for {item}");
    }
    (0..CAPACITY as u64).for_each(|item| assert_eq!(ours.pop_within(BOUND), Ok(item)));
    assert_eq!(ours.pop_within(1), Err(Refusal::NotReady));
}

pub fn a_killed_consumer_holds_up_nobody(random: &mut Random) {
    let mut ours = joined_mapped(CAPACITY).unwrap();
    for _ in 0..KILLS {
        let mut theirs = None;
        let child = fork(|| {
            theirs.get_or_insert_with(|| joined(&ours)).try_pop();
        });
        let mut next = 0;
        for _ in 0..random.below(3_000) {
            next += u64::from(ours.try_push(next).is_ok());
        }
        let_run(random);
        child.kill();
        let left: Vec<u64> = std::iter::from_fn(|| ours.pop_within(BOUND / 10).ok()).collect();
        assert!(left.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{left:?}");
        fill_and_drain(&mut ours);
    }
}

pub fn a_cell_of_the_dead_is_taken_over(_: &mut Random) {
    let mut ours = joined_mapped(CAPACITY).unwrap();
    for _ in 0..KILLS {
        fork(|| {
            let mut theirs = joined(&ours);
            assert!(theirs.claim_and_leave());
            die();
        })
        .reap();
        assert!((0..BOUND).any(|_| ours.try_push(1).is_ok()));
        assert_eq!(ours.pop_within(BOUND), Ok(1));
        assert!(ours.try_push(2).is_ok());
        fork(|| {
            let mut theirs = joined(&ours);
            assert!(theirs.take_and_leave());
            die();
        })
        .reap();
        fill_and_drain(&mut ours);
    }
}

pub fn one_that_waits_learns_it(random: &mut Random) {
    for _ in 0..KILLS / 4 {
        let (mut to, mut from) = CachedIndex::ring(CAPACITY, 0).unwrap();
        let [producing, consuming] = Lifeline::pair().unwrap();
        consuming.sign();
        let mut next = 0;
        let child = fork(|| {
            producing.sign();
            next += u64::from(to.try_push(next).is_ok());
        });
        let mut due = 0;
        for _ in 0..=random.below(3_000) {
            assert_eq!(consuming.pop(&mut from), Ok(due));
            due += 1;
        }
        child.kill();
        let gone: Gone = loop {
            match consuming.pop(&mut from) {
                Ok(item) => {
                    assert_eq!(item, due);
                    due += 1;
                }
                Err(gone) => break gone,
            }
        };
        assert!(!gone.0.is_alive());
        a_producer_learns_it();
    }
}

fn a_producer_learns_it() {
    let (mut to, mut from) = CachedIndex::ring(CAPACITY, 0).unwrap();
    let [producing, consuming] = Lifeline::pair().unwrap();
    let child = fork(|| {
        consuming.sign();
        from.try_pop();
    });
    (0..100).for_each(|item| producing.push(&mut to, item).expect("the child lives"));
    child.kill();
    let pushed = (0..2 * CAPACITY as u64).take_while(|item| producing.push(&mut to, *item).is_ok()).count();
    assert!(pushed <= CAPACITY);
}
