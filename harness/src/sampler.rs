//! Runs a plan: prepares each group in a fresh process, measures it in several more, and hands over rows as they are
//! complete. The only stage that touches the world; what it decides from replies is pure.

use crate::case::Stamps;
use crate::clock::{ClockChoice, ClockFacts};
use crate::event::{Event, Onlooker};
use crate::launch::{Died, Launcher};
use crate::plan::{Group, Plan, Request};
use crate::record::{Latency, Launch, Line, Measured, Outcome, Percentiles, Row, RowBound};
use crate::unavailable::{Reason, Unavailable};
use crate::worker::{self, Batches, Done, Job, Prepared, Reply, Rounds, Task};
use crate::workload::Variant;
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// What a run needs from outside.
pub struct Run<'a> {
    /// What the user asked for.
    pub request: &'a Request,
    /// What follows from it.
    pub plan: &'a Plan,
    /// Calibration that fresh processes inherit.
    pub calibration: ClockFacts,
    /// Who does the jobs.
    pub launcher: &'a mut dyn Launcher,
    /// Who watches.
    pub onlooker: &'a mut dyn Onlooker,
    /// Set from outside to end the run after the launch under way.
    pub stop: &'a AtomicBool,
    /// When the run began: the budget counts from here.
    pub started: Instant,
}

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

/// Everything known of one variant of the group under way.
#[derive(Debug, Default)]
struct Progress {
    prepared: Option<Prepared>,
    batches: Option<Batches>,
    launches: Vec<Launch>,
    /// One distribution a placement class: classes are never mixed.
    stamps: BTreeMap<Option<char>, Stamps>,
    fault: Option<Fault>,
}

/// Why a variant yields nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be had here.
    Unavailable(Unavailable),
    /// A failed check, a panic, a signal: what happened.
    Broke(String),
}

