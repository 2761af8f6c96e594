//! What the kernel says happened to the measuring thread around a round. Whether a round counts is decided by this and
//! never by how long it took: leaving out long rounds would make every result too short.

use crate::record::{MIGRATED, QUIET, SWITCHED};

/// What the kernel accounts to the calling thread so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Times that its CPU was taken away.
    pub involuntary_switches: u64,
    /// The CPU that it runs on.
    pub cpu: usize,
}

/// Where evidence comes from; none where nothing can be said.
pub type Witness = dyn Fn() -> Option<Evidence>;

/// The running kernel's word; costs one system call, so it is asked outside of timed regions.
pub fn kernel() -> Option<Evidence> {
    let usage = crate::counter::rusage::usage(libc::RUSAGE_THREAD).ok()?;
    Some(Evidence { involuntary_switches: usage.ru_nivcsw as u64, cpu: rustix::thread::sched_getcpu() })
}

/// The mark of a round between two readings: quiet, or disturbed and how.
pub fn mark(before: Option<Evidence>, after: Option<Evidence>) -> char {
    match (before, after) {
        (Some(before), Some(after)) if before.cpu != after.cpu => MIGRATED,
        (Some(before), Some(after)) if before.involuntary_switches != after.involuntary_switches => SWITCHED,
        _ => QUIET,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_marked_by_what_the_kernel_saw_and_by_nothing_where_it_saw_nothing() {
        let at = |involuntary_switches, cpu| Some(Evidence { involuntary_switches, cpu });
        assert_eq!(mark(at(3, 0), at(3, 0)), QUIET);
        assert_eq!(mark(at(3, 0), at(4, 0)), SWITCHED);
        assert_eq!(mark(at(3, 0), at(4, 1)), MIGRATED);
        assert_eq!(mark(None, at(4, 1)), QUIET);
    }

    #[cfg(not(miri))]
    #[test]
    fn the_kernel_sees_a_thread_lose_its_cpu_to_another_on_it() {
        let _pinned = crate::machine::probe::Pinned::to(crate::machine::probe::cpus()[0]);
        let before = kernel().unwrap();
        let spin = || (0..200_000_000_u64).fold(0, |sum, i| crate::case::opaque(sum ^ i));
        // A new thread inherits the mask, so the two share one CPU.
        let rival = std::thread::spawn(spin);
        while kernel().unwrap().involuntary_switches == before.involuntary_switches {
            assert!(!rival.is_finished(), "two busy threads on one CPU, and neither lost it");
        }
        assert_eq!(mark(Some(before), kernel()), SWITCHED);
        rival.join().unwrap();
    }
}
