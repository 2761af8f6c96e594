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
use taken::{Sampler, Setting, Stack, Taken};

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
    let pilot =
        Setting { hz: request.hz, pointers: true, stack_bytes: PILOT_STACK_BYTES, ring_bytes: RING_BYTES };
    let (source, sampler, why) = first_open(request, pilot, &modules)?;
    run.take(&Clock::around(sampler.bracket()), PILOT_S.min(request.length_s), false);
    let outer = Outer::of(&sampler.take().stacks);
    let unwinding = outer.choose(request.unwinding);
    let setting = outer.setting(Setting { ring_bytes, ..pilot }, unwinding, source == SampleClock::Signal);
    let sampler = source.open(setting, request.length_s, &modules)?;
    let ran = run.take(&Clock::around(sampler.bracket()), request.length_s, request.compare);
    let profile = Profile {
        clock: source.name().into(),
        clock_why: why,
        unwinding: unwinding.name().into(),
        ..asked(request)
    };
    Ok(told(profile, &outer, sampler.take(), &ran, unwinding, &modules))
}

/// The first source that opens, and why those before it do not.
fn first_open(
    request: &Request,
    setting: Setting,
    modules: &Modules,
) -> Result<(SampleClock, Box<dyn Sampler>, String), Unavailable> {
    let mut whys: Vec<String> = Vec::new();
    let mut last = None;
    for source in request.clock.ladder() {
        match source.open(setting, PILOT_S, modules) {
            Ok(sampler) => return Ok((*source, sampler, whys.join(". "))),
            Err(why) => {
                whys.push(format!("{}: {}", source.name(), why.detail));
                last = Some(why);
            }
        }
    }
    Err(last.expect("a ladder has a step"))
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
    taken: Taken,
    ran: &Ran,
    unwinding: Unwinding,
    modules: &Modules,
) -> Profile {
    let roles = threads::roles(taken.stacks.iter().map(|stack| stack.thread).collect());
    let notes = notes(&taken);
    let (lost, task_clock_ns) = (taken.lost.unwrap_or(0), taken.task_clock_ns);
    let index =
        |thread: u32| roles.iter().position(|(id, _)| *id == thread).expect("every thread has a role");
    let settle = |stack: Stack| outer.settle(index(stack.thread) as u32, stack, unwinding);
    let settled: Vec<_> = taken.stacks.into_iter().map(settle).collect();
    let told = told::tell(&settled, modules);
    let middle = |times: &[f64]| (!times.is_empty()).then(|| median(times));
    Profile {
        task_clock_ns,
        ops: ran.ops,
        sampled_ns_per_op: middle(&ran.sampled),
        unsampled_ns_per_op: middle(&ran.unsampled),
        lost,
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

/// What a reader should know of the samples.
fn notes(taken: &Taken) -> Vec<String> {
    let mut notes = Vec::new();
    if taken.lost.is_none() {
        notes.push("the kernel does not say how many samples it lost; Linux 6.0 and later do".into());
    }
    if (taken.covered - 1.0).abs() > MOST_UNCOVERED {
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
