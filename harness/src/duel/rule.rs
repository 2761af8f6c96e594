//! The sequential rule that decides on two builds from the log ratios of their launches. Pure: when to look, what is seen,
//! and what follows from it; nothing here starts a process.
//!
//! Under no change the two processes of a launch are exchangeable, so their log ratio is symmetric about zero however
//! many modes a process can be born into; under a slowdown it is symmetric about that. So the signed-rank test and the
//! Hodges-Lehmann estimate hold exactly, with few launches and with bistable ones, where a bootstrap of medians does not.

use crate::stats::rank::hodges_lehmann_interval;
use crate::stats::sequential::{self, Spending};
use serde::{Deserialize, Deserializer, Serialize};
use std::sync::Mutex;

/// When to look at the launches so far, and what is then called slower or not. Sizes are shares: 0.02 is 2 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// The slowdown that is to be found.
    pub min_effect: f64,
    /// What is not held against a candidate: a verdict of slower needs the whole interval above it.
    pub tolerated: f64,
    /// Numbers of launches after which it looks, ascending.
    pub looks: Vec<u32>,
    /// Chance, over all looks, of a verdict of slower where the slowdown is just what is tolerated.
    pub alpha: f64,
    /// Chance, over all looks, of passing a slowdown of just [`Rule::pass_below`].
    pub beta: f64,
    /// Time after which the launches so far must do, seconds.
    pub cap_s: f64,
}

/// The one-sided levels of each look, of `alpha` and of `beta`.
#[derive(Debug, Clone, PartialEq)]
pub struct Levels(Vec<(f64, f64)>);

static KEPT: Mutex<Option<(Rule, Levels)>> = Mutex::new(None);

/// What was seen at one look, as log ratios of candidate over base.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Launches so far.
    pub launches: u32,
    /// Log ratio: the Hodges-Lehmann estimate.
    pub estimate: f64,
    /// Lower bound that a verdict of slower must clear, at this look's share of `alpha`; unbounded is infinity, which JSON
    /// has no word for but `null`.
    #[serde(deserialize_with = "unbounded_below")]
    pub low: f64,
    /// Upper bound that a pass must stay below, at this look's share of `beta`; unbounded as above.
    #[serde(deserialize_with = "unbounded_above")]
    pub high: f64,
}

fn unbounded_below<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(source)?.unwrap_or(f64::NEG_INFINITY))
}

fn unbounded_above<'de, D: Deserializer<'de>>(source: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(source)?.unwrap_or(f64::INFINITY))
}

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The candidate is slower by more than is tolerated.
    Slower,
    /// The candidate is faster by as much.
    Faster,
    /// A change of the size that is looked for is excluded.
    Same,
    /// The launches differ too much to say.
    Unresolved,
}

/// Where the same code links in many ways: what remains of layout after averaging over them is far below this.
const TOLERATED: f64 = 0.005;

/// Where there is one link of each side: re-linking alone moves time by so much.
const TOLERATED_ONE_LINK: f64 = 0.03;

/// The smallest slowdown that is looked for then.
const LEAST_ONE_LINK: f64 = 0.05;

/// Launches are cheap, so there are many short ones: each look doubles what is known.
const LOOKS: [u32; 5] = [16, 32, 64, 128, 256];

const ALPHA: f64 = 0.005;
const BETA: f64 = 0.025;
const CAP_S: f64 = 3.0;

impl Rule {
    /// The rule for sides whose launches run many links of the same code.
    pub fn relinked(min_effect: f64) -> Self {
        let tolerated = TOLERATED.min(min_effect / 4.0);
        Self { min_effect, tolerated, looks: LOOKS.to_vec(), alpha: ALPHA, beta: BETA, cap_s: CAP_S }
    }

    /// The rule for sides of one link each: layout may be all that differs, up to [`TOLERATED_ONE_LINK`].
    pub fn one_link(min_effect: f64) -> Self {
        let relinked = Self::relinked(min_effect);
        let min_effect = min_effect.max(LEAST_ONE_LINK);
        Self { tolerated: TOLERATED_ONE_LINK, min_effect, ..relinked }
    }

