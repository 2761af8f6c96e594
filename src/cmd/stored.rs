//! `gate` against a stored run: the newest run since is the candidate. Counts are exact and can fail the gate; times of two
//! runs made one after the other cannot be repeated in turns, so the most that they can raise is a question.

use super::run::{now, run_id, unwritten};
use super::{output, verdict};
use crate::error::Failure;
use crate::settings::{GateRequest, Settings};
use perfbench_harness::duel::contest::repeated;
use perfbench_harness::duel::record::{
    Compared, Contest, CountPair, End, Header, Line, Outcome, PairLaunch, SCHEMA, SideFacts, Trial,
};
use perfbench_harness::duel::rule::{Decision, Rule};
use perfbench_harness::duel::trial::log_ratios;
use perfbench_harness::plan::{Group, Plan};
use perfbench_harness::record::{self, Measured, Row, RunRecord, Writer};
use perfbench_harness::stats::rank::signed_rank_p;
use perfbench_harness::workload::key;
use perfbench_harness::{Reason, Unavailable};
use perfbench_reports::compare::{Policy, compare};
use perfbench_reports::gate::{exit_code, judge};
use perfbench_reports::store::Store;
use std::collections::BTreeMap;

/// Two runs made one after the other differ by so much with nothing changed.
const TOLERATED: f64 = 0.05;

/// What a reader must know of such a comparison.
const RESERVATION: &str = "the base is a stored run, not a build: times of two runs cannot be repeated in turns, so no row \
    is called slower by time alone; name a git revision with --base to settle it";

/// The gate.
///
/// # Errors
/// No run that is newer than the base, runs that cannot be compared, or a question that two runs cannot answer.
pub fn gate(settings: &Settings, asked: &GateRequest, plan: &Plan, base: &RunRecord) -> Result<u8, Failure> {
    if asked.policy.fail_on.target {
        return Err(Failure::usage(
            "--fail-on target needs a build as base: two stored runs are only compared",
        )
        .help("`perfbench targets check` judges the documented targets by a stored run"));
    }
    let candidate = output::find(settings, None)?;
    if candidate.header.run == base.header.run || candidate.header.started < base.header.started {
        return Err(Failure::usage(format!("no run is newer than the base {}", base.header.run))
            .help("measure the candidate with `perfbench run`, or name a git revision with --base"));
    }
    let policy = Policy { same_within: TOLERATED, ..Policy::default() };
    compare(base, &candidate, &policy).map_err(|refused| Failure::usage(refused.to_string()))?;
    let rule = Rule { tolerated: TOLERATED, min_effect: 2.0 * TOLERATED, ..Rule::relinked(2.0 * TOLERATED) };
    let header = header(&rule, asked, base, &candidate);
    let rows = wanted(plan).filter_map(|key| contest(&rule, base.row(&key), candidate.row(&key)));
    let contests: Vec<Contest> = rows.collect();
    keep(settings, &header, &contests)?;
    let mut gate = judge(&header, &contests);
    gate.reservations.push(RESERVATION.into());
    verdict::deliver(&gate, &asked.outputs)?;
    Ok(exit_code(&gate, &asked.policy))
}

/// The record, as that of any other gate.
fn keep(settings: &Settings, header: &Header, contests: &[Contest]) -> Result<(), Failure> {
    let store = Store::open(&settings.store).map_err(output::store_failure)?;
    let path = store.gate_path(&header.gate);
    let write = || {
        let mut writer = Writer::create(&path)?;
        writer.write(&Line::Gate(Box::new(header.clone())))?;
        contests.iter().try_for_each(|contest| writer.write(&Line::Contest(Box::new(contest.clone()))))?;
        let finished = now(false);
        writer.write(&Line::End(End { finished, status: "complete".into(), elapsed_s: 0.0, build_s: 0.0 }))
    };
    write().map_err(|error| unwritten(&error))
}

