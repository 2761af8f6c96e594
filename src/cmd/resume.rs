//! `run --resume`: which stored run goes on, whether it may, and what is left of it. A run goes on with its own settings on
//! the machine and with the table of workloads that it began with, or not at all.

use super::output::store_failure;
use crate::args::{RunArguments, Selection};
use crate::error::Failure;
use crate::settings::Settings;
use perfbench_harness::Reason;
use perfbench_harness::machine::limits;
use perfbench_harness::plan::{END_S, Group, LIMITS_S, Plan, Request};
use perfbench_harness::record::{self, Header, Outcome, RunRecord};
use perfbench_harness::workload::key;
use perfbench_reports::store::{Store, StoreError};
use std::path::PathBuf;
use std::str::FromStr;

/// A stored run that did not come to its end.
pub struct Resumed {
    /// What it left.
    pub record: RunRecord,
    /// The file, to which the rest is appended.
    pub path: PathBuf,
}

impl Resumed {
    /// The run of a name.
    ///
    /// # Errors
    /// No such run, or one that is complete.
    pub fn find(settings: &Settings, name: &str) -> Result<Self, Failure> {
        let path = Store::at(&settings.store).locate(name).map_err(store_failure)?;
        let record = record::read(&path).map_err(|error| store_failure(StoreError::Unreadable(error)))?;
        let resumed = Self { record, path };
        match &resumed.record.end {
            Some(end) if end.status == "complete" => {
                Err(resumed.refused("it is complete").help("`perfbench run` makes a new one"))
            }
            _ => Ok(resumed),
        }
    }

    fn refused(&self, why: &str) -> Failure {
        Failure::usage(format!("run {} cannot go on: {why}", self.record.header.run))
    }

    /// The arguments that the run was given, whatever is configured now.
    ///
    /// # Errors
    /// Something typed that says otherwise.
    pub fn arguments(&self, typed: &RunArguments) -> Result<RunArguments, Failure> {
        let list = |typed: &[String]| (!typed.is_empty()).then(|| typed.join(" "));
        let words = |text: Option<String>| {
            text.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
        };
        let path = typed.trace.as_ref().map(|path| path.display().to_string());
        let exact = self.same("exact", typed.selection.exact.then_some(true))?;
        Ok(RunArguments {
            selection: Selection {
                filters: words(self.same("filters", list(&typed.selection.filters))?),
                exact: exact.unwrap_or(false),
                suite: self.same("suite", typed.selection.suite.clone())?,
                skip: words(self.same("skip", list(&typed.selection.skip))?),
                isa: self.same("isa", typed.selection.isa.clone())?,
            },
            budget: self.same("budget", typed.budget.clone())?,
            launches: self.same("launches", typed.launches)?,
            precision: self.same("precision", typed.precision.clone())?,
            cold: self.same("cold", typed.cold.then_some(true))?.unwrap_or(false),
            cpus: self.same("cpus", typed.cpus.clone())?,
            seed: self.same("seed", typed.seed)?,
            trace: self.same("trace", path)?.filter(|path| !path.is_empty()).map(PathBuf::from),
            counters: self.same("counters", typed.counters.clone())?,
            clock: self.same("clock", typed.clock.clone())?,
            ..typed.clone()
        })
    }

    /// A setting of the run, which what was typed must equal; what was typed where the record does not say.
    fn same<T: FromStr + ToString>(&self, name: &str, typed: Option<T>) -> Result<Option<T>, Failure> {
        let Some(setting) = self.record.header.settings.iter().find(|setting| setting.name == name) else {
            return Ok(typed);
        };
        match typed.map(|typed| typed.to_string()) {
            Some(typed) if typed != setting.value => {
                let why = format!("its {name} is {}, and {typed} is asked for", setting.value);
                Err(self.refused(&why).help("leave the flag or variable away, or start a new run"))
            }
            _ => Ok(setting.value.parse().ok()),
        }
    }

    /// Whether the run may go on here and now.
    ///
    /// # Errors
    /// Another machine, another perfbench, another input.
    pub fn admit(&self, now: &Header) -> Result<(), Failure> {
        let then = &self.record.header;
        let machine = |h: &Header| {
            let m = &h.machine;
            (m.cpu.clone(), m.features.clone(), m.cpus.clone(), m.caches.clone(), m.kernel.clone())
        };
        let program = |h: &Header| {
            let made = (h.version.clone(), h.program.clone(), h.registry.clone());
            (made, h.machine.compiler.clone(), h.clock.name.clone())
        };
        let refused = |why: &str| Err(self.refused(why).help("start a new run here"));
        if machine(then) != machine(now) {
            return refused("it began on another machine, or with another kernel or affinity mask");
        }
        if program(then) != program(now) {
            return refused(
                "it began with another perfbench: version, executable, workloads, compiler or clock differ",
            );
        }
        if then.inputs != now.inputs {
            return refused("an input file is not what it was");
        }
        Ok(())
    }

    /// Leaves out of the plan what is in the record already, and gives the rest its share of the budget.
    pub fn leave_out(&self, plan: &mut Plan, request: &mut Request) {
        let rows = |plan: &Plan| plan.groups.iter().map(|group| group.variants.len()).sum::<usize>() as f64;
        let all = rows(plan);
        plan.groups.retain(|group| !self.has(group));
        let limits_s = if has_limits(&self.record) { 0.0 } else { LIMITS_S };
        let rest_s = (request.budget_s - LIMITS_S - END_S).max(0.0);
        request.budget_s = limits_s + END_S + rest_s * rows(plan) / all.max(1.0);
    }

    fn has(&self, group: &Group) -> bool {
        let whole = |row: &record::Row| {
            let waiting =
                matches!(&row.outcome, Outcome::Unavailable(why) if why.reason == Reason::Interrupted);
            !row.partial && !waiting
        };
        group.variants.iter().all(|planned| {
            let key = key(group.workload.name, group.point.name, planned.variant.name);
            self.record.row(&key).is_some_and(whole)
        })
    }
}

/// Whether every limit of the machine is in a record.
pub fn has_limits(record: &RunRecord) -> bool {
    limits::names().all(|name| record.limits.iter().any(|limit| limit.name == name))
}
