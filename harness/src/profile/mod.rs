//! Samples what a case does while it runs, in its own process: where the CPU's time goes, with callers. What a profile
//! holds is `record::profile`'s affair; how it is shown, the reports'.

mod drain;
mod kernel;
mod modules;
mod perf;
mod ring;
mod run;
mod settle;
mod signal;
mod standing;
mod symbols;
mod taken;
#[cfg(test)]
mod tests;
mod threads;
mod told;
mod unwind;

use crate::case::Case;
use crate::clock::Clock;
use crate::record::{PROFILE_SCHEMA, Profile};
use crate::stats::interval::median;
use crate::unavailable::{Reason, Unavailable};
use modules::Modules;
use run::{Ran, Run};
use serde::{Deserialize, Serialize};
use settle::Outer;
use taken::{Sampler, Setting, Stack, Taken, drop_unsettled};

/// How to sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Samples in a second of each thread's running time.
    pub hz: f64,
    /// How long to sample, seconds.
    pub length_s: f64,
    /// What makes the samples.
    pub clock: SampleClock,
    /// How callers are found.
    pub unwinding: Unwinding,
    /// Whether unsampled batches run in turns with sampled ones, to tell what sampling costs.
    pub compare: bool,
}

/// What makes the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleClock {
    /// Cycles where the CPU counts them, else the kernel's CPU clock, else a signal.
    #[default]
    Best,
    /// The hardware's cycle counter.
    Cycles,
    /// The kernel's CPU clock.
    CpuClock,
    /// `SIGPROF`, which needs no perf events.
    Signal,
}

/// How callers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unwinding {
    /// Frame pointers where all of the program has them, else DWARF.
    #[default]
    Best,
    /// Chains of frame pointers: small samples.
    FramePointers,
    /// A copy of the stack, unwound by the call frame information of the program.
    Dwarf,
}

impl SampleClock {
    /// What to try, in this order.
    fn ladder(self) -> &'static [SampleClock] {
        match self {
            SampleClock::Best => &[SampleClock::Cycles, SampleClock::CpuClock, SampleClock::Signal],
            SampleClock::Cycles => &[SampleClock::Cycles],
            SampleClock::CpuClock => &[SampleClock::CpuClock],
            SampleClock::Signal => &[SampleClock::Signal],
        }
    }

    fn name(self) -> &'static str {
        match self {
            SampleClock::Best => "best",
            SampleClock::Cycles => "cycles",
            SampleClock::CpuClock => "cpu-clock",
            SampleClock::Signal => "SIGPROF",
        }
    }

    fn open(
        self,
        setting: Setting,
        length_s: f64,
        modules: &Modules,
    ) -> Result<Box<dyn Sampler>, Unavailable> {
        match self {
            SampleClock::Cycles => perf::open(perf::Source::Cycles, setting, modules),
            SampleClock::Best | SampleClock::CpuClock => perf::open(perf::Source::CpuClock, setting, modules),
            SampleClock::Signal => signal::open(setting, length_s, modules),
        }
    }
}

impl Unwinding {
    fn name(self) -> &'static str {
        match self {
            Unwinding::FramePointers => "frame pointers",
            Unwinding::Best | Unwinding::Dwarf => "DWARF",
        }
    }
}

/// Length of the pilot, from which the outer callers and the size of the stack copies are learnt, s.
const PILOT_S: f64 = 0.2;

/// Samples in a second that the pilot takes at least: a source that makes none of them is silent.
const PILOT_HZ: f64 = 200.0;

/// Bytes of stack that the pilot copies: with the rest of a record as much as one may be long.
const PILOT_STACK_BYTES: u32 = 60 << 10;

/// Bytes of a ring, unless the limit of locked memory is lower.
const RING_BYTES: usize = 1 << 20;

/// Runs batches of a warm case and samples them.
///
/// # Errors
/// Why no sampling can be had here.
pub fn profile(case: &mut dyn Case, clock: &Clock, request: &Request) -> Result<Profile, Unavailable> {
    sample(case, clock, request, RING_BYTES)
}

fn sample(
    case: &mut dyn Case,
    clock: &Clock,
    request: &Request,
    ring_bytes: usize,
) -> Result<Profile, Unavailable> {
    if clock.scripted().is_some() {
        return Err(Unavailable::new(
            Reason::Unsupported,
            "a script dictates the time; sample on a real clock",
        ));
    }
    let modules = Modules::of_process();
    let mut run = Run::new(case, clock);
    let pilot = Setting {
        hz: request.hz.max(PILOT_HZ),
        pointers: true,
        stack_bytes: PILOT_STACK_BYTES,
        ring_bytes: RING_BYTES,
    };
    let mut ladder = Ladder::of(request.clock);
    // Batches run from this very function alone: what callers a pilot's samples share must be those of all later ones.
    let (source, stacks) = loop {
        let source = ladder.step()?;
        match source.open(pilot, PILOT_S, &modules) {
            Ok(sampler) => {
                run.take(&Clock::around(sampler.bracket()), PILOT_S.min(request.length_s), false);
                let stacks = sampler.take().stacks;
                if !stacks.is_empty() {
                    break (source, stacks);
                }
                ladder.pass(source, &silent());
            }
            Err(why) => ladder.pass(source, &why),
        }
    };
    let outer = Outer::of(&stacks);
    let unwinding = outer.choose(request.unwinding);
    let setting = Setting { hz: request.hz, ring_bytes, ..pilot };
    let setting = outer.setting(setting, unwinding, source == SampleClock::Signal);
    let sampler = source.open(setting, request.length_s, &modules)?;
    let ran = run.take(&Clock::around(sampler.bracket()), request.length_s, request.compare);
    let profile = Profile {
        clock: source.name().into(),
        clock_why: ladder.whys.join(". "),
        unwinding: unwinding.name().into(),
        ..asked(request)
    };
    Ok(told(profile, &outer, sampler.take(), &ran, unwinding, &modules))
}

