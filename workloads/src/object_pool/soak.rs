//! What shows over many operations or many objects rather than in the time of one: growth of the process, and memory lost
//! to rounding.

use super::payload::Payload;
use super::pool::Source;
use crate::pages::resident;
use perfbench_harness::case::Fact;
use perfbench_harness::clock::{Clock, ClockChoice, Source as _};
use perfbench_harness::on_clock;

/// Operations of a soak, and of a tenth of it, which runs before to bring memory to where it stays.
const OPERATIONS: u64 = if cfg!(debug_assertions) { 10_000 } else { 100_000_000 };

/// Runs the soak and says how much the process grew and what that comes to in an hour.
pub fn facts<S: Source>(source: &S) -> Vec<Fact> {
    run(source, OPERATIONS / 10);
    let Some(before) = resident::of_process() else { return Vec::new() };
    let clock = Clock::open(ClockChoice::Best);
    let elapsed_ns = on_clock!(clock, time => {
        let start = time.start();
        run(source, OPERATIONS);
        clock.region_ns(start, time.stop(0))
    });
    let Some(after) = resident::of_process() else { return Vec::new() };
    let (growth_bytes, hours) = (after as f64 - before as f64, elapsed_ns / 3.6e12);
    vec![
        Fact::new("soak_operations", "operations", OPERATIONS as f64),
        Fact::new("soak_s", "s", elapsed_ns / 1e9),
        Fact::new("growth_bytes", "B", growth_bytes),
        Fact::new("growth_mb_per_hour", "MB/h", growth_bytes / 1e6 / hours),
    ]
}

/// Two loans at a time and every sixteenth time forty, so that whatever a pool exchanges is exchanged.
fn run<S: Source>(source: &S, operations: u64) {
    let mut held = Vec::with_capacity(40);
    let mut done = 0;
    while done < operations {
        let burst = if done % 16 == 0 { 40 } else { 2 };
        for value in 0..burst {
            let mut object = source.take().expect("few are on loan");
            object.touch(value);
            held.push(object);
        }
        held.clear();
        done += burst;
    }
}

/// Share of the allocator's memory that is lost to rounding and to its header: for a pool of one size, and for sizes from
/// 16 to 1,024 bytes, each as often as any other.
pub fn fragmentation() -> Vec<Fact> {
    let one = lost_percent(std::iter::repeat_n(1024, 1));
    let mixed = lost_percent(16..=1024);
    let fact = |name, percent: Option<f64>| percent.map(|percent| Fact::new(name, "%", percent));
    [fact("fragmentation_percent", one), fact("mixed_fragmentation_percent", mixed)]
        .into_iter()
        .flatten()
        .collect()
}

fn lost_percent(sizes: impl Iterator<Item = usize> + Clone) -> Option<f64> {
    let asked: usize = sizes.clone().sum();
    let held = sizes.map(block_bytes).sum::<Option<usize>>()?;
    Some(100.0 * (held - asked) as f64 / held as f64)
}

/// Bytes of the allocator's memory that an allocation of a size takes, its header with it: the least of several, because what
/// is left of a freed block may be handed out whole.
#[cfg(all(target_env = "gnu", not(miri)))]
fn block_bytes(size: usize) -> Option<usize> {
    let blocks: [Vec<u8>; 16] = std::array::from_fn(|_| Vec::with_capacity(size));
    // SAFETY: the block is allocated and is not freed before the end of this function.
    let usable = |block: &Vec<u8>| unsafe { libc::malloc_usable_size(block.as_ptr().cast_mut().cast()) };
    blocks.iter().map(usable).min().map(|usable| usable + size_of::<usize>())
}

/// Only glibc says how large a block is and has one word of header.
#[cfg(not(all(target_env = "gnu", not(miri))))]
fn block_bytes(_: usize) -> Option<usize> {
    None
}
