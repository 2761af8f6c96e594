//! Folded stacks: a line a stack, outermost caller first, frames parted by semicolons, then the count. What
//! flamegraph.pl, inferno and speedscope read.

use super::tally::frames;
use perfbench_harness::record::{Profile, Sample};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The stacks in alphabetical order. Where several threads were sampled, each stack begins with its thread's name.
pub fn render(profile: &Profile) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_stack: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    profile.samples.iter().for_each(|sample| *by_stack.entry(key(sample)).or_insert(0) += 1);
    for ((thread, stack), count) in by_stack {
        *counts.entry(line(profile, thread, stack)).or_insert(0) += count;
    }
    let mut text = String::new();
    for (line, count) in counts {
        writeln!(text, "{line} {count}").expect("a string takes it");
    }
    text
}

fn key(sample: &Sample) -> (u32, u32) {
    (sample.thread, sample.stack)
}

fn line(profile: &Profile, thread: u32, stack: u32) -> String {
    let thread = (profile.threads.len() > 1).then(|| profile.threads[thread as usize].as_str());
    let functions = frames(profile, stack).map(|frame| frame.function.as_str());
    thread.into_iter().chain(functions).map(plain).collect::<Vec<_>>().join(";")
}

/// A name without what parts frames and lines: Rust writes semicolons in array types.
fn plain(name: &str) -> String {
    name.replace("; ", ", ").replace(';', ",").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::fixture;
    use perfbench_harness::record::Frame;

    #[test]
    fn the_folded_stacks_of_the_fixture_are_the_golden() {
        insta::assert_snapshot!(render(&fixture::profile()));
    }

    #[test]
    fn folded_stacks_read_back_hold_every_sample_and_every_frame() {
        let profile = fixture::profile();
        let mut samples = 0;
        for line in render(&profile).lines() {
            let (stack, count) = line.rsplit_once(' ').unwrap();
            let names: Vec<&str> = stack.split(';').skip(1).collect();
            let count: usize = count.parse().unwrap();
            let is_it = |sample: &&Sample| {
                frames(&profile, sample.stack).map(|f| plain(&f.function)).collect::<Vec<_>>() == names
            };
            assert_eq!(profile.samples.iter().filter(is_it).count(), count, "{line}");
            samples += count;
        }
        assert_eq!(samples, profile.samples.len());
    }

    #[test]
    fn one_thread_needs_no_name_and_no_name_breaks_a_line() {
        let mut profile = fixture::profile();
        profile.threads.truncate(1);
        profile.samples.retain(|sample| sample.thread == 0);
        profile.frames[0] = Frame { function: "a;b\nc".into(), ..Frame::default() };
        let text = render(&profile);
        assert!(text.lines().any(|line| line.starts_with("a,b c;")), "{text}");
    }
}
