//! `gate`: compares a candidate with a base, row by row, and turns what is found into an exit code and outputs for CI.

mod session;
mod targets;

use super::{Context, environment, sides, verdict};
use crate::args::GateArguments;
use crate::builds::{self, Base};
use crate::error::{Failure, INTERRUPTED};
use crate::interrupt;
use crate::progress::Progress;
use crate::settings::{GateRequest, Settings};
use perfbench_harness::duel::contest::Ring;
use perfbench_harness::duel::rule::Rule;
use perfbench_harness::machine::{self, Machine};
use perfbench_harness::plan::{self, Plan};
use perfbench_reports::gate::{exit_code, judge_record};
use session::Session;
use std::time::Instant;

/// The slowdown that is looked for where nobody says otherwise.
const MIN_EFFECT: f64 = 0.02;

/// The command.
///
/// # Errors
/// What the user can mend: filters that select nothing, a base that is none or does not build.
pub fn run(context: &Context<'_>, settings: &mut Settings, arguments: &GateArguments) -> Result<u8, Failure> {
    let started = Instant::now();
    let machine = machine::probe();
    environment::require_time(&machine)?;
    let asked = settings.gate(arguments, context.matches, &machine)?;
    let plan = plan_of(context, &asked, &machine)?;
    let mut progress = Progress::new(settings.progress, context.quiet, asked.rows.budget_s);
    let options = sides::options(settings, asked.relink, asked.package.as_deref());
    let mut say = |text: &str| progress.say(text);
    // The candidate goes first where both are built: the base then shares what was compiled for it.
    let built = builds::is_built(&asked.base, settings, &options)?;
    let candidate = built.then(|| builds::candidate(&options, &mut say)).transpose()?;
    let base = match builds::base(&asked.base, settings, &options, &mut say)? {
        Base::Side(side) => *side,
        Base::Record(record) => return super::stored::gate(settings, &asked, &plan, &record),
    };
    let candidate = candidate.map_or_else(sides::running, Ok)?;
    for side in [&base, &candidate] {
        if let Some(why) = side.code.unknown() {
            progress.say(&format!(" ! unchanged code of {} cannot be recognised: {why}", side.name));
        }
    }
    let built_s = started.elapsed().as_secs_f64();
    let like_layout = (base.relinked && candidate.relinked) || sides::injected().is_some();
    let rule = rule(asked.min_effect, like_layout);
    let stop = interrupt::watch();
    let mut session = Session::begin(settings, &asked, machine, [&base, &candidate], rule.clone())?;
    let rows = plan.groups.iter().map(|group| group.variants.len()).sum();
    let plain = sides::ring(&base, &candidate, rule.clone(), &session.clock);
    // What is injected stands in no machine code.
    let genuine = sides::injected().is_none();
    let ring = Ring {
        confirming: Some(rule.confirming(asked.alpha, rows)),
        time_unchanged: plain.time_unchanged || asked.policy.fail_on.target,
        seed: asked.rows.seed,
        inputs: asked.rows.inputs.clone(),
        counters: asked.rows.counters.clone(),
        code_of: &|side, offset| genuine.then(|| sides::code_of(&base, &candidate, side, offset)).flatten(),
        ..plain
    };
    session.compare(&ring, &plan, &mut progress, stop)?;
    progress.finish();
    let record = session.end(started, built_s)?;
    let mut gate = judge_record(&record);
    if asked.policy.fail_on.target {
        gate.missed_targets = targets::missed(&record, (context.tables.claims)());
    }
    verdict::deliver(&gate, &asked.outputs)?;
    Ok(if interrupt::came() { INTERRUPTED } else { exit_code(&gate, &asked.policy) })
}

/// The rows of the table, or of the work that self-tests use where the filters name only that.
fn plan_of(context: &Context<'_>, asked: &GateRequest, machine: &Machine) -> Result<Plan, Failure> {
    let tables = [context.tables.registry, perfbench_workloads::YARDSTICKS];
    let plans = tables.map(|registry| plan::plan(&asked.rows, machine, registry));
    let found = plans.into_iter().find(|plan| !plan.groups.is_empty());
    found.ok_or_else(|| super::run::nothing_selected(&asked.rows, context.tables.registry))
}

fn rule(min_effect: Option<f64>, like_layout: bool) -> Rule {
    let min_effect = min_effect.unwrap_or(MIN_EFFECT);
    if like_layout { Rule::relinked(min_effect) } else { Rule::one_link(min_effect) }
}
