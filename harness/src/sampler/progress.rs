//! What is known of the variants of one group while it is measured, and the rows that come of it. Pure: replies go in,
//! batch lengths, widths and rows come out.

use super::Fault;
use crate::case::placement::nearest_ns;
use crate::case::{Bounce, Stamps};
use crate::counter::derived::with_derived;
use crate::plan::{Group, LAUNCHES_MOST};
use crate::record::{Count, Counted, Latency, Launch, Measured, Outcome, Percentiles, QUIET, Row, RowBound};
use crate::unavailable::{Reason, Unavailable};
use crate::worker::{self, Batches, Done, Prepared, Rounds, Stamped};
use crate::workload::Variant;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Length of a batch of the quickest variant, ns: long against the clock's grain, short against a scheduler's tick.
const BATCH_NS: f64 = 200_000.0;

/// The same where two cores take part and the hand-over of the start adds some 100 ns.
const BATCH_TWO_SIDED_NS: f64 = 500_000.0;

/// No variant's batch is shorter, ns: a quick one beside a slow one runs a multiple of the shared count.
const LEAST_BATCH_NS: f64 = 50_000.0;

/// The same where two cores take part.
const LEAST_BATCH_TWO_SIDED_NS: f64 = 200_000.0;

/// Length of the untimed run before each timed batch, ns: some 10 us refill a first-level cache from the second, 100 us
/// a second-level cache from the third.
const WARM_NS: f64 = 100_000.0;

/// The slowest variant's batch is no longer, ns: a scheduler's tick or two, so that few batches hold somebody else's.
const LONGEST_BATCH_NS: f64 = 2e6;

/// The slowest variant makes at least this many batches a launch.
const BATCHES_A_LAUNCH: f64 = 8.0;

/// Launches below which no interval is called narrow enough: fewer say too little of how launches differ.
const LAUNCHES_TO_BE_PRECISE: u32 = 5;

/// A group under way.
pub(super) struct Progress<'a> {
    pub(super) group: &'a Group,
    variants: BTreeMap<String, OfVariant>,
    /// Launches made.
    pub(super) launches: u32,
    /// The slice of a variant in the last launch, seconds.
    pub(super) slice_s: f64,
    /// What all launches took, seconds.
    pub(super) spent_s: f64,
    /// What the last launch took beside its slices, seconds: start of the process, set-up, overlong batches.
    pub(super) extra_s: f64,
    /// Whether launches were planned and not made because the run was interrupted.
    pub(super) partial: bool,
    /// Whether launches were made or rounds labelled anew since the rows were last in the record.
    pub(super) improved: bool,
    /// Why the group is counted and not timed, once that is done.
    pub(super) untimed: Option<Unavailable>,
    /// The nearest line bounce of the run.
    nearest_ns: f64,
}

/// Everything known of one variant.
#[derive(Debug, Default)]
struct OfVariant {
    prepared: Option<Prepared>,
    /// What was counted in processes of their own.
    counted: Vec<Count>,
    batches: Option<Batches>,
    measured: Option<Measured>,
    /// Line bounces of every launch, one a round, and its single operations.
    bounces: Vec<Vec<Bounce>>,
    stamped: Vec<Stamped>,
    fault: Option<Fault>,
}

impl<'a> Progress<'a> {
    /// Nothing known but what the plan skips.
    pub(super) fn new(group: &'a Group, extra_s: f64) -> Self {
        let fresh = |p: &crate::plan::Planned| {
            let fault = p.skip.clone().map(Fault::Unavailable);
            (p.variant.name.to_owned(), OfVariant { fault, ..OfVariant::default() })
        };
        let variants = group.variants.iter().map(fresh).collect();
        let (launches, slice_s, spent_s, nearest_ns) = (0, 0.0, 0.0, f64::INFINITY);
        let (partial, improved, untimed) = (false, false, None);
        Self { group, variants, launches, slice_s, spent_s, extra_s, partial, improved, untimed, nearest_ns }
    }

    /// The variants without a fault, in table order.
    pub(super) fn alive(&self) -> Vec<String> {
        self.named(|variant| variant.fault.is_none())
    }

