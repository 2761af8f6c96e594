//! Counts what comparisons with a known outcome came to.

use super::piece::{Identical, Injected, SIZES};
use perfbench_harness::duel::record::{Achieved, Power, Share, Trial};
use perfbench_harness::duel::rule::Decision;
use perfbench_harness::duel::trial::log_ratios;
use perfbench_harness::machine::Machine;
use perfbench_harness::machine::limits::truths::Truth;
use perfbench_harness::stats::rank::hodges_lehmann;
use perfbench_reports::gate::{SelfTest, SelfTestRow};

/// All comparisons of one piece of work.
pub struct Tally {
    name: String,
    identical: Vec<Identical>,
    injected: Vec<Injected>,
}

impl Tally {
    /// None yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), identical: Vec::new(), injected: Vec::new() }
    }

    /// Whether nothing was compared.
    pub fn is_empty(&self) -> bool {
        self.identical.is_empty()
    }

    /// One of identical code.
    pub fn identical(&mut self, identical: Identical) {
        self.identical.push(identical);
    }

    /// One with a slowdown injected.
    pub fn injected(&mut self, injected: Injected) {
        self.injected.push(injected);
    }

    fn row(&self) -> SelfTestRow {
        let trials = || self.identical.iter().map(|identical| &identical.trial);
        let unresolved = trials().filter(|trial| trial.decision == Decision::Unresolved).count();
        let notes = (unresolved > 0).then(|| {
            format!(
                "{unresolved} of {} comparisons of identical code stayed unresolved",
                self.identical.len()
            )
        });
        SelfTestRow {
            name: self.name.clone(),
            false_alarms: share(trials(), |trial| trial.decision == Decision::Slower),
            power: SIZES.iter().filter_map(|size| self.power(*size)).collect(),
            coverage: share(trials(), |trial| trial.ratio.low <= 1.0 && 1.0 <= trial.ratio.high),
            unchanged_s: mean(trials().map(|trial| trial.elapsed_s)),
            notes: notes.into_iter().collect(),
        }
    }

    /// Power at one size. What was really injected is what all launches with it say together: a trace far longer than
    /// any comparison.
    fn power(&self, size: f64) -> Option<Power> {
        let of_size: Vec<&Trial> = self
            .injected
            .iter()
            .filter(|injected| injected.size == size)
            .map(|injected| &injected.trial)
            .collect();
        let logs: Vec<f64> =
            of_size.iter().map(|trial| hodges_lehmann(&log_ratios(&trial.launches))).collect();
        (!of_size.is_empty()).then(|| Power {
            percent: 100.0 * hodges_lehmann(&logs).exp_m1(),
            found: share(of_size.iter().copied(), |trial| trial.decision == Decision::Slower),
            mean_s: mean(of_size.iter().map(|trial| trial.elapsed_s)),
        })
    }

    fn confirmed(&self) -> Share {
        let again =
            |identical: &Identical| identical.again.as_ref().is_some_and(|t| t.decision == Decision::Slower);
        let hits = self.identical.iter().filter(|identical| again(identical)).count() as u64;
        Share { hits, of: self.identical.len() as u64 }
    }
}

fn share<'a>(trials: impl Iterator<Item = &'a Trial>, hit: impl Fn(&Trial) -> bool) -> Share {
    trials.fold(Share { hits: 0, of: 0 }, |share, trial| Share {
        hits: share.hits + u64::from(hit(trial)),
        of: share.of + 1,
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len() as f64
}

fn together(shares: impl Iterator<Item = Share>) -> Share {
    shares.fold(Share { hits: 0, of: 0 }, |sum, share| Share {
        hits: sum.hits + share.hits,
        of: sum.of + share.of,
    })
}

/// All pieces of work together.
pub fn sum(tallies: &[Tally], machine: &Machine, relinked: bool, truths: Vec<Truth>) -> SelfTest {
    let rows: Vec<SelfTestRow> = tallies.iter().map(Tally::row).collect();
    let power = |index: usize| {
        let of_size: Vec<&Power> = rows.iter().filter_map(|row| row.power.get(index)).collect();
        (!of_size.is_empty()).then(|| Power {
            percent: hodges_lehmann(&of_size.iter().map(|power| power.percent).collect::<Vec<_>>()),
            found: together(of_size.iter().map(|power| power.found)),
            mean_s: mean(of_size.iter().map(|power| power.mean_s)),
        })
    };
    let achieved = Achieved {
        measured: crate::cmd::run::now(false),
        cpu: machine.cpu.clone(),
        relinked,
        false_alarms: together(rows.iter().map(|row| row.false_alarms)),
        confirmed_false_alarms: together(tallies.iter().map(Tally::confirmed)),
        power: (0..SIZES.len()).filter_map(power).collect(),
        coverage: together(rows.iter().map(|row| row.coverage)),
        unchanged_s: mean(rows.iter().map(|row| row.unchanged_s)),
    };
    SelfTest { achieved, rows, truths }
}
