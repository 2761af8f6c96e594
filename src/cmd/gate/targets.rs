//! Documented targets judged by a gate's own figures: the candidate's launches stand in for those of a run.

use perfbench_harness::claim::Claim;
use perfbench_harness::duel::file::GateRecord;
use perfbench_harness::duel::record::{Compared, Contest, CountPair, Outcome};
use perfbench_harness::record::{self, Count, Header, Launch, Measured, Row, RunRecord, SCHEMA, SCHEMA_NAME};
use perfbench_reports::Report;
use perfbench_reports::verdict::Verdict;

/// Ids of the targets that the candidate misses.
pub fn missed(gate: &GateRecord, claims: Vec<Claim>) -> Vec<String> {
    let report = Report::of(&as_run(gate, claims));
    report.targets().filter(|t| t.verdict == Verdict::Missed).map(|t| t.claim.id.clone()).collect()
}

fn as_run(gate: &GateRecord, claims: Vec<Claim>) -> RunRecord {
    let header = &gate.header;
    let mut run = RunRecord::new(Header {
        schema: format!("{SCHEMA_NAME}/{SCHEMA}"),
        version: header.version.clone(),
        run: header.gate.clone(),
        started: header.started.clone(),
        command: header.command.clone(),
        settings: Vec::new(),
        seed: header.seed,
        inputs: Default::default(),
        clock: header.clock.clone(),
        machine: header.machine.clone(),
        environment: header.environment.clone(),
        counters: Vec::new(),
        claims,
        cold: Default::default(),
        loop_ns_per_op: Default::default(),
        registry: Default::default(),
        program: Default::default(),
    });
    run.rows = gate.contests.iter().map(row).collect();
    run
}

fn row(contest: &Contest) -> Row {
    let outcome = match &contest.outcome {
        Outcome::Compared(compared) => record::Outcome::Measured(measured(compared)),
        Outcome::Unavailable(why) => record::Outcome::Unavailable(why.clone()),
        Outcome::Broke { message, .. } => record::Outcome::Broke { message: message.clone() },
        Outcome::Unchanged { .. } => unreachable!("where targets are judged, like code is timed too"),
    };
    Row {
        workload: contest.workload.clone(),
        point: contest.point.clone(),
        variant: contest.variant.clone(),
        role: String::new(),
        source: String::new(),
        about: String::new(),
        unit_of_work: contest.unit_of_work.clone(),
        isa: Vec::new(),
        bound: None,
        unbounded: None,
        cpus: Vec::new(),
        partial: false,
        outcome,
    }
}

fn measured(compared: &Compared) -> Measured {
    let trial = compared.confirmation.as_ref().unwrap_or(&compared.first);
    let launch = |(number, pair): (usize, &perfbench_harness::duel::record::PairLaunch)| Launch {
        launch: number as u32,
        rounds_ns_per_op: pair.candidate_ns.clone(),
        ..Launch::default()
    };
    let count = |pair: &CountPair| Count::new(&pair.name, Ok(pair.candidate), pair.provenance.clone());
    let counts = compared.counts.iter().map(count);
    Measured {
        ops_per_batch: compared.ops_per_sample,
        launches: trial.launches.iter().enumerate().map(launch).collect(),
        counts: counts.collect(),
        ..Measured::default()
    }
}
