//! Pools whose borrowers are killed.

use crate::{KILLS, fork, let_run};
use perfbench_harness::stats::random::Random;
use perfbench_workloads::shm::Identity;
use perfbench_workloads::shm_object_pool::{Pool, magazine::Magazine, mapped, tagged::Tagged};
use std::collections::BTreeSet;

const CAPACITY: usize = 64;

pub fn what_the_dead_had_comes_back(random: &mut Random) {
    let lost = (0..KILLS).map(|_| lost_to_a_kill::<Magazine>(random)).sum::<usize>();
    assert_eq!(lost, 0, "a slot says at every instant whose it is");
    for _ in 0..KILLS {
        let lost = lost_to_a_kill::<Tagged>(random);
        assert!(lost <= 1, "at most the one that was between list and signature, not {lost}");
    }
}

fn lost_to_a_kill<P: Pool>(random: &mut Random) -> usize {
    let mut ours = P::first(mapped(CAPACITY).unwrap(), Identity::own(), Identity::is_alive);
    let (mut theirs, mut had, mut order) = (None, Vec::new(), Random::new(random.bits()));
    let child = fork(|| {
        let pool = theirs.get_or_insert_with(|| ours.another(Identity::own()));
        match had.pop().filter(|_| order.below(2) == 0) {
            Some(number) => pool.give(number).unwrap(),
            None => had.extend(pool.take()),
        }
    });
    for _ in 0..random.below(2_000) {
        if let Some(number) = ours.take() {
            ours.give(number).unwrap();
        }
    }
    let_run(random);
    child.kill();
    ours.recover();
    let there: Vec<u32> = std::iter::from_fn(|| ours.take()).take(2 * CAPACITY).collect();
    let different: BTreeSet<&u32> = there.iter().collect();
    assert_eq!(different.len(), there.len(), "no object is lent twice");
    CAPACITY - there.len()
}