    /// The rule for one and the same file on both sides, where layout cannot differ.
    pub fn same_file(min_effect: f64) -> Self {
        Self::relinked(min_effect)
    }

    /// The rule for repeating a verdict of slower on fresh launches, one of `rows` that share the error `alpha`.
    pub fn confirming(&self, alpha: f64, rows: usize) -> Self {
        let alpha = (alpha / rows.max(1) as f64).min(self.alpha);
        Self { alpha, looks: self.looks.iter().copied().skip(1).collect(), ..self.clone() }
    }

    /// A slower estimate is needed for a verdict of slower: halfway between what is tolerated and what is looked for.
    pub fn fail_above(&self) -> f64 {
        (self.tolerated + self.min_effect) / 2.0
    }

    /// A pass needs the upper bound below this: two thirds of the way to what is looked for.
    pub fn pass_below(&self) -> f64 {
        (self.tolerated + 2.0 * self.min_effect) / 3.0
    }

    /// What launches show, at the error that look number `index` may spend. Where time ended before the first look was
    /// due, nothing is spent yet and this look may spend all.
    pub fn look(&self, levels: &Levels, index: usize, last: bool, log_ratios: &[f64]) -> Look {
        let early = last && index == 0;
        let (alpha, beta) = if early { (self.alpha, self.beta) } else { levels.0[index] };
        let bound = |level: f64| hodges_lehmann_interval(log_ratios, 1.0 - 2.0 * level);
        let (strict, wide) = (bound(alpha), bound(beta));
        Look { launches: log_ratios.len() as u32, estimate: strict.value, low: strict.low, high: wide.high }
    }

    /// The levels of all looks when both errors are spent nearly evenly over them. Their integration takes as long as a
    /// launch, so they are kept for the rule that was asked last.
    pub fn levels(&self) -> Levels {
        let mut kept = KEPT.lock().expect("no holder panics");
        match &*kept {
            Some((rule, levels)) if rule == self => levels.clone(),
            _ => kept.insert((self.clone(), self.integrate())).1.clone(),
        }
    }

    fn integrate(&self) -> Levels {
        let last = f64::from(*self.looks.last().expect("a rule looks"));
        let fractions: Vec<f64> = self.looks.iter().map(|launches| f64::from(*launches) / last).collect();
        let spend = |error| sequential::looks(Spending::Pocock, &fractions, error);
        let pairs = spend(self.alpha).into_iter().zip(spend(self.beta));
        Levels(pairs.map(|(alpha, beta)| (alpha.level, beta.level)).collect())
    }

    /// What follows from a look; none where more launches may tell.
    pub fn decide(&self, look: &Look, last: bool) -> Option<Decision> {
        let log = |share: f64| share.ln_1p();
        let (tolerated, fail, pass) = (log(self.tolerated), log(self.fail_above()), log(self.pass_below()));
        if look.low > tolerated && look.estimate > fail {
            return Some(Decision::Slower);
        }
        if look.high < -tolerated && look.estimate < -fail {
            return Some(Decision::Faster);
        }
        if look.high < pass && (look.low > -pass || last && look.estimate > -fail) {
            return Some(Decision::Same);
        }
        last.then_some(Decision::Unresolved)
    }