/// The sources that are yet to be tried, and why those that were are none.
struct Ladder {
    left: std::slice::Iter<'static, SampleClock>,
    whys: Vec<String>,
    reason: Reason,
}

impl Ladder {
    fn of(clock: SampleClock) -> Self {
        Self { left: clock.ladder().iter(), whys: Vec::new(), reason: Reason::Unsupported }
    }

    /// The next source, or why none is left.
    fn step(&mut self) -> Result<SampleClock, Unavailable> {
        self.left.next().copied().ok_or_else(|| Unavailable::new(self.reason, self.whys.join(". ")))
    }

    fn pass(&mut self, source: SampleClock, why: &Unavailable) {
        self.whys.push(format!("{}: {}", source.name(), why.detail));
        self.reason = why.reason;
    }
}

fn silent() -> Unavailable {
    let detail = "it opens, and makes no sample while the row runs; --clock cpu-clock or --clock signal may";
    Unavailable::new(Reason::Unsupported, detail)
}

fn asked(request: &Request) -> Profile {
    Profile {
        schema: PROFILE_SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        architecture: std::env::consts::ARCH.into(),
        wanted_hz: request.hz,
        ..Profile::default()
    }
}

/// Adds to the head of a profile what came of sampling.
fn told(
    head: Profile,
    outer: &Outer,
    mut taken: Taken,
    ran: &Ran,
    unwinding: Unwinding,
    modules: &Modules,
) -> Profile {
    let roles = threads::roles(taken.stacks.iter().map(|stack| stack.thread).collect());
    let all = taken.stacks.len();
    let dropped = drop_unsettled(&mut taken.stacks);
    let notes = notes(&taken, dropped as f64 / all.max(1) as f64);
    let Taken { lost, task_clock_ns, with_kernel, .. } = taken;
    let index =
        |thread: u32| roles.iter().position(|(id, _)| *id == thread).expect("every thread has a role");
    let settle = |stack: Stack| outer.settle(index(stack.thread) as u32, stack, unwinding);
    let settled: Vec<_> = taken.stacks.into_iter().map(settle).collect();
    let told = told::tell(&settled, modules);
    let middle = |times: &[f64]| (!times.is_empty()).then(|| median(times));
    Profile {
        task_clock_ns,
        ops: ran.units,
        sampled_ns_per_op: middle(&ran.sampled),
        unsampled_ns_per_op: middle(&ran.unsampled),
        lost,
        with_kernel: Some(with_kernel),
        threads: roles.into_iter().map(|(_, name)| name).collect(),
        frames: told.frames,
        stacks: told.stacks,
        samples: told.samples,
        code: told.code,
        notes,
        ..head
    }
}

/// By how much samples and the time that they stand for may differ before it is told.
const MOST_UNCOVERED: f64 = 0.02;

/// A larger share of samples taken out than this is told.
const MOST_DROPPED: f64 = 0.02;

/// What a reader should know of the samples, of which a share was taken out.
fn notes(taken: &Taken, dropped: f64) -> Vec<String> {
    let mut notes = taken.notes.clone();
    if dropped > MOST_DROPPED {
        let percent = 100.0 * dropped;
        notes.push(format!(
            "{percent:.1} % of the samples are left out, because they stand for far fewer events than the others"
        ));
    }
    if !taken.covered.is_finite() {
        notes.push(
            "the clock counted no time, so it is not known how much of it the samples stand for".into(),
        );
    }
    if taken.lost.is_none() {
        notes.push("the kernel does not say how many samples it lost; Linux 6.0 and later do".into());
    }
    if taken.covered.is_finite() && (taken.covered - 1.0).abs() > MOST_UNCOVERED {
        let percent = 100.0 * taken.covered;
        let why = match (taken.covered > 1.0, taken.with_kernel) {
            (true, _) => "threads that waited for a CPU were sampled as they went on",
            (false, true) => "timers came late or not at all",
            (false, false) => "the kernel was not sampled, so time in system calls and interrupts is missing",
        };
        notes.push(format!("the samples stand for {percent:.1} % of the time on a CPU: {why}"));
    }
    notes
}
