//! `gate` against a stored run: the newest run since is the candidate. Counts are exact and can fail the gate; times of two
//! runs made one after the other cannot be repeated in turns, so the most that they can raise is a question.

use super::run::{now, run_id};
use super::{output, verdict};
use crate::error::{Failure, OK};
use crate::settings::{GateRequest, Settings};
use perfbench_harness::duel::record::{
    Compared, Contest, CountPair, Header, Outcome, PairLaunch, SCHEMA, SideFacts, Trial,
};
use perfbench_harness::duel::rule::{Decision, Rule};
use perfbench_harness::plan::{Group, Plan};
use perfbench_harness::record::{Launch, Measured, Row, RunRecord};
use perfbench_harness::stats::median;
use perfbench_harness::stats::rank::signed_rank_p;
use perfbench_harness::workload::key;
use perfbench_harness::{Reason, Unavailable};
use perfbench_reports::compare::{Policy, compare};
use perfbench_reports::gate::{exit_code, judge};
use std::collections::BTreeMap;

/// Two runs made one after the other differ by so much with nothing changed.
const TOLERATED: f64 = 0.05;

/// What a reader must know of such a comparison.
const RESERVATION: &str = "the base is a stored run, not a build: times of two runs cannot be repeated in turns, so no row \
    is called slower by time alone; name a git revision with --base to settle it";

/// The gate.
///
/// # Errors
/// No run that is newer than the base, or runs that cannot be compared.
pub fn gate(settings: &Settings, asked: &GateRequest, plan: &Plan, base: &RunRecord) -> Result<u8, Failure> {
    let candidate = output::find(settings, None)?;
    if candidate.header.started <= base.header.started {
        return Err(Failure::usage(format!("no run is newer than the base {}", base.header.run))
            .help("measure the candidate with `perfbench run`, or name a git revision with --base"));
    }
    let policy = Policy { same_within: TOLERATED, ..Policy::default() };
    compare(base, &candidate, &policy).map_err(|refused| Failure::usage(refused.to_string()))?;
    let rule = Rule { tolerated: TOLERATED, min_effect: 2.0 * TOLERATED, ..Rule::relinked(2.0 * TOLERATED) };
    let rows = wanted(plan).filter_map(|key| candidate.row(&key));
    let contests: Vec<Contest> = rows.map(|row| contest(&rule, base.row(&row.key()), row)).collect();
    let mut gate = judge(&header(&rule, asked, base, &candidate), &contests);
    gate.reservations.push(RESERVATION.into());
    verdict::deliver(&gate, &asked.outputs)?;
    Ok(if gate.rows.is_empty() { OK } else { exit_code(&gate, &asked.policy) })
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

fn contest(rule: &Rule, base: Option<&Row>, row: &Row) -> Contest {
    let both = base.and_then(Row::measured).zip(row.measured());
    let missing = || Unavailable::new(Reason::OneSideOnly, "one of the two runs did not measure this row");
    Contest {
        workload: row.workload.clone(),
        point: row.point.clone(),
        variant: row.variant.clone(),
        unit_of_work: row.unit_of_work.clone(),
        outcome: both.map_or_else(|| Outcome::Unavailable(missing()), |(old, new)| compared(rule, old, new)),
        prepare_s: 0.0,
        compare_s: 0.0,
    }
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
    let logs: Vec<f64> =
        launches.iter().map(|pair| (median(&pair.candidate_ns) / median(&pair.base_ns)).ln()).collect();
    let p_slower = signed_rank_p(&logs, rule.tolerated.ln_1p());
    let first = Trial { launches, looks: Vec::new(), decision, ratio, p_slower, elapsed_s: 0.0 };
    Outcome::Compared(Compared {
        code_changed: None,
        ops_per_sample: new.ops_per_batch,
        counts: counts(old, new),
        first,
        confirmation: None,
    })
}

/// Launches of like number.
fn launches(old: &Measured, new: &Measured) -> Vec<PairLaunch> {
    let by_number: BTreeMap<u32, &Launch> =
        old.launches.iter().map(|launch| (launch.launch, launch)).collect();
    let pair = |launch: &Launch| {
        let base = by_number.get(&launch.launch)?;
        let (base_ns, candidate_ns) = (base.rounds_ns_per_op.clone(), launch.rounds_ns_per_op.clone());
        Some(PairLaunch { link: launch.launch, base_ns, candidate_ns, dropped: 0 })
    };
    new.launches.iter().filter_map(pair).collect()
}

fn counts(old: &Measured, new: &Measured) -> Vec<CountPair> {
    let pair = |count: &perfbench_harness::record::Count| {
        let other = old.counts.iter().find(|other| other.name == count.name)?;
        let exact =
            perfbench_harness::counter::heap::counts(&count.name) && other.provenance == count.provenance;
        let (base, candidate) = (other.per_op.clone().ok()?, count.per_op.clone().ok()?);
        let (name, provenance) = (count.name.clone(), count.provenance.clone());
        exact.then_some(CountPair { name, base, candidate, provenance })
    };
    new.counts.iter().filter_map(pair).collect()
}