impl Run<'_> {
    /// Measures every group; `sink` gets each row's line as soon as its group is complete.
    ///
    /// # Errors
    /// What `sink` says: a record that cannot be written ends the run.
    pub fn measure(&mut self, sink: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
        let plan = self.plan;
        self.onlooker.on(&Event::Planned(plan));
        for (index, group) in plan.groups.iter().enumerate() {
            let rows = self.group(group, index);
            for row in &rows {
                sink(Line::Row(Box::new(row.clone())))?;
            }
            self.onlooker.on(&Event::GroupDone { rows: &rows });
        }
        Ok(())
    }

    /// Checks every variant that can run here once; hands over `workload/variant` and what is wrong with it, if anything.
    pub fn check(&mut self, told: &mut dyn FnMut(&str, Option<Fault>)) {
        let plan = self.plan;
        let mut seen = BTreeSet::new();
        for group in &plan.groups {
            let mut progress = self.begin(group);
            progress.retain(|name, _| seen.insert((group.workload.name, name.clone())));
            let passed = self.each_once(group, &mut progress, Task::Check);
            for name in in_order(group, progress.keys().cloned().collect()) {
                let row = format!("{}/{name}", group.workload.name);
                let fault = progress.remove(&name).and_then(|p| p.fault);
                let missed = || (!passed.contains(&name)).then(|| Fault::Unavailable(interrupted()));
                told(&row, fault.or_else(missed));
            }
        }
    }

    fn group(&mut self, group: &Group, index: usize) -> Vec<Row> {
        self.onlooker.on(&Event::GroupStarted { group: &group.name() });
        let mut progress = self.begin(group);
        self.each_once(group, &mut progress, Task::Prepare);
        let shared = shared_ops(group, &progress, self.plan.slice_s);
        progress.values_mut().for_each(|p| p.choose_batches(group, shared));
        for launch in 0..self.plan.launches {
            if self.stopped() || measurable(group, &progress).is_empty() {
                break;
            }
            let slice_s = self.slice_s(index, launch);
            self.launch(group, &mut progress, launch, slice_s);
            let (done, of) = (launch as usize + 1, self.plan.launches as usize);
            self.onlooker.on(&Event::Launched { group: &group.name(), done, of });
        }
        rows(group, progress)
    }

    fn begin(&self, group: &Group) -> BTreeMap<String, Progress> {
        let fault = |skip: &Option<Unavailable>| skip.clone().map(Fault::Unavailable);
        let fresh = |p: &crate::plan::Planned| {
            (p.variant.name.to_owned(), Progress { fault: fault(&p.skip), ..Progress::default() })
        };
        group.variants.iter().map(fresh).collect()
    }

    /// Does a task that takes the variants one after the other; where one kills its process, the rest get another.
    /// Returns the variants that were checked.
    fn each_once(
        &mut self,
        group: &Group,
        progress: &mut BTreeMap<String, Progress>,
        task: Task,
    ) -> Vec<String> {
        let mut checked = Vec::new();
        let mut left = in_order(group, alive(progress).map(str::to_owned).collect());
        while !left.is_empty() && !self.stopped() {
            let mut under_way = left[0].clone();
            let job = self.job(group, &left, task.clone());
            let died = self.launcher.launch(&job, &mut |reply| match reply {
                Reply::Begin { variant } => under_way = variant,
                Reply::Outcome { variant, result } => {
                    if result == Done::Checked {
                        checked.push(variant.clone());
                    }
                    left.retain(|name| *name != variant);
                    take(progress, &variant, result, 0);
                }
            });
            let Err(Died(message)) = died else { break };
            if !self.stopped() {
                take(progress, &under_way, Done::Broke(message), 0);
            }
            left.retain(|name| *name != under_way);
        }
        checked
    }

    /// Measures all variants side by side. Should the process die, each is tried alone to find the one that breaks, and
    /// the others are measured together again, so that launches stay paired.
    fn launch(
        &mut self,
        group: &Group,
        progress: &mut BTreeMap<String, Progress>,
        launch: u32,
        slice_s: f64,
    ) {
        let all = measurable(group, progress);
        if self.side_by_side(group, progress, &all, launch, slice_s).is_ok() {
            return;
        }
        for name in &all {
            let alone = self.try_alone(group, progress, name, launch, slice_s);
            if let (Err(Died(message)), false) = (alone, self.stopped()) {
                take(progress, name, Done::Broke(message), launch);
            }
        }
        let left = measurable(group, progress);
        let again =
            if self.stopped() { Ok(()) } else { self.side_by_side(group, progress, &left, launch, slice_s) };
        if let (Err(Died(message)), false) = (again, self.stopped()) {
            left.iter().for_each(|name| take(progress, name, Done::Broke(message.clone()), launch));
        }
    }

    fn side_by_side(
        &mut self,
        group: &Group,
        progress: &mut BTreeMap<String, Progress>,
        names: &[String],
        launch: u32,
        slice_s: f64,
    ) -> Result<(), Died> {
        let mut replies = Vec::new();
        let job = self.job(group, names, measure(progress, names, launch, slice_s));
        self.launcher.launch(&job, &mut |reply| replies.push(reply))?;
        for reply in replies {
            if let Reply::Outcome { variant, result } = reply {
                take(progress, &variant, result, launch);
            }
        }
        Ok(())
    }

    fn try_alone(
        &mut self,
        group: &Group,
        progress: &BTreeMap<String, Progress>,
        name: &String,
        launch: u32,
        slice_s: f64,
    ) -> Result<(), Died> {
        let names = std::slice::from_ref(name);
        let job = self.job(group, names, measure(progress, names, launch, slice_s));
        self.launcher.launch(&job, &mut |_| {})
    }

    fn job(&self, group: &Group, variants: &[String], task: Task) -> Job {
        Job {
            workload: group.workload.name.into(),
            point: group.point.name.into(),
            variants: variants.to_vec(),
            task,
            cpus: group.cpus.clone(),
            seed: self.request.seed,
            inputs: self.request.inputs.clone(),
            counters: self.request.counters.clone(),
            clock: self.request.clock,
            calibration: self.calibration.clone(),
        }
    }

    fn stopped(&self) -> bool {
        // Set by a signal handler that publishes nothing else.
        self.stop.load(Ordering::Relaxed)
    }

    /// The time for one variant in the launch to come: what is left of the budget over what is left to do. The plan's
    /// own figure stands on the scripted clock, where nothing takes time.
    fn slice_s(&self, group: usize, launch: u32) -> f64 {
        if matches!(self.request.clock, ClockChoice::Scripted(_)) {
            return self.plan.slice_s;
        }
        let shares = |g: &Group| g.runnable().count() as f64;
        let (this, later) = self.plan.groups[group..].split_first().expect("the group is in the plan");
        let left_shares = shares(this) * f64::from(self.plan.launches - launch)
            + later.iter().map(shares).sum::<f64>() * f64::from(self.plan.launches);
        let prepare_s = later.iter().map(shares).sum::<f64>() * crate::plan::PREPARE_S;
        let left_s = self.request.budget_s - self.started.elapsed().as_secs_f64() - prepare_s;
        (left_s / left_shares).clamp(0.01, 2.0)
    }
}

fn alive(progress: &BTreeMap<String, Progress>) -> impl Iterator<Item = &str> {
    progress.iter().filter(|(_, p)| p.fault.is_none()).map(|(name, _)| name.as_str())
}

/// The variants that are ready to be timed, in table order.
fn measurable(group: &Group, progress: &BTreeMap<String, Progress>) -> Vec<String> {
    let ready = |name: &&str| progress[*name].batches.is_some();
    in_order(group, alive(progress).filter(ready).map(str::to_owned).collect())
}

fn in_order(group: &Group, names: Vec<String>) -> Vec<String> {
    let planned = group.variants.iter().map(|p| p.variant.name.to_owned());
    planned.filter(|name| names.contains(name)).collect()
}

fn interrupted() -> Unavailable {
    Unavailable::new(
        Reason::Interrupted,
        "the run ended before it was measured; run again or give it a larger --budget",
    )
}

