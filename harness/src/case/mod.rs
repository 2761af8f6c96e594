//! The only timing loops. A workload hands over what one operation is ([`Body`]); how often, on which threads or
//! processes and between which clock readings it runs is decided here. Erased per batch, never per operation.

mod arrivals;
mod control;
#[cfg(all(test, target_arch = "x86_64", not(miri)))]
pub(crate) mod emitted;
pub mod fleet;
mod follower;
pub mod open_loop;
pub mod overhead;
pub mod pair;
pub mod placement;
pub mod processes;
pub mod solo;
pub mod stamps;

pub use arrivals::{Arrivals, Gaps, Rate};
pub use fleet::fleet;
pub use open_loop::{open_loop, open_pair};
pub use pair::pair;
pub use placement::Bounce;
pub use processes::{crew, processes};
pub use solo::solo;
pub use stamps::{Stamps, histogram};

use crate::clock::{Clock, Source};
use serde::{Deserialize, Serialize};

/// What one operation is. The value it returns is folded into the batch's checksum, so that the work cannot be
/// dropped by the compiler.
pub trait Body {
    /// Performs operation number `i` of the batch.
    fn op(&mut self, i: u64) -> u64;

    /// After how many operations the work repeats itself; batches are whole repetitions.
    fn cycle_ops(&self) -> u64 {
        1
    }

    /// What the body learned beside time (fragmentation, hit rate); read after the timed passes.
    fn facts(&mut self) -> Vec<Fact> {
        Vec::new()
    }
}

/// A body as all that is around the loop sees it: one copy of that serves every body. The operation is not among these,
/// because the compiler does not inline into the loop what can be called through a table, too.
trait Ops {
    /// Operations `first` to `first + ops` in the loop.
    fn run(&mut self, first: u64, ops: u64) -> u64;

    /// As [`Body::cycle_ops`].
    fn cycle_ops(&self) -> u64;

    /// As [`Body::facts`].
    fn facts(&mut self) -> Vec<Fact>;
}

impl<B: Body> Ops for B {
    fn run(&mut self, first: u64, ops: u64) -> u64 {
        run_ops(self, first, ops)
    }

    fn cycle_ops(&self) -> u64 {
        Body::cycle_ops(self)
    }

    fn facts(&mut self) -> Vec<Fact> {
        Body::facts(self)
    }
}

impl<F: FnMut(u64) -> u64> Body for F {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        self(i)
    }
}

/// A named value that a case reports beside its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Name, units last: `fragmentation_percent`.
    pub name: String,
    /// Unit as printed.
    pub unit: String,
    /// The value.
    pub value: f64,
}

impl Fact {
    /// A named value in its unit.
    pub fn new(name: &str, unit: &str, value: f64) -> Self {
        Self { name: name.into(), unit: unit.into(), value }
    }
}

/// One timed run of `ops` operations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch {
    /// Time of the whole region, the clock's own cost subtracted.
    pub elapsed_ns: f64,
    /// Median latency from the planned start, where operations arrive by plan: the region is as long as the plan, whatever
    /// an operation takes.
    pub latency_ns: Option<f64>,
    /// Fold of all that the operations returned.
    pub checksum: u64,
    /// Line bounce of the two threads right before and after, where two cores took part.
    pub bounce: Option<Bounce>,
}

impl Batch {
    /// What the batch says that a unit of work takes, of `units` in it: the row's figure.
    pub fn ns_per_unit(&self, units: f64) -> f64 {
        self.latency_ns.unwrap_or(self.elapsed_ns / units)
    }
}

/// Something that can be timed a batch at a time, by one clock as long as it lives.
pub trait Case {
    /// Runs `ops` operations between two clock readings.
    fn batch(&mut self, ops: u64, clock: &Clock) -> Batch;

    /// Runs `ops` operations with a clock reading around each, kept in `into`.
    fn stamped(&mut self, ops: u64, clock: &Clock, into: &mut Stamps) -> Batch;

    /// How many units of work one operation is (two hops in a round trip).
    fn units_per_op(&self) -> f64 {
        1.0
    }

    /// After how many operations the work repeats itself; batches are whole repetitions.
    fn cycle_ops(&self) -> u64 {
        1
    }

    /// Whether all of its bodies run in this process, where counters see them.
    fn is_of_one_process(&self) -> bool {
        true
    }

    /// What the bodies learned beside time.
    fn facts(&mut self) -> Vec<Fact> {
        Vec::new()
    }
}

/// Folds a value into a checksum so that neither can be computed away, without touching memory: an empty `asm` that
/// claims to change the register and all memory.
#[inline(always)]
pub fn fold(checksum: u64, value: u64) -> u64 {
    opaque(checksum.rotate_left(1) ^ value)
}

/// Hides a value and all memory from the optimiser at no instruction's cost.
#[inline(always)]
pub fn opaque(value: u64) -> u64 {
    #[cfg(all(not(miri), not(loom), any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let mut value = value;
        // SAFETY: the template is empty: no instruction runs, the operands only bind the optimiser.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) value, options(nostack, preserves_flags)) };
        value
    }
    #[cfg(not(all(not(miri), not(loom), any(target_arch = "x86_64", target_arch = "aarch64"))))]
    std::hint::black_box(value)
}

/// The loop: operations `first` to `first + ops`, nothing else. The only place that calls a body's operation, and never
/// inlined: one copy of its machine code serves batches and stamps on every clock, and a compiler that sees one call
/// inlines the operation into it as it would into a loop written by hand.
#[inline(never)]
fn run_ops<B: Body>(body: &mut B, first: u64, ops: u64) -> u64 {
    let mut checksum = 0;
    for i in first..first + ops {
        checksum = fold(checksum, body.op(i));
    }
    checksum
}

/// A chain of `spins` dependent multiplications: the slowdown that a self-test injects. None in earnest.
#[inline(always)]
fn delay(spins: u64) {
    let mut value = 1;
    for _ in 0..spins {
        value = opaque(value).wrapping_mul(3);
    }
    opaque(value);
}

/// A batch between two readings.
#[inline(always)]
fn timed_ops<C: Source>(source: &C, body: &mut dyn Ops, ops: u64, spins: u64) -> (u64, u64, u64) {
    let start = source.start();
    source.enter();
    let checksum = body.run(0, ops);
    source.leave();
    delay(spins);
    let stop = source.stop(ops);
    (start, stop, checksum)
}

/// The stamped loop: a reading on each side of every operation, the difference kept.
#[inline(always)]
fn stamped_ops<C: Source>(source: &C, body: &mut dyn Ops, ops: u64, mut keep: impl FnMut(u64, u64)) -> u64 {
    let mut checksum = 0;
    for i in 0..ops {
        let start = source.start();
        let value = body.run(i, 1);
        let stop = source.stop(1);
        checksum = fold(checksum, value);
        keep(start, stop);
    }
    checksum
}
