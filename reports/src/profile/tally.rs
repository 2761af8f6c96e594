//! Samples counted by function: how often it was the one that ran, and how often it was anywhere in the stack.

use perfbench_harness::record::{Frame, Profile, Sample};
use perfbench_harness::stats::Interval;
use perfbench_harness::stats::proportion::wilson;
use std::collections::{BTreeMap, BTreeSet};

/// The samples of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function<'a> {
    /// Demangled name.
    pub name: &'a str,
    /// Executable or library that holds it.
    pub module: &'a str,
    /// Samples in which it ran itself.
    pub own: usize,
    /// Samples in which it stood anywhere in the stack, once however often it called itself.
    pub total: usize,
    /// Whether every one of its frames was inlined into its caller.
    pub inlined: bool,
}

/// The functions of some samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally<'a> {
    /// Those in which most samples were taken first.
    pub functions: Vec<Function<'a>>,
    /// Samples in all.
    pub samples: usize,
    /// Samples whose stack is whole.
    pub whole: usize,
}

/// Counts all samples.
pub fn tally(profile: &Profile) -> Tally<'_> {
    tally_of(profile, |_| true)
}

/// Counts the samples of one thread.
pub fn tally_of_thread(profile: &Profile, thread: usize) -> Tally<'_> {
    tally_of(profile, |sample| sample.thread as usize == thread)
}

fn tally_of(profile: &Profile, wanted: impl Fn(&Sample) -> bool) -> Tally<'_> {
    let samples: Vec<&Sample> = profile.samples.iter().filter(|sample| wanted(sample)).collect();
    let mut functions: BTreeMap<(&str, &str), Function<'_>> = BTreeMap::new();
    for (stack, count) in by_stack(&samples) {
        let frames: Vec<&Frame> = frames(profile, stack).collect();
        let mut seen = BTreeSet::new();
        for (index, frame) in frames.iter().enumerate() {
            let key = (frame.function.as_str(), frame.module.as_str());
            let (name, module) = key;
            let fresh = Function { name, module, own: 0, total: 0, inlined: true };
            let function = functions.entry(key).or_insert(fresh);
            function.own += if index + 1 == frames.len() { count } else { 0 };
            function.total += if seen.insert(key) { count } else { 0 };
            function.inlined &= frame.inlined;
        }
    }
    let mut functions: Vec<_> = functions.into_values().collect();
    functions.sort_by(|a, b| (b.own, b.total, a.name).cmp(&(a.own, a.total, b.name)));
    let whole = samples.iter().filter(|sample| sample.whole).count();
    Tally { functions, samples: samples.len(), whole }
}

fn by_stack(samples: &[&Sample]) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    samples.iter().for_each(|sample| *counts.entry(sample.stack).or_insert(0) += 1);
    counts
}

/// The frames of a stack, the outermost caller first.
pub fn frames(profile: &Profile, stack: u32) -> impl DoubleEndedIterator<Item = &Frame> {
    profile.stacks[stack as usize].iter().map(|index| &profile.frames[*index as usize])
}

impl Tally<'_> {
    /// The share of some of the samples with its 95 % band.
    pub fn share(&self, samples: usize) -> Interval {
        wilson(samples, self.samples, 0.95)
    }

    /// Samples in which a function ran itself; none where it is not among them.
    pub fn own(&self, name: &str, module: &str) -> usize {
        self.functions.iter().find(|f| (f.name, f.module) == (name, module)).map_or(0, |f| f.own)
    }
}

/// Time on a CPU for one operation, all threads together, ns; none where no operation was counted.
pub fn ns_per_op(profile: &Profile) -> Option<f64> {
    (profile.ops > 0).then(|| profile.task_clock_ns / profile.ops as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;

    #[test]
    fn a_function_counts_once_in_a_stack_however_often_it_called_itself() {
        let mut profile = fixture::profile();
        let leaf = *profile.stacks[0].last().unwrap();
        profile.stacks[0].extend([leaf, leaf]);
        let (plain, deep) = (fixture::profile(), profile);
        assert_eq!(tally(&plain), tally(&deep));
    }

    #[test]
    fn own_samples_add_up_to_all_and_no_total_is_smaller_than_what_is_its_own() {
        let profile = fixture::profile();
        let all = tally(&profile);
        assert_eq!(all.functions.iter().map(|function| function.own).sum::<usize>(), all.samples);
        assert!(all.functions.iter().all(|function| function.total >= function.own));
    }

    #[test]
    fn the_samples_of_the_threads_add_up_to_all() {
        let profile = fixture::profile();
        let threads: usize =
            (0..profile.threads.len()).map(|thread| tally_of_thread(&profile, thread).samples).sum();
        assert_eq!(threads, profile.samples.len());
    }
}
