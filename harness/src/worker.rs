//! What a fresh process does: takes one job, checks or times the named variants side by side, and tells what came of
//! each, one reply a line. Who starts the process is `launch`; what follows from the replies is `sampler`.

mod contender;
mod evictor;
mod evidence;
mod histogram;
mod job;
mod settled;
#[cfg(test)]
mod tests;

pub use histogram::{Stamped, decode, encode};

pub use job::{Batches, Done, Job, Prepared, Reply, Rounds, Task};

use crate::case::Case;
use crate::clock::Clock;
use crate::counter::{self, Place};
use crate::duel::arm;
use crate::isa::Granted;
use crate::machine::interference::{self, Interference};
use crate::machine::probe::pin;
use crate::profile;
use crate::record::{Count, Profile};
use crate::stats::random::Random;
use crate::unavailable::Unavailable;
use crate::workload::{Point, Registry, Setup, Variant, Workload, key};
use contender::Contender;
use evictor::Evictor;
use evidence::Witness;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Operations in the first batch of a case, whose checksum goes into the record.
pub const FIRST_OPS: u64 = 16;

/// Rounds that a launch makes at most: more tell nothing of launches.
const MAX_ROUNDS: usize = 120;

/// Rounds that a launch makes at least, even over its time.
const MIN_ROUNDS: usize = 3;

/// Share of a slice that warming up may take at most, and that stamping single operations takes where it is asked for.
const WARM_UP_SHARE: f64 = 0.2;
const STAMP_SHARE: f64 = 0.25;

/// Length of the batch from which an operation's cost is estimated, ns.
const ESTIMATE_NS: f64 = 2e6;

/// Time that the counting passes may take, ns.
const COUNT_NS: f64 = 5e6;

/// Does a job; every reply is handed over as soon as it is known.
///
/// # Errors
/// A job that names what the registry does not hold.
pub fn work(registry: Registry, job: &Job, reply: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let bench = Bench::open(registry, job)?;
    if let Some(cpu) = job.cpus.first() {
        pin(*cpu);
    }
    match &job.task {
        Task::Check => bench.each(reply, |variant| bench.check(variant).map(|()| Done::Checked)),
        Task::Prepare => bench.each(reply, |variant| bench.prepare(variant).map(Done::Prepared)),
        Task::Count => bench.each(reply, |variant| bench.count(variant).map(Done::Counted)),
        Task::Profile(request) => bench.each(reply, |variant| bench.profile(variant, request)),
        Task::Measure { launch, batches, slice_s } => bench.measure(reply, *launch, batches, slice_s * 1e9),
        Task::Duel { .. } => return Err("a side of a contest takes commands".into()),
    }
    Ok(())
}

/// Does a job whose steps are commanded one by one.
///
/// # Errors
/// A job that names what the registry does not hold.
pub fn duel(
    registry: Registry,
    job: &Job,
    commands: &mut dyn Iterator<Item = arm::Command>,
    answer: &mut dyn FnMut(arm::Answer),
) -> Result<(), String> {
    let Task::Duel { spins } = job.task else { return Err("not a side of a contest".into()) };
    let mut bench = Bench::open(registry, job)?;
    bench.clock = bench.clock.delayed(spins);
    if let Some(cpu) = job.cpus.first() {
        pin(*cpu);
    }
    arm::serve(&bench, commands, answer);
    Ok(())
}

/// Operations that are counted: a power of ten, so that what happens once in a while falls on as many of them in every run.
fn counted_ops(ns_per_op: f64) -> u64 {
    let most = (COUNT_NS / ns_per_op.max(0.1)).clamp(1.0, 10_000.0);
    10u64.pow(most.log10() as u32)
}

/// Why a variant yields nothing.
pub(crate) enum Fault {
    Unavailable(Unavailable),
    Broke(String),
}

impl From<Unavailable> for Fault {
    fn from(unavailable: Unavailable) -> Self {
        Fault::Unavailable(unavailable)
    }
}

impl Done {
    /// Says of rounds what others took from the machine meanwhile.
    fn among(self, taken: Interference) -> Self {
        match self {
            Done::Rounds(rounds) => {
                let Interference { stolen_ms, waited_ms } = taken;
                Done::Rounds(Rounds { stolen_ms, waited_ms, ..rounds })
            }
            other => other,
        }
    }
}

impl From<Fault> for Done {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(unavailable) => Done::Unavailable(unavailable),
            Fault::Broke(message) => Done::Broke(message),
        }
    }
}

/// A job with what its names stand for.
pub(crate) struct Bench<'a> {
    job: &'a Job,
    workload: &'static Workload,
    point: &'static Point,
    variants: Vec<&'static Variant>,
    pub(crate) clock: Clock,
    evictor: Option<RefCell<Evictor>>,
    witness: Box<Witness>,
}

