//! The scenario of three processes, one of which is killed.

use crate::{KILLS, fork, let_run};
use perfbench_harness::stats::random::Random;
use perfbench_workloads::shm_frames::one_board::OneBoard;
use perfbench_workloads::shm_frames::{Frames, Look, Simulate, Take, is_whole};

/// Frames that the survivors exchange afterwards.
const AFTERWARDS: u64 = 200;

pub fn a_killed_simulation_has_a_successor(random: &mut Random) {
    for _ in 0..KILLS / 4 {
        let (renderer, mut analytics, mut simulation) = OneBoard::roles().unwrap();
        let taking = fork(|| {
            analytics.take();
        });
        let child = fork(|| simulation.step());
        for _ in 0..random.below(2_000) {
            assert!(renderer.glance().is_none_or(|frame| is_whole(&frame)));
        }
        let_run(random);
        child.kill();
        let mut next = simulation.successor();
        (0..AFTERWARDS).for_each(|_| next.step());
        assert!(
            renderer.glance().is_some_and(|frame| is_whole(&frame)),
            "the successor heals the newest frame"
        );
        while next.told().taken < next.told().written {
            std::thread::yield_now();
        }
        assert_eq!(next.told().torn, 0);
        taking.kill();
    }
}

pub fn killed_analytics_have_a_successor(random: &mut Random) {
    for _ in 0..KILLS / 4 {
        let (renderer, mut analytics, mut simulation) = OneBoard::roles().unwrap();
        let simulating = fork(|| simulation.step());
        let child = fork(|| {
            analytics.take();
        });
        for _ in 0..random.below(2_000) {
            assert!(renderer.glance().is_none_or(|frame| is_whole(&frame)));
        }
        let_run(random);
        child.kill();
        let mut next = analytics.successor();
        let first = next.take();
        assert!((first + 1..first + AFTERWARDS).eq((1..AFTERWARDS).map(|_| next.take())));
        assert_eq!(simulation.told().torn, 0);
        simulating.kill();
    }
}
