//! One piece of work under test: how much to inject into it for a slowdown of known size, and its comparisons.

use perfbench_harness::duel::contest::Ring;
use perfbench_harness::duel::processes::Processes;
use perfbench_harness::duel::record::Trial;
use perfbench_harness::duel::rule::Decision;
use perfbench_harness::duel::{Fault, Pairs, Side, trial};
use perfbench_harness::plan::Group;
use perfbench_harness::stats::rank::hodges_lehmann;
use serde::Serialize;
use std::path::PathBuf;

/// Slowdowns that are injected, as shares.
pub const SIZES: [f64; 4] = [0.01, 0.02, 0.05, 0.10];

/// Launches of the long paired trace that sizes what is injected.
const TRACE: u32 = 96;

/// Multiplications in the trace: some 5 % of a batch at a nanosecond each.
const TRACE_SPINS: u64 = 5_000;

/// A multiplication in a batch of a hundred microseconds makes some 1e-5 of it; a tenth of that is noise.
const LEAST_PER_SPIN: f64 = 1e-6;

/// A row and what one multiplication more a batch does to it.
pub struct Piece {
    name: String,
    processes: Processes,
    log_per_spin: f64,
}

/// A comparison with what was injected.
#[derive(Serialize)]
pub struct Injected {
    /// The size aimed at, as a share.
    pub size: f64,
    /// The comparison.
    pub trial: Trial,
}

/// A comparison of identical code, and its repetition where it gave a false alarm.
#[derive(Serialize)]
pub struct Identical {
    /// The comparison.
    pub trial: Trial,
    /// What the repetition on fresh launches said.
    pub again: Option<Trial>,
}

impl Piece {
    /// Checks the row and traces what a known number of multiplications does to its time.
    pub fn open(ring: &Ring<'_>, group: &Group, seed: u64) -> Result<Self, Fault> {
        let variant = group.runnable().next().expect("a piece has its variant");
        let [prepared, _] = ring.prepare(group, variant)?;
        let mut processes = ring.processes(group, variant);
        processes.random = perfbench_harness::stats::random::Random::new(seed);
        processes.calibrate(prepared.cycle_ops)?;
        processes.spins = TRACE_SPINS;
        let launches: Result<Vec<_>, _> = (0..TRACE).map(|launch| processes.launch(launch)).collect();
        let log_per_spin = hodges_lehmann(&trial::log_ratios(&launches?)) / TRACE_SPINS as f64;
        if !(LEAST_PER_SPIN..).contains(&log_per_spin) {
            let message = format!("{TRACE_SPINS} multiplications more a batch cannot be seen in its time");
            return Err(Fault::Broke(Side::Candidate, message));
        }
        Ok(Self { name: variant.name.into(), processes, log_per_spin })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compares identical code.
    pub fn identical(
        &mut self,
        ring: &Ring<'_>,
        base: Vec<PathBuf>,
        candidate: Vec<PathBuf>,
    ) -> Result<Identical, Fault> {
        let trial = self.compare(ring, 0, base, candidate)?;
        let rule = ring.rule.confirming(ring.rule.alpha, 1);
        let again = match trial.decision {
            Decision::Slower => Some(trial::run(&rule, &mut self.processes, trial.launches.len() as u32)?),
            _ => None,
        };
        Ok(Identical { trial, again })
    }

    /// Compares with a slowdown injected into the candidate; the sizes take turns.
    pub fn injected(
        &mut self,
        ring: &Ring<'_>,
        turn: u32,
        base: Vec<PathBuf>,
        candidate: Vec<PathBuf>,
    ) -> Result<Injected, Fault> {
        let size = SIZES[turn as usize % SIZES.len()];
        let spins = (size.ln_1p() / self.log_per_spin).round() as u64;
        Ok(Injected { size, trial: self.compare(ring, spins, base, candidate)? })
    }

    fn compare(
        &mut self,
        ring: &Ring<'_>,
        spins: u64,
        base: Vec<PathBuf>,
        candidate: Vec<PathBuf>,
    ) -> Result<Trial, Fault> {
        (self.processes.spins, self.processes.base, self.processes.candidate) = (spins, base, candidate);
        trial::run(&ring.rule, &mut self.processes, 0)
    }
}