    /// The variants that are ready to be timed, in table order.
    pub(super) fn measurable(&self) -> Vec<String> {
        self.named(|variant| variant.fault.is_none() && variant.batches.is_some())
    }

    /// Rough cost of an operation of a variant that is prepared.
    pub(super) fn ns_per_op(&self, variant: &str) -> Option<f64> {
        Some(self.variants.get(variant)?.prepared.as_ref()?.ns_per_op)
    }

    fn named(&self, wanted: impl Fn(&OfVariant) -> bool) -> Vec<String> {
        let planned = self.group.variants.iter().map(|p| p.variant.name);
        planned.filter(|name| self.variants.get(*name).is_some_and(&wanted)).map(str::to_owned).collect()
    }

    /// Leaves out the variants that are not wanted.
    pub(super) fn retain(&mut self, mut wanted: impl FnMut(&str) -> bool) {
        self.variants.retain(|name, _| wanted(name));
    }

    /// The variants that are left, in table order, each with its fault.
    pub(super) fn faults(mut self) -> Vec<(String, Option<Fault>)> {
        let names = self.named(|_| true);
        let fault = |name: &String| self.variants.remove(name).and_then(|variant| variant.fault);
        let faults: Vec<Option<Fault>> = names.iter().map(fault).collect();
        names.into_iter().zip(faults).collect()
    }

    /// Files one reply with its variant.
    pub(super) fn take(&mut self, variant: &str, result: Done) {
        let launch = self.launches;
        let Some(variant) = self.variants.get_mut(variant) else { return };
        match result {
            Done::Checked | Done::Profiled(_) => {}
            Done::Prepared(prepared) => variant.prepared = Some(prepared),
            Done::Counted(counts) => variant.counted.extend(counts),
            Done::Rounds(rounds) => variant.add(launch, rounds),
            Done::Unavailable(unavailable) => variant.fault = Some(Fault::Unavailable(unavailable)),
            Done::Broke(message) => variant.fault = Some(Fault::Broke(message)),
        }
    }

    /// The nearest line bounce of the group; infinite where none was measured.
    pub(super) fn own_nearest_ns(&self) -> f64 {
        nearest_ns(self.variants.values().flat_map(|variant| &variant.bounces).flatten())
    }

    /// Tells near from far beside the nearest bounce of the run. A label that changes after the rows were handed over makes
    /// them worth handing over again.
    pub(super) fn place(&mut self, nearest_ns: f64) {
        self.nearest_ns = nearest_ns;
        let changed = self.variants.values_mut().map(|variant| variant.place(nearest_ns));
        self.improved |= changed.fold(false, |any, changed| any | changed);
    }

    /// Counts a launch that has been made.
    pub(super) fn launched(&mut self, slice_s: f64, took_s: f64) {
        self.launches += 1;
        self.slice_s = slice_s;
        self.spent_s += took_s;
        self.extra_s = (took_s - slice_s * self.measurable().len() as f64).max(0.0);
        self.improved = true;
    }

    /// Settles how long every variant's batches are.
    pub(super) fn choose_batches(&mut self, slice_s: f64, cold: bool) {
        let shared = self.shared_ops(slice_s);
        let two_sided = self.group.point.cpus > 1;
        self.variants.values_mut().for_each(|variant| variant.choose_batches(shared, two_sided, cold));
    }

    /// The operation count that all variants share: a long batch of the quickest, several batches a launch of the
    /// slowest.
    fn shared_ops(&self, slice_s: f64) -> u64 {
        let prepared = || self.variants.values().filter_map(|variant| variant.prepared.as_ref());
        let quickest = prepared().map(|p| p.ns_per_op).fold(f64::MAX, f64::min);
        let slowest = prepared().map(|p| p.ns_per_op).fold(0.01, f64::max);
        let batch_ns = if self.group.point.cpus > 1 { BATCH_TWO_SIDED_NS } else { BATCH_NS };
        let longest_ns = (slice_s * 1e9 / BATCHES_A_LAUNCH).min(LONGEST_BATCH_NS);
        let ops = (batch_ns / quickest).min(longest_ns / slowest);
        let cycle_ops = prepared().map(|p| p.cycle_ops).max().unwrap_or(1);
        (ops.clamp(1.0, 1e9) as u64).next_multiple_of(cycle_ops)
    }

