//! One sequential comparison: launches until the rule decides, and what they amount to. Who runs a launch is behind
//! [`Pairs`], so that the schedule can be tested without a clock.

use super::record::{PairLaunch, Trial};
use super::rule::{Decision, Rule};
use super::{Fault, Pairs};
use crate::stats::interval::median;
use crate::stats::rank::{hodges_lehmann_interval, signed_rank_p};
use crate::unavailable::{Reason, Unavailable};

/// Launches both sides until the rule decides or its time is over. Launches are numbered from `first`.
///
/// # Errors
/// [`Fault`] where a side yields nothing.
pub fn run(rule: &Rule, pairs: &mut dyn Pairs, first: u32) -> Result<Trial, Fault> {
    let start_s = pairs.now_s();
    let (mut launches, mut looks) = (Vec::new(), Vec::new());
    let levels = rule.levels();
    let most = *rule.looks.last().expect("a rule looks");
    loop {
        launches.push(pairs.launch(first + launches.len() as u32)?);
        let done = launches.len() as u32;
        let elapsed_s = pairs.now_s() - start_s;
        let last = done == most || over(rule, elapsed_s, &launches);
        if !last && !rule.looks.contains(&done) {
            continue;
        }
        let log_ratios = log_ratios(&launches);
        if log_ratios.is_empty() && !last {
            continue;
        }
        if log_ratios.is_empty() {
            return Err(Fault::Unavailable(Unavailable::new(
                Reason::TooFewCores,
                "the two cores changed places within every block; choose two that stay together with --cpus",
            )));
        }
        let look = rule.look(&levels, rule.index(done), last, &log_ratios);
        looks.push(look);
        if let Some(decision) = rule.decide(&look, last) {
            return Ok(finish(rule, launches, looks, decision, elapsed_s));
        }
    }
}

/// Whether time is over. A candidate that was slower in every launch so far, and makes launches so long that too few fit
/// for the level asked, gets as many as a verdict needs: what is far slower must not pass for being slow to measure.
fn over(rule: &Rule, elapsed_s: f64, launches: &[PairLaunch]) -> bool {
    let needed = (1.0 / rule.alpha).log2().ceil() as usize + 1;
    let grave =
        launches.len() < needed && log_ratios(launches).iter().all(|log| *log > rule.tolerated.ln_1p());
    elapsed_s > if grave { LONGEST * rule.cap_s } else { rule.cap_s }
}

/// A comparison takes no longer than so many times its rule's time.
const LONGEST: f64 = 20.0;

fn finish(
    rule: &Rule,
    launches: Vec<PairLaunch>,
    looks: Vec<super::rule::Look>,
    decision: Decision,
    elapsed_s: f64,
) -> Trial {
    let log_ratios = log_ratios(&launches);
    let ratio = hodges_lehmann_interval(&log_ratios, 0.95).map(f64::exp);
    let p_slower = signed_rank_p(&log_ratios, rule.tolerated.ln_1p());
    Trial { launches, looks, decision, ratio, p_slower, elapsed_s }
}

/// One value a launch: the median block's log ratio of candidate over base. Launches without a block are left out.
pub fn log_ratios(launches: &[PairLaunch]) -> Vec<f64> {
    launches.iter().filter_map(PairLaunch::log_ratio).collect()
}

impl PairLaunch {
    fn log_ratio(&self) -> Option<f64> {
        let blocks = self.base_ns.iter().zip(&self.candidate_ns);
        let logs: Vec<f64> = blocks.map(|(base, candidate)| (candidate / base).ln()).collect();
        (!logs.is_empty()).then(|| median(&logs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sides that run by a script: the candidate takes `ratio` as long, a launch takes `launch_s`.
    struct Scripted {
        ratio: f64,
        launch_s: f64,
        started: Vec<u32>,
    }

    impl Scripted {
        fn new(ratio: f64, launch_s: f64) -> Self {
            Self { ratio, launch_s, started: Vec::new() }
        }
    }

    impl Pairs for Scripted {
        fn launch(&mut self, launch: u32) -> Result<PairLaunch, Fault> {
            self.started.push(launch);
            let wobble = 1.0 + 0.0001 * f64::from(launch % 5);
            Ok(PairLaunch {
                link: launch,
                candidate_link: launch,
                base_ns: vec![10.0, 10.0, 99.0],
                candidate_ns: vec![10.0 * self.ratio * wobble, 10.0 * self.ratio * wobble, 1.0],
                dropped: 0,
            })
        }

        fn now_s(&self) -> f64 {
            self.started.len() as f64 * self.launch_s
        }
    }

    #[test]
    fn it_launches_up_to_the_first_look_that_decides_and_no_further() {
        let rule = Rule::relinked(0.02);
        let mut pairs = Scripted::new(1.0, 0.01);
        let trial = run(&rule, &mut pairs, 100).unwrap();
        assert_eq!((trial.decision, trial.launches.len()), (Decision::Same, 16));
        assert_eq!(pairs.started, (100..116).collect::<Vec<_>>());
        assert!((trial.elapsed_s - 0.16).abs() < 1e-9);
    }

    #[test]
    fn the_estimate_is_that_of_the_median_blocks() {
        let trial = run(&Rule::relinked(0.02), &mut Scripted::new(1.05, 0.01), 0).unwrap();
        assert_eq!(trial.decision, Decision::Slower);
        assert!((trial.ratio.value - 1.0502).abs() < 1e-3 && trial.p_slower < 1e-4, "{trial:?}");
    }

    #[test]
    fn when_time_is_over_the_launches_so_far_must_do() {
        let rule = Rule::relinked(0.02);
        let trial = run(&rule, &mut Scripted::new(1.0, 0.5), 0).unwrap();
        assert_eq!(trial.launches.len(), 7, "3 s are over after the seventh launch of half a second");
        assert_eq!(
            trial.decision,
            Decision::Same,
            "seven like launches exclude a slowdown at the level of a pass"
        );
    }

    #[test]
    fn a_candidate_so_slow_that_few_launches_fit_is_called_slower_all_the_same() {
        let rule = Rule::relinked(0.02);
        let trial = run(&rule, &mut Scripted::new(400.0, 2.0), 0).unwrap();
        assert_eq!((trial.decision, trial.launches.len()), (Decision::Slower, 9));
        let again = run(&rule.confirming(0.01, 100), &mut Scripted::new(400.0, 2.0), 9).unwrap();
        assert_eq!((again.decision, again.launches.len()), (Decision::Slower, 15));
    }

    #[test]
    fn a_side_that_cannot_run_ends_it() {
        struct Absent;
        impl Pairs for Absent {
            fn launch(&mut self, _: u32) -> Result<PairLaunch, Fault> {
                Err(Fault::Unavailable(Unavailable::new(Reason::TooFewCores, "needs two CPUs")))
            }
            fn now_s(&self) -> f64 {
                0.0
            }
        }
        assert!(matches!(run(&Rule::relinked(0.02), &mut Absent, 0), Err(Fault::Unavailable(_))));
    }
}