impl<'a> Bench<'a> {
    fn open(registry: Registry, job: &'a Job) -> Result<Self, String> {
        let workload = registry.iter().find(|w| w.name == job.workload);
        let workload = workload.ok_or_else(|| format!("no workload {}", job.workload))?;
        let point = workload.points.iter().find(|p| p.name == job.point);
        let point = point.ok_or_else(|| format!("no point {}/{}", job.workload, job.point))?;
        let named = |name: &String| workload.variants.iter().find(|v| v.name == name);
        let variants: Option<Vec<_>> = job.variants.iter().map(named).collect();
        let variants = variants.ok_or_else(|| format!("no such variant among {:?}", job.variants))?;
        let clock = Clock::inherit(job.clock, &job.calibration);
        let real = clock.scripted().is_none();
        let evict_bytes = job.evict_bytes.filter(|_| real && matches!(job.task, Task::Measure { .. }));
        let evictor = evict_bytes.map(|bytes| RefCell::new(Evictor::new(bytes)));
        let witness: Box<Witness> = if real { Box::new(evidence::kernel) } else { Box::new(|| None) };
        Ok(Self { job, workload, point, variants, clock, evictor, witness })
    }

    fn is_cold(&self) -> bool {
        self.job.evict_bytes.is_some()
    }

    fn evict(&self) {
        if let Some(evictor) = &self.evictor {
            evictor.borrow_mut().evict();
        }
    }

    /// Whether single operations are stamped: in a cold run only the first of them would be cold.
    fn stamps(&self) -> bool {
        self.point.latency && !self.is_cold()
    }

    /// What others have taken from the measuring CPU so far.
    fn interference(&self) -> Interference {
        match (self.clock.scripted(), self.job.cpus.first()) {
            (None, Some(cpu)) => interference::read(*cpu),
            _ => Interference::default(),
        }
    }