/// Files one reply with its variant.
fn take(progress: &mut BTreeMap<String, Progress>, variant: &str, result: Done, launch: u32) {
    let Some(progress) = progress.get_mut(variant) else { return };
    match result {
        Done::Checked => {}
        Done::Prepared(prepared) => progress.prepared = Some(prepared),
        Done::Rounds(rounds) => progress.add(launch, rounds),
        Done::Unavailable(unavailable) => progress.fault = Some(Fault::Unavailable(unavailable)),
        Done::Broke(message) => progress.fault = Some(Fault::Broke(message)),
    }
}

impl Progress {
    fn add(&mut self, launch: u32, rounds: Rounds) {
        let stamps = rounds.stamps();
        let percentiles = stamps.as_ref().filter(|s| !s.all.is_empty()).map(|s| percentiles(&s.all));
        if let Some(more) = &stamps {
            self.stamps.entry(rounds.stamp_class).or_default().add(more);
        }
        let Rounds { ns_per_op: rounds_ns_per_op, classes, bounce_ns, .. } = rounds;
        self.launches.push(Launch { launch, rounds_ns_per_op, classes, bounce_ns, percentiles });
    }

    /// A whole multiple of the shared count that is long against the clock's grain, and enough untimed operations
    /// before it to be warm.
    fn choose_batches(&mut self, group: &Group, shared: u64) {
        let Some(prepared) = &self.prepared else { return };
        let two_sided = group.point.cpus > 1;
        let least_ns = if two_sided { LEAST_BATCH_TWO_SIDED_NS } else { LEAST_BATCH_NS };
        let shared_ns = shared as f64 * prepared.ns_per_op;
        let ops = shared * (least_ns / shared_ns).ceil().clamp(1.0, 1e6) as u64;
        let warm_ops = (WARM_NS / prepared.ns_per_op).ceil().clamp(1.0, ops as f64) as u64;
        self.batches = Some(Batches { ops, warm_ops: warm_ops.next_multiple_of(prepared.cycle_ops) });
    }

    fn outcome(mut self) -> Outcome {
        let (prepared, batches, launches) = match (self.fault, self.prepared, self.batches) {
            (Some(fault), ..) => return fault.into(),
            (None, Some(prepared), Some(batches)) if !self.launches.is_empty() => {
                (prepared, batches, self.launches)
            }
            _ => return Outcome::Unavailable(interrupted()),
        };
        let mut measured = Measured {
            ops_per_batch: batches.ops,
            launches,
            latency: None,
            latency_parts: BTreeMap::new(),
            counts: prepared.counts,
            facts: prepared.facts,
            checksum: prepared.checksum,
        };
        if let Some(stamps) = self.stamps.remove(&measured.class()) {
            measured.latency = Some(latency(&stamps.all));
            measured.latency_parts =
                stamps.parts.iter().map(|(name, part)| (name.clone(), latency(part))).collect();
        }
        Outcome::Measured(measured)
    }
}

fn measure(progress: &BTreeMap<String, Progress>, names: &[String], launch: u32, slice_s: f64) -> Task {
    let batches = names.iter().filter_map(|name| progress.get(name)?.batches).collect();
    Task::Measure { launch, batches, slice_s }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(unavailable) => Outcome::Unavailable(unavailable),
            Fault::Broke(message) => Outcome::Broke { message },
        }
    }
}

/// The operation count that all variants share: a long batch of the quickest, several batches a launch of the slowest.
fn shared_ops(group: &Group, progress: &BTreeMap<String, Progress>, slice_s: f64) -> u64 {
    let costs: Vec<f64> = progress.values().filter_map(|p| Some(p.prepared.as_ref()?.ns_per_op)).collect();
    let quickest = costs.iter().copied().fold(f64::MAX, f64::min);
    let slowest = costs.iter().copied().fold(0.01, f64::max);
    let batch_ns = if group.point.cpus > 1 { BATCH_TWO_SIDED_NS } else { BATCH_NS };
    let longest_ns = (slice_s * 1e9 / BATCHES_A_LAUNCH).min(LONGEST_BATCH_NS);
    let ops = (batch_ns / quickest).min(longest_ns / slowest);
    let cycles = progress.values().filter_map(|p| Some(p.prepared.as_ref()?.cycle_ops));
    (ops.clamp(1.0, 1e9) as u64).next_multiple_of(cycles.max().unwrap_or(1))
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

fn rows(group: &Group, mut progress: BTreeMap<String, Progress>) -> Vec<Row> {
    let mut outcome = |variant: &Variant| progress.remove(variant.name).unwrap_or_default().outcome();
    group.variants.iter().map(|p| row(group, p.variant, outcome(p.variant))).collect()
}

fn row(group: &Group, variant: &Variant, outcome: Outcome) -> Row {
    Row {
        workload: group.workload.name.into(),
        point: group.point.name.into(),
        variant: variant.name.into(),
        role: variant.role.name().into(),
        source: group.workload.source.into(),
        about: variant.about.into(),
        unit_of_work: group.point.unit_of_work.into(),
        isa: variant.needs.names().into_iter().map(str::to_owned).collect(),
        bound: group.point.bound.map(|b| RowBound {
            limit: b.limit.into(),
            times: b.times,
            why: b.why.into(),
        }),
        cpus: group.cpus.clone(),
        outcome,
    }
}
