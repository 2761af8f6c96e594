//! How many accesses a second the model of this machine takes on one thread: walks that stay in each level, a walk that no
//! level holds, and two threads that share a line. Best of five by the thread's own CPU time, since others may run meanwhile.

use perfbench_harness::simulate::patterns::{PATTERNS, Walk, aligned, reserve};
use perfbench_harness::simulate::{Access, AccessKind, Geometry, Model, Tracer};
use rustix::time::{ClockId, clock_gettime};

const REPEATS: usize = 5;

fn best_m_per_s(mut run: impl FnMut() -> u64) -> f64 {
    let once = |_| {
        let start_us = own_us();
        let accesses = run();
        accesses as f64 / (own_us() - start_us)
    };
    (0..REPEATS).map(once).fold(0.0, f64::max)
}

/// CPU time that this thread has used.
fn own_us() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn walk(geometry: &Geometry, walk: &Walk, memory: &mut [u64]) -> f64 {
    let memory = aligned(memory, walk.bytes());
    walk.prepare(memory);
    let mut model = Model::new(geometry, 1);
    best_m_per_s(|| {
        model.reset_counts();
        walk.run(memory, &mut model);
        model.counts().accesses.sum()
    })
}

fn shared_line(geometry: &Geometry) -> f64 {
    let mut model = Model::new(geometry, 2);
    best_m_per_s(|| {
        for step in 0..1_000_000u32 {
            let (thread, address) = (step % 2, u64::from(step % 2) * 8);
            model.access(Access { thread, address, size_bytes: 8, kind: AccessKind::Write });
        }
        1_000_000
    })
}

fn main() {
    let geometry = Geometry::named(Geometry::HOST).expect("this machine is always known");
    println!("{geometry}");
    let mut memory = reserve();
    for pattern in PATTERNS {
        println!("{:<22} {:>7.1} M accesses/s", pattern.name, walk(&geometry, &pattern.walk, &mut memory));
    }
    println!("{:<22} {:>7.1} M accesses/s", "two_threads_one_line", shared_line(&geometry));
}