    /// The batches of some variants, in their order.
    pub(super) fn batches(&self, names: &[String]) -> Vec<Batches> {
        names.iter().filter_map(|name| self.variants.get(name)?.batches).collect()
    }

    /// Half the widest 95 % interval of the rows, as a share of its value; infinite where too few launches bound nothing.
    pub(super) fn width(&self) -> f64 {
        let rows = self.variants.values().filter(|variant| variant.fault.is_none());
        let times = rows.filter_map(|variant| Some(variant.measured.as_ref()?.time()));
        let widths = times.map(|time| time.relative_half_width());
        widths.map(|width| if width.is_nan() { f64::INFINITY } else { width }).fold(0.0, f64::max)
    }

    /// Whether every row's interval is as narrow as was asked for.
    pub(super) fn is_precise(&self, precision: Option<f64>) -> bool {
        precision.is_some_and(|share| self.launches >= LAUNCHES_TO_BE_PRECISE && self.width() <= share)
    }

    /// Whether further launches can be made.
    pub(super) fn can_go_on(&self) -> bool {
        self.launches < LAUNCHES_MOST && !self.measurable().is_empty()
    }

    /// The rows as they stand.
    pub(super) fn rows(&self) -> Vec<Row> {
        let outcome = |name: &str| match (self.variants.get(name), &self.untimed) {
            (None, _) => not_reached(),
            (Some(variant), None) => variant.outcome(self.nearest_ns),
            (Some(variant), Some(untimed)) => variant.counts_only(untimed, self.group.point.cpus),
        };
        self.group.variants.iter().map(|p| self.row(p.variant, outcome(p.variant.name))).collect()
    }

    fn row(&self, variant: &Variant, outcome: Outcome) -> Row {
        let group = self.group;
        Row {
            workload: group.workload.name.into(),
            point: group.point.name.into(),
            variant: variant.name.into(),
            role: variant.role.name().into(),
            source: group.workload.source.into(),
            about: variant.about.into(),
            unit_of_work: group.point.unit_of_work.into(),
            isa: variant.needs.names().into_iter().map(str::to_owned).collect(),
            bound: group.point.bound.ok().map(|b| RowBound {
                limit: b.limit.into(),
                times: b.times,
                why: b.why.into(),
            }),
            unbounded: group.point.bound.err().map(str::to_owned),
            cpus: group.cpus.clone(),
            partial: self.partial,
            outcome,
        }
    }
}

impl OfVariant {
    fn add(&mut self, launch: u32, rounds: Rounds) {
        let Some(measured) = &mut self.measured else { return };
        let percentiles = rounds.stamped.stamps().map(|stamps| percentiles(&stamps.all));
        let disturbed = rounds.marks.chars().any(|mark| mark != QUIET);
        measured.launches.push(Launch {
            launch,
            rounds_ns_per_op: rounds.ns_per_op,
            marks: if disturbed { rounds.marks } else { String::new() },
            warm_up_batches: rounds.warm_up_batches,
            stolen_ms: rounds.stolen_ms,
            waited_ms: rounds.waited_ms,
            classes: String::new(),
            bounce_ns: rounds.bounces.iter().map(Bounce::mean_ns).collect(),
            percentiles,
        });
        self.bounces.push(rounds.bounces);
        self.stamped.push(rounds.stamped);
    }

    /// Labels every round; whether a label changed.
    fn place(&mut self, nearest_ns: f64) -> bool {
        let mut changed = false;
        for (launch, bounces) in self.measured.iter_mut().flat_map(|m| &mut m.launches).zip(&self.bounces) {
            let classes = bounces.iter().map(|bounce| bounce.class(nearest_ns)).collect();
            changed |= launch.classes != classes;
            launch.classes = classes;
        }
        changed
    }