    /// The number of the look that so many launches allow: the first not reached yet, or the last.
    pub fn index(&self, launches: u32) -> usize {
        let reached = self.looks.iter().position(|look| *look >= launches);
        reached.unwrap_or(self.looks.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::random::Random;

    /// Launch ratios of a process that is born in one of three modes, each narrow.
    fn bistable(random: &mut Random, launches: u32, shift: f64) -> Vec<f64> {
        let born = |random: &mut Random| {
            let mode = [-0.05, 0.0, 0.0, 0.05][random.below(4) as usize];
            mode + 0.002 * (random.unit() + random.unit() - 1.0)
        };
        (0..launches).map(|_| born(random) - born(random) + shift).collect()
    }

    fn verdict(rule: &Rule, log_ratios: &[f64]) -> (Decision, u32) {
        let (levels, looks) = (rule.levels(), rule.looks.iter().enumerate());
        let mut decided = looks.filter_map(|(index, launches)| {
            let look = rule.look(&levels, index, false, &log_ratios[..*launches as usize]);
            Some((rule.decide(&look, index + 1 == rule.looks.len())?, *launches))
        });
        decided.next().expect("the last look decides")
    }

    fn share_slower(shift: f64, runs: u64) -> f64 {
        let rule = Rule::relinked(0.02);
        let mut random = Random::new(11);
        let slower =
            (0..runs).filter(|_| verdict(&rule, &bistable(&mut random, 256, shift)).0 == Decision::Slower);
        slower.count() as f64 / runs as f64
    }

    #[test]
    fn bistable_launches_of_identical_code_are_called_slower_in_less_than_one_of_two_hundred() {
        assert!(share_slower(0.0, 200) <= 0.005, "{}", share_slower(0.0, 200));
    }

    #[test]
    fn two_percent_are_found_in_four_of_five_where_launches_are_bistable_by_five() {
        assert!(share_slower(0.02, 60) >= 0.8, "{}", share_slower(0.02, 60));
    }

    #[test]
    fn a_slowdown_of_just_what_is_tolerated_is_called_slower_no_more_often_than_stated() {
        let mut random = Random::new(5);
        let rule = Rule { looks: vec![16, 32, 64], ..Rule::relinked(0.02) };
        let levels = rule.levels();
        let mut noise =
            || 0.01 * (random.unit() + random.unit() + random.unit() - 1.5) + rule.tolerated.ln_1p();
        let runs = 1000;
        let slower = (0..runs)
            .filter(|_| {
                let ratios: Vec<f64> = (0..64).map(|_| noise()).collect();
                let looks = rule.looks.iter().enumerate();
                let mut lows =
                    looks.map(|(index, n)| rule.look(&levels, index, false, &ratios[..*n as usize]).low);
                lows.any(|low| low > rule.tolerated.ln_1p())
            })
            .count();
        // 1,000 runs at 0.5 %: 5 expected, 12 would be three standard deviations more.
        assert!(slower <= 12, "{slower} of {runs}");
    }

    #[test]
    fn quiet_launches_decide_at_the_first_look_in_every_direction() {
        let rule = Rule::relinked(0.02);
        let quiet = |shift: f64| (0..256).map(|i| shift + 0.0001 * f64::from(i % 7)).collect::<Vec<_>>();
        assert_eq!(verdict(&rule, &quiet(0.0)), (Decision::Same, 16));
        assert_eq!(verdict(&rule, &quiet(0.02)), (Decision::Slower, 16));
        assert_eq!(verdict(&rule, &quiet(-0.02)), (Decision::Faster, 16));
    }

    #[test]
    fn launches_that_differ_too_much_are_unresolved_and_never_a_pass() {
        let mut random = Random::new(3);
        let wild: Vec<f64> = (0..256).map(|_| random.unit() - 0.5).collect();
        assert_eq!(verdict(&Rule::relinked(0.02), &wild).0, Decision::Unresolved);
    }

    #[test]
    fn a_look_without_bounds_survives_the_record() {
        let rule = Rule::relinked(0.02);
        let look = rule.look(&rule.levels(), 0, true, &[0.0, 0.01]);
        assert_eq!((look.low, look.high), (f64::NEG_INFINITY, f64::INFINITY));
        let text = serde_json::to_string(&look).unwrap();
        assert_eq!(serde_json::from_str::<Look>(&text).unwrap(), look);
    }

    #[test]
    fn one_link_tolerates_what_relinking_alone_may_do() {
        let rule = Rule::one_link(0.02);
        let shifted = |shift: f64| (0..256).map(|i| shift + 0.0001 * f64::from(i % 7)).collect::<Vec<_>>();
        assert_eq!(verdict(&rule, &shifted(0.029)).0, Decision::Same);
        assert_eq!(verdict(&rule, &shifted(0.05)).0, Decision::Slower);
    }
}
