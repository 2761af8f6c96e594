//! A gate under way: its record in memory and on disk.

use crate::builds::Side;
use crate::cmd::output;
use crate::cmd::run::{now, run_id, unwritten};
use crate::error::Failure;
use crate::interrupt;
use crate::progress::Progress;
use crate::settings::{GateRequest, Settings};
use perfbench_harness::clock::Clock;
use perfbench_harness::duel::contest::Ring;
use perfbench_harness::duel::file::GateRecord;
use perfbench_harness::duel::record::{Contest, End, Header, Line, Outcome, SCHEMA, SideFacts};
use perfbench_harness::duel::rule::Rule;
use perfbench_harness::machine::{Machine, environment};
use perfbench_harness::plan::{Group, Plan, Planned};
use perfbench_harness::record::Writer;
use perfbench_harness::{Reason, Unavailable};
use perfbench_reports::store::Store;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The record so far and where it is written.
pub struct Session {
    record: GateRecord,
    writer: Writer,
    /// The clock of all launches.
    pub clock: Clock,
    budget_s: f64,
}

impl Session {
    /// Opens the record.
    pub fn begin(
        settings: &Settings,
        asked: &GateRequest,
        machine: Machine,
        sides: [&Side; 2],
        rule: Rule,
    ) -> Result<Self, Failure> {
        let store = Store::open(&settings.store).map_err(output::store_failure)?;
        let clock = crate::cmd::environment::clock(asked.rows.clock)?;
        let [base, candidate] = sides.map(facts);
        let header = Header {
            schema: SCHEMA.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            gate: run_id(false, 0),
            started: now(false),
            command: std::env::args().collect(),
            base,
            candidate,
            rule,
            alpha: asked.alpha,
            seed: asked.rows.seed,
            clock: clock.facts(),
            environment: environment::check(),
            achieved: store.achieved(&machine).map_err(output::store_failure)?,
            machine,
        };
        let mut writer = Writer::create(&store.gate_path(&header.gate)).map_err(|e| unwritten(&e))?;
        writer.write(&Line::Gate(Box::new(header.clone()))).map_err(|e| unwritten(&e))?;
        let record = GateRecord { header, contests: Vec::new(), end: None, warnings: Vec::new() };
        Ok(Self { record, writer, clock, budget_s: asked.rows.budget_s })
    }

    /// Compares every row of the plan; each is on disk before the next begins.
    pub fn compare(
        &mut self,
        ring: &Ring<'_>,
        plan: &Plan,
        progress: &mut Progress,
        stop: &AtomicBool,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let rows =
            plan.groups.iter().flat_map(|group| group.variants.iter().map(move |planned| (group, planned)));
        for (group, planned) in rows {
            let in_time = started.elapsed().as_secs_f64() < self.budget_s;
            let contest = contest(ring, group, planned, in_time);
            // Set by a signal handler that publishes nothing else. The row under way may have been hit by the signal, too.
            if stop.load(Ordering::Relaxed) {
                break;
            }
            progress.say(&format!("{}  {:.2} s", contest.key(), contest.prepare_s + contest.compare_s));
            self.keep(Line::Contest(Box::new(contest)))?;
        }
        Ok(())
    }

    /// Closes the record.
    pub fn end(mut self, started: Instant, build_s: f64) -> Result<GateRecord, Failure> {
        let end = End {
            finished: now(false),
            status: if interrupt::came() { "interrupted" } else { "complete" }.into(),
            elapsed_s: started.elapsed().as_secs_f64(),
            build_s,
        };
        self.keep(Line::End(end))?;
        Ok(self.record)
    }

    fn keep(&mut self, line: Line) -> Result<(), Failure> {
        let written = self.writer.write(&line);
        self.record.push(line);
        written.map_err(|error| unwritten(&error))
    }
}

fn facts(side: &Side) -> SideFacts {
    SideFacts { name: side.name.clone(), links: side.links.len(), note: side.note.clone() }
}

fn contest(ring: &Ring<'_>, group: &Group, planned: &Planned, in_time: bool) -> Contest {
    let late = || {
        Unavailable::new(
            Reason::Interrupted,
            "the budget was spent before its turn; give the gate a larger one",
        )
    };
    match planned.skip.clone().or_else(|| (!in_time).then(late)) {
        None => ring.contest(group, planned.variant),
        Some(why) => Contest {
            workload: group.workload.name.into(),
            point: group.point.name.into(),
            variant: planned.variant.name.into(),
            unit_of_work: group.point.unit_of_work.into(),
            outcome: Outcome::Unavailable(why),
            prepare_s: 0.0,
            compare_s: 0.0,
        },
    }
}
