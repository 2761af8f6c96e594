//! What a pilot teaches: the outer callers of each thread, how much of a stack must be copied, and whether frame pointers
//! tell the same as the call frame information. With that the callers of every later sample are settled.

use super::standing::Standing;
use super::taken::{Setting, Stack};
use super::told::Settled;
use super::unwind::Chain;
use super::{PILOT_STACK_BYTES, Unwinding};
use std::collections::BTreeMap;

/// Share of the pilot's samples for which frame pointers must tell the truth to be relied on.
const RELIABLE_SHARE: f64 = 0.99;

/// Bytes of stack beyond twice what the pilot needed: a function that it did not meet may lie deeper.
const SPARE_BYTES: u64 = 1024;

/// What the pilot taught.
#[derive(Debug, Default)]
pub struct Outer {
    by_thread: BTreeMap<u32, Standing>,
    stack_bytes: u32,
    pointers_share: f64,
}

impl Outer {
    /// From the pilot's samples, which have both kinds of chains.
    pub fn of(pilot: &[Stack]) -> Self {
        let mut chains: BTreeMap<u32, Vec<&Chain>> = BTreeMap::new();
        for stack in pilot {
            chains.entry(stack.thread).or_default().push(&stack.frames);
        }
        let standing = chains.into_iter().map(|(thread, chains)| (thread, Standing::of(chains.into_iter())));
        let mut outer = Self { by_thread: standing.collect(), ..Self::default() };
        outer.stack_bytes = outer.enough_bytes(pilot);
        outer.pointers_share = outer.truthful_pointers(pilot);
        outer
    }

    /// The kind of unwinding that makes stacks whole, where the choice is left to us.
    pub fn choose(&self, wanted: Unwinding) -> Unwinding {
        match wanted {
            Unwinding::Best if self.pointers_share >= RELIABLE_SHARE => Unwinding::FramePointers,
            Unwinding::Best => Unwinding::Dwarf,
            named => named,
        }
    }

    /// What a sampler must bring. Where `copied`, frame pointers too are followed in a copy of the stack.
    pub fn setting(&self, pilot: Setting, unwinding: Unwinding, copied: bool) -> Setting {
        let pointers = unwinding == Unwinding::FramePointers;
        let stack_bytes = if pointers && !copied { 0 } else { self.stack_bytes };
        Setting { pointers, stack_bytes, ..pilot }
    }

    /// The callers of one sample, of the thread with the given index.
    pub fn settle(&self, thread: u32, stack: Stack, unwinding: Unwinding) -> Settled {
        let mut chain = match unwinding {
            Unwinding::FramePointers => stack.pointers.clone(),
            Unwinding::Best | Unwinding::Dwarf => stack.frames.clone(),
        };
        let whole = self.complete(stack.thread, &mut chain);
        Settled { thread, stack, steps: chain.steps, whole }
    }

    fn complete(&self, thread: u32, chain: &mut Chain) -> bool {
        match self.by_thread.get(&thread) {
            Some(standing) => standing.complete(chain),
            None => chain.ended,
        }
    }

    /// Twice the deepest that the pilot met, and some; all that can be had where a thread's outer callers are not known.
    fn enough_bytes(&self, pilot: &[Stack]) -> u32 {
        let reach = |stack: &Stack| self.by_thread[&stack.thread].reach_bytes(&stack.frames);
        let deepest = pilot.iter().filter_map(reach).max();
        let enough = deepest.map_or(u64::MAX, |bytes| (2 * bytes + SPARE_BYTES).next_multiple_of(8));
        enough.min(u64::from(PILOT_STACK_BYTES)) as u32
    }

    fn truthful_pointers(&self, pilot: &[Stack]) -> f64 {
        let truthful = pilot.iter().filter(|stack| {
            let (mut pointers, mut frames) = (stack.pointers.clone(), stack.frames.clone());
            let whole =
                self.complete(stack.thread, &mut pointers) && self.complete(stack.thread, &mut frames);
            let addresses = |chain: &Chain| chain.steps.iter().map(|step| step.address).collect::<Vec<_>>();
            whole && addresses(&pointers) == addresses(&frames)
        });
        truthful.count() as f64 / pilot.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::super::unwind::Step;
    use super::*;

    /// A sample at `leaf`, called from 60 and 70, whose frame pointers lead along `pointers`.
    fn stack(leaf: u64, sp: u64, pointers: &[u64]) -> Stack {
        let step = |(address, sp)| Step { address, sp };
        let frames = [(leaf, sp), (60, 900), (70, 950)].map(step).to_vec();
        let pointers = pointers.iter().map(|address| step((*address, 0))).collect();
        Stack {
            thread: 7,
            frames: Chain { steps: frames, ended: true, cut: false },
            pointers: Chain { steps: pointers, ..Chain::default() },
            ..Stack::default()
        }
    }

    const PILOT: Setting =
        Setting { hz: 1000.0, pointers: true, stack_bytes: PILOT_STACK_BYTES, ring_bytes: 4096 };

    #[test]
    fn frame_pointers_are_chosen_where_they_tell_what_the_call_frame_information_tells() {
        let outer = Outer::of(&[stack(1, 800, &[1, 60, 70]), stack(2, 700, &[2, 60])]);
        assert_eq!(outer.choose(Unwinding::Best), Unwinding::FramePointers);
        assert_eq!(outer.choose(Unwinding::Dwarf), Unwinding::Dwarf);
        assert_eq!(outer.setting(PILOT, Unwinding::FramePointers, false).stack_bytes, 0);
    }

    #[test]
    fn where_they_skip_a_caller_stacks_are_copied_as_deep_as_the_pilot_needed_twice_over() {
        let outer = Outer::of(&[stack(1, 800, &[1, 70]), stack(2, 700, &[2])]);
        assert_eq!(outer.choose(Unwinding::Best), Unwinding::Dwarf);
        assert_eq!(outer.setting(PILOT, Unwinding::Dwarf, false).stack_bytes, 2 * 200 + 1024);
        assert_eq!(outer.setting(PILOT, Unwinding::FramePointers, true).stack_bytes, 2 * 200 + 1024);
    }

    #[test]
    fn a_thread_that_the_pilot_did_not_meet_must_end_by_itself() {
        let outer = Outer::of(&[stack(1, 800, &[])]);
        let stranger = Stack { thread: 8, ..stack(3, 100, &[]) };
        assert!(outer.settle(1, stranger.clone(), Unwinding::Dwarf).whole);
        let cut = Chain { ended: false, ..stranger.frames.clone() };
        assert!(!outer.settle(1, Stack { frames: cut, ..stranger }, Unwinding::Dwarf).whole);
    }

    #[test]
    fn a_pilot_without_samples_leaves_the_safe_choice() {
        let outer = Outer::of(&[]);
        assert_eq!(outer.choose(Unwinding::Best), Unwinding::Dwarf);
        assert_eq!(outer.setting(PILOT, Unwinding::Dwarf, false).stack_bytes, PILOT_STACK_BYTES);
    }
}