    /// Single operations of the launches that were stamped where most rounds were made: classes are never mixed.
    fn stamps(&self, class: Option<char>, nearest_ns: f64) -> Option<Stamps> {
        let of_class = |s: &&Stamped| s.bounce.map(|bounce| bounce.class(nearest_ns)) == class;
        let mut launches = self.stamped.iter().filter(of_class).filter_map(Stamped::stamps);
        let mut all = launches.next()?;
        launches.for_each(|more| all.add(&more));
        Some(all)
    }

    /// A whole multiple of the shared count that is long against the clock's grain, and enough untimed operations
    /// before it to be warm. In a cold run the shortest batch there is: what follows its first operations is warm.
    fn choose_batches(&mut self, shared: u64, two_sided: bool, cold: bool) {
        let Some(prepared) = &self.prepared else { return };
        let least_ns = if two_sided { LEAST_BATCH_TWO_SIDED_NS } else { LEAST_BATCH_NS };
        let shared_ns = shared as f64 * prepared.ns_per_op;
        let ops = shared * (least_ns / shared_ns).ceil().clamp(1.0, 1e6) as u64;
        let warm_ops = (WARM_NS / prepared.ns_per_op).ceil().clamp(1.0, ops as f64) as u64;
        let batches = match cold {
            true => Batches { ops: prepared.cycle_ops, warm_ops: 0 },
            false => Batches { ops, warm_ops: warm_ops.next_multiple_of(prepared.cycle_ops) },
        };
        self.batches = Some(batches);
        self.measured = Some(Measured {
            ops_per_batch: batches.ops,
            launches: Vec::new(),
            latency: None,
            latency_parts: BTreeMap::new(),
            counts: self.all_counts(prepared),
            facts: prepared.facts.clone(),
            checksum: prepared.checksum.clone(),
        });
    }

    fn all_counts(&self, prepared: &Prepared) -> Vec<Count> {
        with_derived(prepared.counts.iter().chain(&self.counted).cloned().collect())
    }

    /// What threads do to each other hangs on time, so that cases of several report nothing beside their counts.
    fn counts_only(&self, untimed: &Unavailable, cpus: usize) -> Outcome {
        match (&self.fault, &self.prepared) {
            (Some(fault), _) => fault.clone().into(),
            (None, None) => not_reached(),
            (None, Some(prepared)) => {
                let facts = if cpus > 1 { Vec::new() } else { prepared.facts.clone() };
                let counts = self.all_counts(prepared);
                Outcome::Counted(Counted::new(untimed.clone(), counts, facts, prepared.checksum.clone()))
            }
        }
    }

    fn outcome(&self, nearest_ns: f64) -> Outcome {
        match (&self.fault, &self.measured) {
            (Some(fault), _) => fault.clone().into(),
            (None, Some(measured)) if !measured.launches.is_empty() => {
                let mut measured = measured.clone();
                if let Some(stamps) = self.stamps(measured.class(), nearest_ns) {
                    measured.latency = Some(latency(&stamps.all));
                    let parts = stamps.parts.iter().map(|(name, part)| (name.clone(), latency(part)));
                    measured.latency_parts = parts.collect();
                }
                Outcome::Measured(measured)
            }
            _ => not_reached(),
        }
    }
}

fn not_reached() -> Outcome {
    Outcome::Unavailable(interrupted())
}

/// Why a row that was planned has nothing.
pub(super) fn interrupted() -> Unavailable {
    Unavailable::new(
        Reason::Interrupted,
        "the run ended before it was measured; go on with `run --resume`, or give it a larger --budget",
    )
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(unavailable) => Outcome::Unavailable(unavailable),
            Fault::Broke(message) => Outcome::Broke { message },
        }
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1000.0;
    Percentiles { p50_ns: at(0.5), p90_ns: at(0.9), p99_ns: at(0.99), p999_ns: at(0.999) }
}

fn latency(histogram: &Histogram<u64>) -> Latency {
    let Percentiles { p50_ns, p90_ns, p99_ns, p999_ns } = percentiles(histogram);
    Latency {
        samples: histogram.len(),
        p50_ns,
        p90_ns,
        p99_ns,
        p999_ns,
        max_ns: histogram.max() as f64 / 1000.0,
        histogram_v2: worker::encode(histogram),
    }
}
