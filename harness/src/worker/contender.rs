//! One variant on the bench of a launch: warmed up, its rounds, the repetition of disturbed ones, its stamped pass.

use super::evidence::mark;
use super::settled::settled;
use super::{Batches, Bench, Done, Fault, Rounds, Stamped, guarded};
use crate::case::{Batch, Case, Stamps};
use crate::record::QUIET;
use crate::workload::Variant;

/// What the two clock readings around a stamped operation cost, roughly, ns.
const STAMP_NS: f64 = 40.0;

/// A variant on the bench, with the rounds it has made.
pub(super) struct Contender<'a> {
    pub(super) variant: &'static Variant,
    batches: Batches,
    case: Box<dyn Case>,
    rounds: Result<Rounds, Fault>,
    /// Rounds asked for, and those made again because the kernel saw them disturbed.
    asked: usize,
    repeated: usize,
    bench: &'a Bench<'a>,
}

impl<'a> Contender<'a> {
    pub(super) fn new(
        bench: &'a Bench<'a>,
        variant: &'static Variant,
        batches: Batches,
        case: Box<dyn Case>,
    ) -> Self {
        let rounds = Ok(Rounds::default());
        Self { variant, batches, case, rounds, asked: 0, repeated: 0, bench }
    }

    /// Runs one batch; a panic ends this variant and no other.
    fn run(&mut self, ops: u64, keep: impl FnOnce(&mut Rounds, Batch)) {
        let Ok(rounds) = &mut self.rounds else { return };
        match guarded(|| Ok(self.case.batch(ops, &self.bench.clock))) {
            Ok(batch) => keep(rounds, batch),
            Err(fault) => self.rounds = Err(fault),
        }
    }

    /// Batches until their times show no trend, or `most_ns` have passed. A cold case only gets over its first use.
    pub(super) fn warm_up(&mut self, most_ns: f64) {
        self.bench.script(self.variant, "warm-up");
        let end_ns = self.bench.clock.now_ns() + most_ns;
        let mut batches_ns = Vec::new();
        loop {
            self.run(self.batches.ops, |_, batch| batches_ns.push(batch.ns_per_unit(1.0)));
            let over = self.bench.clock.now_ns() >= end_ns || self.rounds.is_err();
            if over || self.bench.is_cold() || settled(&batches_ns) {
                break;
            }
        }
        if let Ok(rounds) = &mut self.rounds {
            rounds.warm_up_batches = batches_ns.len() as u32;
        }
    }

    /// One round, made again while it was disturbed: before `end_ns`, and at most one repetition for each round asked.
    pub(super) fn round(&mut self, end_ns: f64) {
        self.asked += 1;
        while self.attempt() != QUIET && self.repeated < self.asked && self.bench.clock.now_ns() < end_ns {
            self.repeated += 1;
        }
    }

    /// Operations to get warm again (or an eviction to get cold), then the batch that is kept, with its mark.
    fn attempt(&mut self) -> char {
        let units = self.batches.ops as f64 * self.case.units_per_op();
        self.bench.evict();
        let before = (self.bench.witness)();
        if self.batches.warm_ops > 0 {
            self.run(self.batches.warm_ops, |_, _| {});
        }
        self.run(self.batches.ops, |rounds, batch| {
            rounds.ns_per_op.push(batch.ns_per_unit(units));
            rounds.bounces.extend(batch.bounce);
        });
        let Ok(rounds) = &mut self.rounds else { return QUIET };
        let mark = mark(before, (self.bench.witness)());
        rounds.marks.push(mark);
        mark
    }

    /// The stamped pass, where the point asks for one and the caches are warm, and the result.
    pub(super) fn finish(mut self, launch: u32, stamp_ns: f64) -> Done {
        let median_ns = self.rounds.as_ref().map(|rounds| crate::stats::median(&rounds.ns_per_op));
        if let (Ok(median_ns), true) = (median_ns, self.bench.stamps()) {
            self.bench.script(self.variant, &format!("{launch}/stamps"));
            let ops = stamp_ns / (median_ns * self.case.units_per_op() + STAMP_NS);
            let ops = (ops.clamp(100.0, 50_000.0) as u64).next_multiple_of(self.case.cycle_ops());
            self.run(self.batches.warm_ops, |_, _| {});
            self.stamp(ops);
        }
        match self.rounds {
            Ok(rounds) => Done::Rounds(rounds),
            Err(fault) => fault.into(),
        }
    }

    fn stamp(&mut self, ops: u64) {
        let (case, clock, mut stamps) = (&mut self.case, &self.bench.clock, Stamps::default());
        let stamped = guarded(|| Ok(case.stamped(ops, clock, &mut stamps)));
        match (stamped, &mut self.rounds) {
            (Ok(batch), Ok(rounds)) => rounds.stamped = Stamped::new(&stamps, batch.bounce),
            (Err(fault), rounds) => *rounds = Err(fault),
            (Ok(_), Err(_)) => {}
        }
    }
}
