//! What a sampler brings back, and what both samplers have in common: the settings, and unwinding as samples come in.

use super::modules::Modules;
use super::ring::Sample;
use super::unwind::{Chain, Step, Unwinder, frame_pointers};
use crate::clock::Bracket;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a sampler is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Samples in a second of each thread's running time.
    pub hz: f64,
    /// Whether chains of frame pointers are followed.
    pub pointers: bool,
    /// Bytes of stack copied with each sample, a multiple of eight; none are where it is zero.
    pub stack_bytes: u32,
    /// Bytes of each thread's ring at most.
    pub ring_bytes: usize,
}

/// Something that takes samples of the threads of this process while they are inside of its bracket.
pub trait Sampler {
    /// Goes around each thread's operations.
    fn bracket(&self) -> Arc<dyn Bracket>;

    /// Ends sampling; no thread is inside of the bracket any more.
    fn take(self: Box<Self>) -> Taken;
}

/// What came of sampling.
#[derive(Debug, Default)]
pub struct Taken {
    /// The samples, thread by thread in order of time.
    pub stacks: Vec<Stack>,
    /// Samples that had no room; none where the kernel does not say.
    pub lost: Option<u64>,
    /// Time on a CPU inside of the bracket, all threads together, ns.
    pub task_clock_ns: f64,
    /// Share of what the clock counted that the samples stand for, lost ones too.
    pub covered: f64,
    /// Whether samples in the kernel are among them.
    pub with_kernel: bool,
    /// What the samples lack, a sentence each.
    pub notes: Vec<String>,
}

/// One sample with its callers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// The thread's number in the system.
    pub thread: u32,
    /// `CLOCK_MONOTONIC`, ns.
    pub time_ns: u64,
    /// How many events it stands for; zero where all stand for as many.
    pub period: u64,
    /// The instruction, where it is one of the kernel.
    pub in_kernel: Option<u64>,
    /// Callers by the call frame information; empty where no stack was copied.
    pub frames: Chain,
    /// Callers by frame pointers; empty where they were not followed.
    pub pointers: Chain,
}

/// Unwinds samples as they come in.
pub struct Collector {
    unwinder: Unwinder,
    stacks: Vec<Stack>,
}

impl Collector {
    /// For code of the modules.
    pub fn new(modules: &Modules) -> Self {
        Self { unwinder: Unwinder::new(modules), stacks: Vec::new() }
    }

    /// Takes one sample.
    pub fn add(&mut self, sample: &Sample<'_>) {
        let registers = sample.registers.filter(|_| !sample.stack.is_empty());
        let frames = registers.map(|registers| self.unwinder.chain(registers, sample.stack));
        self.stacks.push(Stack {
            thread: sample.thread,
            time_ns: sample.time_ns,
            period: sample.period,
            in_kernel: sample.in_kernel.then_some(sample.ip),
            frames: frames.unwrap_or_default(),
            pointers: unplaced(&sample.chain),
        });
    }

    /// Takes one sample whose frame pointers lie in its copy of the stack.
    pub fn add_following_pointers(&mut self, sample: Sample<'_>) {
        let chain = sample.registers.map(|registers| frame_pointers(registers, sample.stack));
        self.add(&Sample { chain: chain.unwrap_or_default(), ..sample });
    }

    /// All that came in.
    pub fn finish(self) -> Vec<Stack> {
        self.stacks
    }
}

/// Takes out the samples that stand for less than half of the events that a sample of their thread does in the middle:
/// those that a counter makes in quick succession until it has found the period for the rate that was asked for.
/// How many there were.
pub fn drop_unsettled(stacks: &mut Vec<Stack>) -> usize {
    let mut periods: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    stacks.iter().for_each(|stack| periods.entry(stack.thread).or_default().push(stack.period));
    let middle = |mut periods: Vec<u64>| {
        periods.sort_unstable();
        periods[periods.len() / 2]
    };
    let middles: BTreeMap<u32, u64> =
        periods.into_iter().map(|(thread, periods)| (thread, middle(periods))).collect();
    let before = stacks.len();
    stacks.retain(|stack| stack.period >= middles[&stack.thread] / 2);
    before - stacks.len()
}

fn unplaced(addresses: &[u64]) -> Chain {
    Chain {
        steps: addresses.iter().map(|address| Step { address: *address, sp: 0 }).collect(),
        ..Chain::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_a_period_that_has_not_settled_are_taken_out_thread_by_thread() {
        let stack = |(thread, period)| Stack { thread, period, ..Stack::default() };
        let settling = [(1, 1), (1, 40), (1, 1000), (1, 600), (1, 1100), (2, 10), (2, 12), (2, 9)];
        let mut stacks: Vec<Stack> = settling.map(stack).to_vec();
        assert_eq!(drop_unsettled(&mut stacks), 2);
        let kept = [(1, 1000), (1, 600), (1, 1100), (2, 10), (2, 12), (2, 9)];
        assert_eq!(stacks, kept.map(stack));
    }

    #[test]
    fn samples_that_all_stand_for_as_much_are_kept() {
        let mut stacks = vec![Stack::default(); 3];
        assert_eq!((drop_unsettled(&mut stacks), stacks.len()), (0, 3));
        assert_eq!(drop_unsettled(&mut Vec::new()), 0);
    }
}