    fn setup(&self, variant: &Variant) -> Result<Setup<'_>, Unavailable> {
        Ok(Setup {
            point: self.point,
            granted: Granted::check(variant.needs)?,
            cpus: &self.job.cpus,
            seed: self.job.seed,
            inputs: &self.job.inputs,
        })
    }

    /// The case of the first variant.
    pub(crate) fn build_only(&self) -> Result<Box<dyn Case>, Fault> {
        let variant = self.variants.first().expect("a job names a variant");
        Ok((variant.build)(&self.setup(variant)?)?)
    }

    fn each(&self, reply: &mut dyn FnMut(Reply), work: impl Fn(&'static Variant) -> Result<Done, Fault>) {
        for variant in &self.variants {
            reply(Reply::Begin { variant: variant.name.into() });
            let result = guarded(|| work(variant)).unwrap_or_else(Done::from);
            reply(Reply::Outcome { variant: variant.name.into(), result });
        }
    }

    fn check(&self, variant: &'static Variant) -> Result<(), Fault> {
        let setup = self.setup(variant)?;
        (variant.check)(&setup).map_err(|broken| Fault::Broke(format!("check failed: {broken}")))
    }

    fn prepare(&self, variant: &'static Variant) -> Result<Prepared, Fault> {
        self.check(variant)?;
        self.script(variant, "prepare");
        let mut case = (variant.build)(&self.setup(variant)?)?;
        let checksum = format!("{:016x}", case.batch(FIRST_OPS, &self.clock).checksum);
        let ns_per_op = self.estimate(case.as_mut());
        let ops = self.job.counted_ops.unwrap_or_else(|| counted_ops(ns_per_op));
        let ops = ops.next_multiple_of(case.cycle_ops());
        let counts = self.counted(case.as_mut(), ops, Place::Shared);
        Ok(Prepared {
            ns_per_op,
            cycle_ops: case.cycle_ops(),
            counts,
            facts: case.facts(),
            checksum,
            build_offset: build_offset(variant),
            point: Random::hash(&format!("{:?}", self.point)),
        })
    }

    /// The counts of the sources that belong in such a process, per unit of work.
    fn counted(&self, case: &mut dyn Case, ops: u64, place: Place) -> Vec<Count> {
        let units = case.units_per_op();
        let counts = counter::count(&self.job.counters.of(place), ops, &mut |pass| {
            case.batch(pass.ops, &pass.clock(&self.clock));
        });
        let seen = |count| if case.is_of_one_process() { count } else { counter::of_leader_alone(count) };
        counts.into_iter().map(|count| seen(count.each(units))).collect()
    }

    /// Counts alone, in a process that ends thereafter: warm, over as many operations as every source may take.
    fn count(&self, variant: &'static Variant) -> Result<Vec<Count>, Fault> {
        let mut case = (variant.build)(&self.setup(variant)?)?;
        let ops = self.job.counted_ops.unwrap_or(1).next_multiple_of(case.cycle_ops());
        case.batch(ops.max(FIRST_OPS.next_multiple_of(case.cycle_ops())), &self.clock);
        Ok(self.counted(case.as_mut(), ops, Place::Own))
    }

    fn profile(&self, variant: &'static Variant, request: &profile::Request) -> Result<Done, Fault> {
        self.check(variant)?;
        let mut case = (variant.build)(&self.setup(variant)?)?;
        let profile = profile::profile(case.as_mut(), &self.clock, request)?;
        let row = key(self.workload.name, self.point.name, variant.name);
        Ok(Done::Profiled(Box::new(Profile { row, ..profile })))
    }

    /// Doubles the batch until it is long enough to tell an operation's cost.
    fn estimate(&self, case: &mut dyn Case) -> f64 {
        let mut ops = FIRST_OPS;
        loop {
            let elapsed_ns = case.batch(ops, &self.clock).elapsed_ns;
            if elapsed_ns >= ESTIMATE_NS || ops >= 1 << 32 {
                return (elapsed_ns / ops as f64).max(0.01);
            }
            ops *= if elapsed_ns < ESTIMATE_NS / 20.0 { 8 } else { 2 };
        }
    }

    fn measure(&self, reply: &mut dyn FnMut(Reply), launch: u32, batches: &[Batches], slice_ns: f64) {
        let mut random = Random::new(self.job.seed ^ u64::from(launch) << 32);
        let mut contenders = self.build(reply, batches, &mut random);
        let before = self.interference();
        let share = 1.0 - if self.stamps() { STAMP_SHARE } else { 0.0 };
        let end_ns = self.clock.now_ns() + slice_ns * share * contenders.len() as f64;
        for contender in contenders.iter_mut() {
            contender.warm_up(slice_ns * WARM_UP_SHARE);
        }
        self.rounds(&mut contenders, &mut random, launch, end_ns);
        let taken = self.interference().since(before);
        for contender in contenders {
            let variant = contender.variant.name.to_owned();
            let result = contender.finish(launch, slice_ns * STAMP_SHARE).among(taken);
            reply(Reply::Outcome { variant, result });
        }
    }

    /// Builds the variants in random order: who is built first gets the lowest addresses of the heap.
    fn build(
        &self,
        reply: &mut dyn FnMut(Reply),
        batches: &[Batches],
        random: &mut Random,
    ) -> Vec<Contender<'_>> {
        let mut order: Vec<_> = self.variants.iter().copied().zip(batches.iter().copied()).collect();
        random.shuffle(&mut order);
        let mut contenders = Vec::new();
        for (variant, batches) in order {
            match guarded(|| Ok((variant.build)(&self.setup(variant)?)?)) {
                Ok(case) => contenders.push(Contender::new(self, variant, batches, case)),
                Err(fault) => reply(Reply::Outcome { variant: variant.name.into(), result: fault.into() }),
            }
        }
        contenders
    }

    /// Rounds in random order, every second one reversed, so that drift falls on all alike.
    fn rounds(&self, contenders: &mut [Contender<'_>], random: &mut Random, launch: u32, end_ns: f64) {
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        for round in 0..MAX_ROUNDS {
            match round % 2 {
                0 => random.shuffle(&mut order),
                _ => order.reverse(),
            }
            for contender in &order {
                let contender = &mut contenders[*contender];
                self.script(contender.variant, &format!("{launch}/{round}"));
                contender.round(end_ns);
            }
            if round + 1 >= MIN_ROUNDS && self.clock.now_ns() >= end_ns {
                return;
            }
        }
    }

    /// On the scripted clock: starts the script of one step of one row.
    fn script(&self, variant: &Variant, step: &str) {
        if let Some(script) = self.clock.scripted() {
            let row = key(self.workload.name, self.point.name, variant.name);
            let ns_per_op = 1000.0 + (Random::hash(&row) % 90_000) as f64 / 10.0;
            script.begin(&format!("{row}/{step}"), ns_per_op);
        }
    }
}

unsafe extern "C" {
    /// Placed by the linker at the start of the image.
    static __executable_start: u8;
}

fn build_offset(variant: &Variant) -> u64 {
    (variant.build as usize).wrapping_sub((&raw const __executable_start).addr()) as u64
}

/// Runs `work`; a panic becomes a fault that carries its message.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text =
            text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message");
        Err(Fault::Broke(format!("panicked: {text}")))
    })
}
