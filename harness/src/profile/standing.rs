//! The outer callers of a thread, which stand still while it is sampled: known once, they complete every stack that
//! reaches them, so that a sample need not hold more of the stack than lies inside of them.

use super::unwind::{Chain, Step};
use std::collections::BTreeMap;

/// Share of the chains that must stop at one place for it to be the end of all.
const NEARLY_ALL: f64 = 0.99;

/// The outer callers of one thread, the innermost first; empty where they are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing(Vec<Step>);

impl Standing {
    /// What the chains of a thread have in common at their outer end, of those that ended where most of them did. Some C
    /// libraries say nothing of the functions that start a thread: where no chain ends by itself, the one place where nearly
    /// all of them stop, with stack left, is the end.
    pub fn of<'a>(chains: impl Iterator<Item = &'a Chain>) -> Self {
        let chains: Vec<&Chain> = chains.collect();
        let most = most_by_end(chains.iter().filter(|chain| chain.ended));
        let most = match most.is_empty() {
            true => most_by_end(chains.iter().filter(|chain| !chain.cut)),
            false => most,
        };
        let one_place =
            chains.iter().any(|chain| chain.ended) || most.len() as f64 >= NEARLY_ALL * chains.len() as f64;
        let standing = most.into_iter().map(<[Step]>::to_vec).reduce(common_end);
        Self(standing.filter(|_| one_place).unwrap_or_default())
    }

    /// Bytes of the stack that a chain needs to reach the standing callers; none where it does not.
    pub fn reach_bytes(&self, chain: &Chain) -> Option<u64> {
        let (inner, _) = self.meets(&chain.steps)?;
        chain.steps[inner].sp.checked_sub(chain.steps[0].sp)
    }

    /// Puts the standing callers in place of what the chain has from the first of them on; whether it has one.
    pub fn complete(&self, chain: &mut Chain) -> bool {
        let Some((inner, standing)) = self.meets(&chain.steps) else {
            return self.0.is_empty() && chain.ended;
        };
        chain.steps.truncate(inner);
        chain.steps.extend_from_slice(&self.0[standing..]);
        true
    }

    /// Where a chain first comes upon the standing callers, in both.
    fn meets(&self, steps: &[Step]) -> Option<(usize, usize)> {
        let same = |step: &Step| self.0.iter().position(|own| is_same(own, step));
        steps.iter().enumerate().skip(1).find_map(|(index, step)| Some((index, same(step)?)))
    }
}

/// A chain of frame pointers does not say where in the stack its callers are.
fn is_same(own: &Step, step: &Step) -> bool {
    own.address == step.address && (step.sp == 0 || step.sp == own.sp)
}

/// The callers of the chains that end where most of them do.
fn most_by_end<'a>(chains: impl Iterator<Item = &'a &'a Chain>) -> Vec<&'a [Step]> {
    let mut by_end: BTreeMap<Option<Step>, Vec<&[Step]>> = BTreeMap::new();
    for chain in chains {
        let callers = &chain.steps[1..];
        by_end.entry(callers.last().copied()).or_default().push(callers);
    }
    by_end.into_values().max_by_key(Vec::len).unwrap_or_default()
}

fn common_end(a: Vec<Step>, b: Vec<Step>) -> Vec<Step> {
    let length = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    a[a.len() - length..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(steps: &[(u64, u64)], ended: bool) -> Chain {
        Chain {
            steps: steps.iter().map(|(address, sp)| Step { address: *address, sp: *sp }).collect(),
            ended,
            cut: false,
        }
    }

    fn standing() -> Standing {
        let hot = chain(&[(1, 10), (50, 20), (60, 80), (70, 90)], true);
        let other = chain(&[(2, 40), (55, 50), (60, 80), (70, 90)], true);
        let lost = chain(&[(3, 40), (55, 50)], false);
        let astray = chain(&[(3, 40), (99, 44)], true);
        Standing::of([hot, other, lost, astray].iter())
    }

    #[test]
    fn the_outer_part_that_most_chains_share_stands_still() {
        assert_eq!(standing(), Standing(chain(&[(60, 80), (70, 90)], true).steps));
    }

    #[test]
    fn a_chain_that_ran_out_of_stack_is_completed_from_where_it_meets_them() {
        let mut short = chain(&[(4, 30), (57, 40), (60, 80)], false);
        assert_eq!(standing().reach_bytes(&short), Some(50));
        assert!(standing().complete(&mut short));
        assert_eq!(short.steps, chain(&[(4, 30), (57, 40), (60, 80), (70, 90)], true).steps);
    }

    #[test]
    fn a_caller_of_the_same_address_elsewhere_in_the_stack_is_another() {
        let mut deep = chain(&[(4, 30), (60, 40), (58, 50)], false);
        assert_eq!((standing().complete(&mut deep), deep.steps.len()), (false, 3));
    }

    #[test]
    fn frame_pointers_meet_them_by_address_and_lose_what_they_led_to_beyond() {
        let mut pointers = chain(&[(4, 0), (60, 0), (0xbad, 0)], false);
        assert!(standing().complete(&mut pointers));
        assert_eq!(pointers.steps.iter().map(|step| step.address).collect::<Vec<_>>(), [4, 60, 70]);
    }

    #[test]
    fn where_no_chain_ends_by_itself_the_place_where_all_stop_is_the_end() {
        let stopped = |leaf| chain(&[(leaf, 10), (50 + leaf, 20), (60, 80), (70, 90)], false);
        let chains = [stopped(1), stopped(2)];
        assert_eq!(Standing::of(chains.iter()), Standing(chain(&[(60, 80), (70, 90)], true).steps));
        let astray = chain(&[(3, 40), (99, 44)], false);
        assert_eq!(Standing::of([&chains[0], &chains[1], &astray].into_iter()), Standing::default());
        let cut = chains.clone().map(|chain| Chain { cut: true, ..chain });
        assert_eq!(Standing::of(cut.iter()), Standing::default(), "there is more of the stack");
    }

    #[test]
    fn where_nothing_is_known_to_stand_still_a_chain_must_end_by_itself() {
        let unknown = Standing::default();
        assert!(unknown.complete(&mut chain(&[(4, 30), (60, 40)], true)));
        assert!(!unknown.complete(&mut chain(&[(4, 30), (60, 40)], false)));
    }
}
