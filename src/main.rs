//! The command line over perfbench's own table of workloads.

use perfbench_harness::counter::heap::CountingAllocator;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

fn main() -> ExitCode {
    perfbench::main(&perfbench_workloads::REGISTRY, perfbench_workloads::claims)
}
