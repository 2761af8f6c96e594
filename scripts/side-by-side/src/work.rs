//! The pieces of work that every tool times, as plain functions: one call is one batch. The work itself is the
//! `yardstick` of perfbench-workloads; here stand only its threads and the slowdown that is injected after a batch.

use perfbench_harness::case::{Body, Case, opaque};
use perfbench_harness::counter::heap::CountingAllocator;
use perfbench_harness::machine::probe::{Pinned, pin, probe};
use perfbench_harness::{Granted, Setup};
use perfbench_workloads::yardstick::{WORKLOAD, aead, chase, churn, compute, ring, sharing};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

/// The allocator of perfbench itself, so that every tool times the same one.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Environment variable that holds the steps to spin after each batch of the candidate.
pub const SPINS: &str = "SIDE_SPINS";

/// Seed of generated input, the same in every process.
const SEED: u64 = 1;

/// One batch; the value is what it computed.
pub type Batch = Box<dyn FnMut() -> u64>;

/// A piece of work.
pub struct Work {
    /// Its name, which is also its variant's name in perfbench.
    pub name: &'static str,
    /// Its row in perfbench.
    pub row: &'static str,
    build: fn() -> Batch,
}

/// All of them.
pub static WORKS: [Work; 6] = [
    Work { name: "compute", row: "yardstick/solo/compute", build: || alone(compute::Compute) },
    Work { name: "chase", row: "yardstick/solo/chase", build: || alone(chase::Chase::new(SEED)) },
    Work { name: "churn", row: "yardstick/solo/churn", build: || alone(churn::Churn::new(SEED)) },
    Work { name: "ring", row: "yardstick/solo/ring", build: || alone(ring::Ring::new().expect("a ring")) },
    Work { name: "aead", row: "yardstick/solo/aead", build: || alone(aead::Seals::new().expect("a level")) },
    Work { name: "sharing", row: "yardstick/shared/sharing", build: || together(sharing::owners()) },
];

impl Work {
    /// Builds the work and puts a spin of `spins` dependent steps after each batch.
    pub fn with_spins(&self, spins: u64) -> Batch {
        let mut batch = (self.build)();
        Box::new(move || spin(batch(), spins))
    }

    /// Builds the work once, to be run without and with a spin: both sides share its memory.
    pub fn without_and_with(&self, spins: u64) -> [Batch; 2] {
        let batch = Rc::new(RefCell::new((self.build)()));
        [0, spins].map(|spins| -> Batch {
            let batch = batch.clone();
            Box::new(move || spin((batch.borrow_mut())(), spins))
        })
    }

    /// The case that perfbench itself times.
    pub fn case(&self) -> Box<dyn Case> {
        let mut parts = self.row.split('/').skip(1);
        let mut part = || parts.next().expect("a row has a point and a variant");
        let (point, variant) = (part(), part());
        let point = WORKLOAD.points.iter().find(|known| known.name == point).expect("the point is known");
        let variant =
            WORKLOAD.variants.iter().find(|known| known.name == variant).expect("the variant is known");
        let granted = Granted::check(variant.needs).expect("the work needs no special CPU");
        let (cpus, inputs) = (two_cpus(), BTreeMap::new());
        let setup = Setup { point, granted, cpus: &cpus[..point.cpus], seed: SEED, inputs: &inputs };
        (variant.build)(&setup).expect("the work can be had here")
    }
}

/// The steps that the environment asks for; none where it is silent.
///
/// # Panics
/// Where the variable holds no number.
pub fn spins_from_environment() -> u64 {
    std::env::var(SPINS).map_or(0, |text| text.parse().expect("SIDE_SPINS is a number of steps"))
}

/// A chain of multiplications that begins with what the batch computed, so that neither runs beside the other.
#[inline(never)]
pub fn spin(start: u64, steps: u64) -> u64 {
    (0..steps).fold(start, |value, _| opaque(value.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

fn alone(mut body: impl Body + 'static) -> Batch {
    let mut number = 0;
    Box::new(move || {
        number += 1;
        body.op(number)
    })
}

/// The first body on this thread, pinned as long as the batch lives, the second on a thread of its own on another CPU.
fn together([mut first, second]: [impl Body + Send + 'static; 2]) -> Batch {
    let [here, there] = two_cpus();
    let pinned = Pinned::to(here);
    let partner = Partner::on(there, second);
    let mut number = 0;
    Box::new(move || {
        let _held = &pinned;
        number += 1;
        partner.shared.asked.store(number, Ordering::Release);
        let value = first.op(number);
        wait_until(|| partner.shared.done.load(Ordering::Acquire) == number);
        value
    })
}

/// The first two CPUs of the affinity mask that the process began with; the same twice where there is one. Asked again
/// once a thread is pinned, the mask would hold one only.
pub fn two_cpus() -> [usize; 2] {
    static CPUS: OnceLock<[usize; 2]> = OnceLock::new();
    *CPUS.get_or_init(|| {
        let cpus = probe().cpus;
        [cpus[0], *cpus.get(1).unwrap_or(&cpus[0])]
    })
}

/// A thread that answers each batch of its leader with one of its own, until it is dropped.
struct Partner {
    shared: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

/// Numbers of batches: both are stored with Release and read with Acquire, each by the other thread.
#[derive(Default)]
struct Signals {
    asked: AtomicU64,
    done: AtomicU64,
}

/// What a leader asks for when it goes.
const LEAVE: u64 = u64::MAX;

impl Partner {
    fn on(cpu: usize, mut body: impl Body + Send + 'static) -> Self {
        let shared = Arc::new(Signals::default());
        let signals = shared.clone();
        let thread = std::thread::spawn(move || {
            pin(cpu);
            let mut number = 0;
            loop {
                wait_until(|| signals.asked.load(Ordering::Acquire) != number);
                number = signals.asked.load(Ordering::Acquire);
                if number == LEAVE {
                    return;
                }
                opaque(body.op(number));
                signals.done.store(number, Ordering::Release);
            }
        });
        Self { shared, thread: Some(thread) }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.shared.asked.store(LEAVE, Ordering::Release);
        // A partner that panicked has printed its message.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Spins, and after a while yields: tools that run both sides at once put four such threads on two CPUs.
fn wait_until(condition: impl Fn() -> bool) {
    let mut turns = 0u32;
    while !condition() {
        turns = turns.saturating_add(1);
        if turns < 2_000 { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfbench_harness::clock::{Clock, ClockChoice};

    #[test]
    fn every_piece_of_work_is_a_row_of_perfbench() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        for work in &WORKS {
            assert!(work.row.starts_with("yardstick/") && work.row.ends_with(work.name), "{}", work.row);
            assert!(work.case().batch(1, &clock).elapsed_ns > 0.0);
        }
    }

    #[test]
    fn every_piece_of_work_runs_again_and_again() {
        for work in &WORKS {
            let mut batch = work.with_spins(1);
            assert!((0..3).all(|_| batch() != u64::MAX));
        }
    }

    #[test]
    fn no_spin_leaves_what_the_batch_computed() {
        assert_eq!(spin(7, 0), 7);
        assert_ne!(spin(7, 1), 7);
    }
}