fn wanted(plan: &Plan) -> impl Iterator<Item = String> {
    let keys = |group: &Group| -> Vec<String> {
        group.variants.iter().map(|p| key(group.workload.name, group.point.name, p.variant.name)).collect()
    };
    plan.groups.iter().flat_map(keys)
}

fn header(rule: &Rule, asked: &GateRequest, base: &RunRecord, candidate: &RunRecord) -> Header {
    let side =
        |record: &RunRecord| SideFacts { name: format!("run {}", record.header.run), links: 1, note: None };
    Header {
        schema: SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        gate: run_id(false, 0),
        started: now(false),
        command: std::env::args().collect(),
        base: side(base),
        candidate: side(candidate),
        rule: rule.clone(),
        alpha: asked.alpha,
        seed: asked.rows.seed,
        clock: candidate.header.clock.clone(),
        machine: candidate.header.machine.clone(),
        environment: candidate.header.environment.clone(),
        achieved: None,
    }
}

/// A row of either run; none where neither has it.
fn contest(rule: &Rule, base: Option<&Row>, candidate: Option<&Row>) -> Option<Contest> {
    let row = candidate.or(base)?;
    let both = base.and_then(Row::measured).zip(candidate.and_then(Row::measured));
    let broke = candidate.and_then(|row| match &row.outcome {
        record::Outcome::Broke { message } => {
            Some(Outcome::Broke { side: "candidate".into(), message: message.clone() })
        }
        _ => None,
    });
    let missing = || Unavailable::new(Reason::OneSideOnly, "one of the two runs did not measure this row");
    Some(Contest {
        workload: row.workload.clone(),
        point: row.point.clone(),
        variant: row.variant.clone(),
        unit_of_work: row.unit_of_work.clone(),
        outcome: broke
            .or_else(|| both.map(|(old, new)| compared(rule, old, new)))
            .unwrap_or_else(|| Outcome::Unavailable(missing())),
        prepare_s: 0.0,
        compare_s: 0.0,
    })
}

fn compared(rule: &Rule, old: &Measured, new: &Measured) -> Outcome {
    let ratio = perfbench_harness::record::speedup(old, new);
    let (above, below) = (1.0 + rule.tolerated, 1.0 / (1.0 + rule.tolerated));
    let decision = match (ratio.low, ratio.high) {
        (low, _) if low > above => Decision::Slower,
        (_, high) if high < below => Decision::Faster,
        (low, high) if low > below && high < above => Decision::Same,
        _ => Decision::Unresolved,
    };
    let launches = launches(old, new);
    let p_slower = signed_rank_p(&log_ratios(&launches), rule.tolerated.ln_1p());
    let first = Trial { launches, looks: Vec::new(), decision, ratio, p_slower, elapsed_s: 0.0 };
    Outcome::Compared(Compared {
        code_changed: None,
        ops_per_sample: new.ops_per_batch,
        counts: counts(old, new),
        first,
        confirmation: None,
    })
}

/// Launches of like number, each by its median over the rounds that count.
fn launches(old: &Measured, new: &Measured) -> Vec<PairLaunch> {
    let by_number: BTreeMap<u32, f64> = old.launch_medians().into_iter().collect();
    let pair = |(link, candidate_ns): (u32, f64)| {
        let base_ns = vec![*by_number.get(&link)?];
        Some(PairLaunch { link, candidate_link: link, base_ns, candidate_ns: vec![candidate_ns], dropped: 0 })
    };
    new.launch_medians().into_iter().filter_map(pair).collect()
}

fn counts(old: &Measured, new: &Measured) -> Vec<CountPair> {
    let pair = |count: &perfbench_harness::record::Count| {
        let other = old.counts.iter().find(|other| other.name == count.name)?;
        let (base, candidate) = (repeated(other)?, repeated(count)?);
        let (name, provenance) = (count.name.clone(), count.provenance.clone());
        (other.provenance == count.provenance).then_some(CountPair { name, base, candidate, provenance })
    };
    new.counts.iter().filter_map(pair).collect()
}
