//! One row of both sides from its checks to its line in the gate's record: counts first, then the machine code, then
//! time, and a verdict of slower once more. What a verdict means for the suite is the reports' affair.

use super::processes::Processes;
use super::record::{Compared, Contest, CountPair, Outcome, Trial};
use super::rule::{Decision, Rule};
use super::{Fault, Side, trial};
use crate::clock::{ClockChoice, ClockFacts};
use crate::counter::Selection;
use crate::launch::{Died, Fresh, Launcher};
use crate::plan::Group;
use crate::record::Provenance;
use crate::stats::random::Random;
use crate::unavailable::{Reason, Unavailable};
use crate::worker::{Done, Job, Prepared, Reply, Task};
use crate::workload::Variant;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

/// Operations that both sides count over, whatever they cost: what happens once in a while falls on as many of them.
const COUNTED_OPS: u64 = 1_000;

/// The fingerprint of the machine code that a function of a side reaches, from the function's offset in its image.
pub type CodeOf<'a> = &'a dyn Fn(Side, u64) -> Option<u64>;

/// Both sides and how they are compared.
pub struct Ring<'a> {
    /// Links of the base.
    pub base: &'a [PathBuf],
    /// Links of the candidate.
    pub candidate: &'a [PathBuf],
    /// The argument that makes an executable take a job.
    pub worker: &'a str,
    /// Fingerprints of machine code.
    pub code_of: CodeOf<'a>,
    /// How time is decided on.
    pub rule: Rule,
    /// How a verdict of slower is repeated; none leaves the first one alone.
    pub confirming: Option<Rule>,
    /// Multiplications added for every operation of the candidate, so that other tools can be compared with this one.
    pub spins: u64,
    /// Whether like machine code is timed all the same, as a self-test does.
    pub time_unchanged: bool,
    /// Seed of generated input, orders and places.
    pub seed: u64,
    /// Files by input name.
    pub inputs: BTreeMap<String, PathBuf>,
    /// What is counted; only exact counts are compared.
    pub counters: Selection,
    /// The clock.
    pub clock: ClockChoice,
    /// Its calibration.
    pub calibration: ClockFacts,
}

impl Ring<'_> {
    /// Compares one row; whatever comes of it is a line of the record.
    pub fn contest(&self, group: &Group, variant: &Variant) -> Contest {
        let before = Instant::now();
        let prepared = self.prepare(group, variant);
        let prepare_s = before.elapsed().as_secs_f64();
        let outcome =
            prepared.and_then(|both| self.compare(group, variant, &both)).unwrap_or_else(Outcome::from);
        let confirmed_s = match &outcome {
            Outcome::Compared(compared) => {
                compared.confirmation.as_ref().map_or(0.0, |again| again.elapsed_s)
            }
            _ => 0.0,
        };
        Contest {
            workload: group.workload.name.into(),
            point: group.point.name.into(),
            variant: variant.name.into(),
            unit_of_work: group.point.unit_of_work.into(),
            outcome,
            prepare_s,
            compare_s: before.elapsed().as_secs_f64() - prepare_s - confirmed_s,
        }
    }

    /// Checks and counts both sides at once, since nothing is timed yet; the base goes where there is room.
    ///
    /// # Errors
    /// [`Fault`] where a side lacks the row, cannot run it, or breaks.
    pub fn prepare(&self, group: &Group, variant: &Variant) -> Result<[Prepared; 2], Fault> {
        let counters = self.counters.clone();
        let job = Job { counters, counted_ops: Some(COUNTED_OPS), ..self.job(group, variant, Task::Prepare) };
        let cpus = if group.point.cpus == 1 { Vec::new() } else { job.cpus.clone() };
        let elsewhere = Job { cpus, ..job.clone() };
        let fresh = |links: &[PathBuf]| Fresh::new(links[0].clone(), &[self.worker], self.seed);
        let (mut base, mut candidate) = (fresh(self.base), fresh(self.candidate));
        thread::scope(|scope| {
            let base = scope.spawn(move || prepare(Side::Base, &mut base, &elsewhere));
            let candidate = prepare(Side::Candidate, &mut candidate, &job);
            let base = base.join().expect("a preparation does not panic");
            // A candidate that broke is told before a base that lacks the row.
            match candidate {
                Err(broke @ Fault::Broke(..)) => Err(broke),
                candidate => Ok([base?, candidate?]),
            }
        })
    }

    fn compare(&self, group: &Group, variant: &Variant, both: &[Prepared; 2]) -> Result<Outcome, Fault> {
        let [base, candidate] = both;
        let counts = count_pairs(base, candidate);
        let code =
            |side, prepared: &Prepared| Some((self.code_of)(side, prepared.build_offset)? ^ prepared.point);
        let codes = code(Side::Base, base).zip(code(Side::Candidate, candidate));
        if let (Some((code, same)), false) = (codes, self.time_unchanged)
            && code == same
        {
            return Ok(Outcome::Unchanged { code: format!("{code:016x}"), counts });
        }
        let mut processes = self.processes(group, variant);
        processes.calibrate(base.cycle_ops.max(candidate.cycle_ops))?;
        let ops_per_sample = processes.ops;
        processes.spins *= ops_per_sample;
        let first = trial::run(&self.rule, &mut processes, 0)?;
        let confirmation = self.confirm(&first, &mut processes)?;
        let code_changed = codes.map(|(base, candidate)| base != candidate);
        Ok(Outcome::Compared(Compared { code_changed, ops_per_sample, counts, first, confirmation }))
    }

    fn confirm(&self, first: &Trial, processes: &mut Processes) -> Result<Option<Trial>, Fault> {
        match &self.confirming {
            Some(rule) if first.decision == Decision::Slower => {
                trial::run(rule, processes, first.launches.len() as u32).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Both sides of one row, ready to be calibrated.
    pub fn processes(&self, group: &Group, variant: &Variant) -> Processes {
        Processes {
            base: self.base.to_vec(),
            candidate: self.candidate.to_vec(),
            arguments: vec![self.worker.into()],
            order: self.job(group, variant, Task::Duel { spins: 0 }),
            spins: self.spins,
            ops: 1,
            random: Random::new(self.seed ^ Random::hash(&group.name())),
            blocks: 1,
            started: Instant::now(),
        }
    }

    fn job(&self, group: &Group, variant: &Variant, task: Task) -> Job {
        Job {
            workload: group.workload.name.into(),
            point: group.point.name.into(),
            variants: vec![variant.name.into()],
            task,
            cpus: group.cpus.clone(),
            seed: self.seed,
            inputs: self.inputs.clone(),
            counters: Selection::none(),
            clock: self.clock,
            calibration: self.calibration.clone(),
            evict_bytes: None,
            counted_ops: None,
            under: Vec::new(),
        }
    }
}

fn prepare(side: Side, program: &mut Fresh, job: &Job) -> Result<Prepared, Fault> {
    let mut told = None;
    let ended = program.launch(job, &mut |reply| {
        if let Reply::Outcome { result, .. } = reply {
            told = Some(result);
        }
    });
    match (ended, told) {
        (Err(Died(message)), _) => Err(died(side, message)),
        (Ok(()), Some(Done::Prepared(prepared))) => Ok(prepared),
        (Ok(()), Some(Done::Unavailable(unavailable))) => Err(Fault::Unavailable(unavailable)),
        (Ok(()), Some(Done::Broke(message))) => Err(Fault::Broke(side, message)),
        (Ok(()), other) => Err(Fault::Broke(side, format!("it was asked to prepare and answered {other:?}"))),
    }
}

/// What a process that died in its preparation means: a build that lacks the row is no fault of the row.
fn died(side: Side, message: String) -> Fault {
    let lacks = ["no workload ", "no point ", "no such variant "].iter().any(|words| message.contains(words));
    match lacks {
        true => {
            Fault::Unavailable(Unavailable::new(Reason::OneSideOnly, format!("the {side} has no such row")))
        }
        false => Fault::Broke(side, message),
    }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(unavailable) => Outcome::Unavailable(unavailable),
            Fault::Broke(side, message) => Outcome::Broke { side: side.to_string(), message },
        }
    }
}

