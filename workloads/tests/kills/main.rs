//! Real processes that are killed at any point, beside structures in shared memory that must go on without them. A `main` of
//! its own: children are forked, which is safe only as long as this process has one thread.

mod frames;
mod pool;
mod queue;
mod stream;

use perfbench_harness::stats::random::Random;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Kills of each kind: at random points, so that some fall where it hurts.
const KILLS: u64 = 60;

/// Kills children again and again, at points that chance picks.
type Test = fn(&mut Random);

fn main() {
    let tests: [(&str, Test); 10] = [
        ("queue: a killed producer holds up nobody", queue::a_killed_producer_holds_up_nobody),
        ("queue: a killed consumer holds up nobody", queue::a_killed_consumer_holds_up_nobody),
        ("queue: a cell of the dead is taken over", queue::a_cell_of_the_dead_is_taken_over),
        ("queue: one that waits learns that the other was killed", queue::one_that_waits_learns_it),
        ("pool: what the dead had comes back", pool::what_the_dead_had_comes_back),
        ("stream: a killed writer has a successor", stream::a_killed_writer_has_a_successor),
        ("stream: a killed reader has a successor", stream::a_killed_reader_has_a_successor),
        ("array: a killed writer tears nothing", stream::a_killed_array_writer_tears_nothing),
        ("frames: a killed simulation has a successor", frames::a_killed_simulation_has_a_successor),
        ("frames: killed analytics have a successor", frames::killed_analytics_have_a_successor),
    ];
    let filter = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    for (name, test) in tests {
        if filter.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            test(&mut Random::new(7));
            println!("{name}: ok");
        }
    }
}

/// A forked process.
pub struct Child(libc::pid_t);

/// Forks a process that does one thing for ever, or until it is killed.
pub fn fork(mut forever: impl FnMut()) -> Child {
    // SAFETY: this process has one thread, so no lock is held by another at the fork.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork: {}", io::Error::last_os_error());
    if child > 0 {
        return Child(child);
    }
    // SAFETY: asks only that the child dies with its parent; takes no pointers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let failed = catch_unwind(AssertUnwindSafe(|| (0..u64::MAX).for_each(|_| forever())));
    // SAFETY: ends the child without running the parent's exit handlers; its panic has told why.
    unsafe { libc::_exit(i32::from(failed.is_err())) }
}

impl Child {
    /// Kills it wherever it is, and waits until it is gone.
    pub fn kill(self) {
        self.signal(libc::SIGKILL);
        self.reap();
    }

    /// Sends a signal.
    pub fn signal(&self, signal: libc::c_int) {
        // SAFETY: takes no pointers; the child has not been waited for, so the number is still its own.
        let status = unsafe { libc::kill(self.0, signal) };
        assert_eq!(status, 0, "kill: {}", io::Error::last_os_error());
    }

    /// Waits until it is killed.
    pub fn reap(self) {
        let mut status = 0;
        // SAFETY: the pointer is to a live integer.
        let child = unsafe { libc::waitpid(self.0, &raw mut status, 0) };
        assert_eq!(child, self.0, "waitpid: {}", io::Error::last_os_error());
        assert!(libc::WIFSIGNALED(status), "the child ended by itself: {status}");
    }
}

/// Ends the calling child as a kill from outside would.
pub fn die() -> ! {
    // SAFETY: takes no pointers.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("nobody survives this signal")
}

/// Lets a child run for a random while: some turns of this CPU, some empty steps.
pub fn let_run(random: &mut Random) {
    for _ in 0..random.below(4) {
        std::thread::yield_now();
    }
    for _ in 0..random.below(20_000) {
        std::hint::spin_loop();
    }
}
