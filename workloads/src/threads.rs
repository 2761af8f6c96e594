//! Threads of checks: several things at once, with one copy of what starts and ends a thread for all callers. What is timed
//! starts its threads in the harness.

/// What runs on a thread, whatever it is.
type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Runs `there` on a thread of its own and `here` on this one, at once; what each of them returned. A panic of either is
/// the caller's.
pub fn beside<A: Send, B>(there: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    let (mut first, mut second, mut here) = (None, None, Some(here));
    run(vec![Box::new(|| first = Some(there()))], &mut || second = here.take().map(|here| here()));
    (first.expect("its thread has ended"), second.expect("it ran while the thread did"))
}

/// Runs each on a thread of its own, all at once; what they returned, in their order. A panic of any is the caller's.
pub fn together<A: Send, F: FnOnce() -> A + Send>(all: impl IntoIterator<Item = F>) -> Vec<A> {
    let mut jobs: Vec<(Option<F>, Option<A>)> = Vec::new();
    for job in all {
        jobs.push((Some(job), None));
    }
    let mut tasks: Vec<Task<'_>> = Vec::new();
    for (job, returned) in &mut jobs {
        tasks.push(Box::new(|| *returned = job.take().map(|job| job())));
    }
    run(tasks, &mut || ());
    let mut all = Vec::new();
    for (_, returned) in jobs {
        all.extend(returned);
    }
    all
}

fn run(others: Vec<Task<'_>>, here: &mut dyn FnMut()) {
    std::thread::scope(|scope| {
        let mut running = Vec::new();
        for other in others {
            running.push(scope.spawn(other));
        }
        here();
        // The scope waits for what they do; only a join waits for what they free, which is not to be counted as a case's.
        for thread in running {
            if let Err(panicked) = thread.join() {
                std::panic::resume_unwind(panicked);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn threads_run_at_once_and_return_in_their_order() {
        let met = Barrier::new(3);
        let meet = |name: u8| {
            met.wait();
            name
        };
        assert_eq!(together((0..3).map(|name| move || meet(name))), [0, 1, 2]);
        let met = Barrier::new(2);
        let (there, here) = beside(|| met.wait().is_leader(), || met.wait().is_leader());
        assert!(there ^ here, "one of two that meet is the last to come");
    }

    /// Two threads that race on purpose: `ci/tsan` holds ThreadSanitizer to finding it before it believes its silence.
    #[test]
    #[ignore = "a planted race, for ci/tsan"]
    fn a_planted_race() {
        struct Raced(std::cell::UnsafeCell<u64>);
        // SAFETY: not so, and that is the point: nothing orders the two threads' writes.
        unsafe impl Sync for Raced {}
        let raced = &Raced(std::cell::UnsafeCell::new(0));
        let write = || {
            for _ in 0..1000 {
                // SAFETY: the pointer is that of a live cell; the race is the planted fault.
                unsafe { raced.0.get().write_volatile(1) };
            }
        };
        beside(write, write);
        // SAFETY: both threads have ended.
        assert_eq!(unsafe { raced.0.get().read() }, 1);
    }

    #[test]
    fn threads_that_panic_are_not_taken_for_ended() {
        let refused = std::panic::catch_unwind(|| beside(|| panic!("planted"), || 1));
        assert!(refused.is_err());
    }
}