/// What of a count repeats on the same code: all of the allocator's, the whole system calls of an operation, since how often
/// a lock has to wait is chance, and nothing of others.
pub fn repeated(count: &crate::record::Count) -> Option<f64> {
    let per_op = *count.per_op.as_ref().ok()?;
    match count.name.as_str() {
        "syscalls" => Some(per_op.floor()),
        name => crate::counter::heap::counts(name).then_some(per_op),
    }
}

/// Counts that both sides have from the same source; what the kernel counts depends on the moment and is left out.
fn count_pairs(base: &Prepared, candidate: &Prepared) -> Vec<CountPair> {
    let pair = |count: &crate::record::Count| {
        let other = candidate.counts.iter().find(|other| other.name == count.name)?;
        let (base, candidate) = (repeated(count)?, repeated(other)?);
        let same_source = count.provenance == other.provenance && count.provenance == Provenance::Software;
        let (name, provenance) = (count.name.clone(), count.provenance.clone());
        same_source.then_some(CountPair { name, base, candidate, provenance })
    };
    base.counts.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Count;

    fn prepared(counts: &[(&str, f64, Provenance)]) -> Prepared {
        let count = |(name, per_op, provenance): &(&str, f64, Provenance)| {
            Count::new(name, Ok(*per_op), provenance.clone())
        };
        Prepared {
            ns_per_op: 1.0,
            cycle_ops: 1,
            counts: counts.iter().map(count).collect(),
            facts: Vec::new(),
            checksum: String::new(),
            build_offset: 0,
            point: 0,
        }
    }

    #[test]
    fn a_new_system_call_of_every_operation_is_seen_and_a_rare_wait_is_not() {
        let calls = |per_op| prepared(&[("syscalls", per_op, Provenance::Software)]);
        let pair = |base, candidate| {
            let pair = count_pairs(&calls(base), &calls(candidate)).swap_remove(0);
            (pair.base, pair.candidate)
        };
        assert_eq!(pair(0.0, 1.0), (0.0, 1.0));
        assert_eq!(pair(0.0, 0.02), (0.0, 0.0));
    }

    #[test]
    fn only_exact_counts_of_one_source_are_paired() {
        let base = prepared(&[
            ("allocations", 1.0, Provenance::Software),
            ("page_faults", 3.0, Provenance::Software),
            ("instructions", 9.0, Provenance::HwGeneric),
        ]);
        let candidate = prepared(&[
            ("allocations", 2.0, Provenance::Software),
            ("page_faults", 4.0, Provenance::Software),
            ("instructions", 8.0, Provenance::HwGeneric),
        ]);
        let pairs = count_pairs(&base, &candidate);
        assert_eq!(pairs.len(), 1);
        assert_eq!((pairs[0].name.as_str(), pairs[0].base, pairs[0].candidate), ("allocations", 1.0, 2.0));
    }

    #[test]
    fn a_build_that_lacks_a_row_is_not_broken() {
        let fault = died(Side::Base, "the process ended with exit status: 1: no workload votes".into());
        assert!(matches!(fault, Fault::Unavailable(why) if why.reason == Reason::OneSideOnly));
        assert!(matches!(died(Side::Base, "killed".into()), Fault::Broke(Side::Base, _)));
    }
}
