//! The affinity mask: which CPUs this process may use, and holding a thread on one of them.

use core_affinity::CoreId;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// CPUs in the calling thread's mask; to be asked before anything is pinned, because a pinned thread sees one.
pub fn cpus() -> Vec<usize> {
    let Ok(mask) = sched_getaffinity(None) else { return vec![0] };
    (0..CpuSet::MAX_CPU).filter(|cpu| mask.is_set(*cpu)).collect()
}

/// Pins the calling thread to one CPU; whether the kernel agreed.
pub fn pin(cpu: usize) -> bool {
    core_affinity::set_for_current(CoreId { id: cpu })
}

/// The calling thread held on one CPU; its former affinity returns when this is dropped.
pub struct Pinned(Option<CpuSet>);

impl Pinned {
    /// Pins the calling thread.
    pub fn to(cpu: usize) -> Self {
        let before = sched_getaffinity(None).ok();
        pin(cpu);
        Self(before)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // A kernel that gave the mask takes it back; where it does not, the thread stays where it is.
        let _ = self.0.as_ref().map(|mask| sched_setaffinity(None, mask));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_gets_its_mask_back() {
        let before = cpus();
        let pinned = Pinned::to(before[0]);
        assert_eq!(cpus(), [before[0]]);
        drop(pinned);
        assert_eq!(cpus(), before);
    }
}
