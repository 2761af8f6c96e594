//! Counters beside the clock, one file a source behind one seam. A source that cannot count here says why; which
//! sources a run uses is decided in `selection`.

pub mod callgrind;
pub mod canary;
pub mod derived;
pub mod energy;
mod facts;
pub mod heap;
pub mod perf_event;
pub mod rusage;
pub mod scripted;
mod selection;
pub mod stepped;
pub mod syscalls;
#[cfg(test)]
mod tests;

pub use facts::{facts, facts_apart, facts_of};
pub use selection::{Group, Selection, UnknownGroup};

use crate::clock::{Bracket, Clock};
use crate::isa::Isa;
use crate::record::{Count, Provenance};
use crate::unavailable::Unavailable;
use std::borrow::Cow;
use std::sync::Arc;

/// A way to count something over a region.
pub trait Source: Sync {
    /// Name of the facility that counts: `heap`, `perf_event`.
    fn name(&self) -> &'static str;

    /// The word that selects it.
    fn group(&self) -> Group;

    /// What it counts, in the order of its readings.
    fn events(&self) -> Vec<Event>;

    /// In which process it counts.
    fn place(&self) -> Place {
        Place::Shared
    }

    /// How many times longer an operation takes while it counts, roughly: a pass in a process of its own has as many
    /// operations as time allows.
    fn slowdown(&self) -> f64 {
        1.0
    }

    /// Program and arguments under which its own process runs a variant that needs these instruction sets; empty where the
    /// process runs by itself.
    ///
    /// # Errors
    /// Why there is no such program here, or why it cannot run such code.
    fn under(&self, needs: Isa) -> Result<Vec<String>, Unavailable> {
        let _ = needs;
        Ok(Vec::new())
    }

    /// Whether it counts the whole machine, every process of a case among it.
    fn sees_machine(&self) -> bool {
        false
    }

    /// Its own process has ended, well or badly: what it left behind is taken away.
    fn ended(&self) {}

    /// Opens the source for every thread of this process and what they will spawn. The selection that it is part of
    /// names geometries for the sources that simulate.
    ///
    /// # Errors
    /// Why none of its events can be counted here, in words.
    fn open(&self, selection: &Selection) -> Result<Box<dyn Counter>, Unavailable>;
}

/// The process in which a source counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The one that prepares the variants, after their cost has been estimated.
    Shared,
    /// One of its own that is thrown away: counting changes the process for good, or takes long.
    Own,
}

/// One thing that a source counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Name of the count, units last: `allocations`, `allocated_bytes`.
    pub name: &'static str,
    /// What it is, one line.
    pub about: &'static str,
}

/// An opened source: two reads a region, never one per operation. A source that cannot count all of its events at once
/// has the same region run several times.
pub trait Counter {
    /// Marks the start of the region.
    fn start(&mut self);

    /// What each thread that takes part calls around its operations, where the source counts threads by themselves. It
    /// is called between `start` and `stop`, on threads that stood before `open`.
    fn bracket(&self) -> Option<Arc<dyn Bracket>> {
        None
    }

    /// Operations of the next rehearsal, at most `most`: a region before the counted one, for a source that must get warm or
    /// learn what an operation costs it. None once it is ready.
    fn rehearsal(&mut self, most: u64) -> Option<u64> {
        let _ = most;
        None
    }

    /// Whether each counted region comes right after an uncounted one of the same operations: what is counted depends on
    /// what caches and predictors hold, and something else may have run since.
    fn wants_warmth(&self) -> bool {
        false
    }

    /// Operations of the counted region, at most `most`; asked once it is ready.
    fn counted_ops(&self, most: u64) -> u64 {
        most
    }

    /// Ends the region of `ops` operations: a reading for each event of this pass, in order. What `ops` is good for: a
    /// script answers by it, and a zero over no operation needs no proof.
    fn stop(&mut self, ops: u64) -> Vec<Reading>;

    /// What becomes of the pass that `stop` ended: it may not stand (and `readings` may be told so where it will never
    /// be better), and more events may wait for a pass.
    fn judge(&mut self, readings: &mut [Reading], anchor: &mut Anchor) -> Next {
        let _ = (readings, anchor);
        Next::Done
    }
}

/// What all passes over the same operations must have in common.
#[derive(Debug, Default)]
pub struct Anchor {
    /// Instructions of the first pass that counted all the time; none where none did.
    pub instructions: Option<f64>,
    /// Passes that have stood so far, or will never stand better.
    pub passes: u32,
}

/// What is to be done after a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The same pass once more: this one was disturbed.
    Again,
    /// Another pass, for further events.
    Further,
    /// Nothing: every event has its reading.
    Done,
}

/// What one event counted over a region.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Name of the count: the event's, or that with `:u` where only user mode could be counted.
    pub name: Cow<'static, str>,
    /// The count, or why there is none (starved, blind to the kernel).
    pub value: Result<f64, Unavailable>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// With what exactly it was counted (`event 0x64 umask 0x09`, `seccomp trap`); empty where the name says all.
    pub method: String,
    /// What each thread counted, the leader first; empty where threads are not told apart.
    pub threads: Vec<f64>,
    /// Whether it is a count of the whole region (lines shared) that more operations do not make more.
    pub whole: bool,
    /// Number of the pass that counted it; 0 where the source counts all of its events at once.
    pub pass: u32,
    /// What takes something from the value, in words; empty where nothing does.
    pub caveat: String,
}

/// One region under a counter: how much to run, and by which clock.
pub struct Pass<'a> {
    /// Operations to run; none in a pass that tells what a region costs by itself.
    pub ops: u64,
    bracket: Option<&'a Arc<dyn Bracket>>,
}

impl Pass<'_> {
    /// The clock that a case must run by to be counted: `usual`, unless threads are counted by themselves.
    pub fn clock(&self, usual: &Clock) -> Clock {
        self.bracket.map_or_else(|| usual.clone(), |bracket| Clock::around(bracket.clone()))
    }

    /// Runs on this thread what is to be counted where no case stands between.
    pub fn inside<R>(&self, work: impl FnOnce() -> R) -> R {
        self.bracket.inspect(|bracket| bracket.enter());
        let result = work();
        self.bracket.inspect(|bracket| bracket.leave());
        result
    }
}

impl Reading {
    /// A value that software counted exactly.
    pub fn software(name: impl Into<Cow<'static, str>>, value: u64) -> Self {
        Self::counted(name, value as f64, Provenance::Software)
    }

    /// A value of this provenance.
    pub fn counted(name: impl Into<Cow<'static, str>>, value: f64, provenance: Provenance) -> Self {
        let (name, method, caveat) = (name.into(), String::new(), String::new());
        Self {
            name,
            value: Ok(value),
            provenance,
            method,
            threads: Vec::new(),
            whole: false,
            pass: 0,
            caveat,
        }
    }

    /// A count that could not be had.
    pub fn absent(name: impl Into<Cow<'static, str>>, reason: Unavailable) -> Self {
        Self {
            value: Err(reason),
            provenance: Provenance::Unavailable,
            ..Self::counted(name, 0.0, Provenance::Unavailable)
        }
    }

    /// The same as a count of the whole region.
    pub fn of_the_region(self) -> Self {
        Self { whole: true, ..self }
    }

    /// The same, with how it was counted.
    pub fn by(self, method: impl Into<String>) -> Self {
        Self { method: method.into(), ..self }
    }

    fn per_op(self, ops: u64) -> Count {
        let per_op = |value: f64| if self.whole { value } else { value / ops as f64 };
        let threads = self.threads.into_iter().map(per_op).collect();
        Count {
            method: self.method,
            threads,
            whole: self.whole,
            pass: self.pass,
            ..Count::new(&self.name, self.value.map(per_op), self.provenance)
        }
        .but(&self.caveat)
    }
}

/// Every source, one line each. Each is read in a pass of its own.
pub static SOURCES: &[&dyn Source] = &[
    &perf_event::CORE,
    &perf_event::CACHE,
    &perf_event::MEMORY,
    &perf_event::TLB,
    &perf_event::SHARING,
    &perf_event::SIMD,
    &perf_event::TOPDOWN,
    &perf_event::BANDWIDTH,
    &perf_event::SOFTWARE,
    &rusage::Rusage,
    &heap::Heap,
    &energy::Energy,
    &stepped::Stepped,
    &syscalls::SYSCALLS,
    &callgrind::Callgrind,
    &scripted::Scripted,
];

/// Regions of no operation that tell what a region costs by itself; the least of them is taken away.
const EMPTY_REGIONS: usize = 3;

/// Counts `run`, which performs as many operations as its pass says (none, too) by the pass's clock, in passes of `ops`
/// operations for each selected source, less what `run` counts around no operation; where a source asks for warmth, it
/// performs them once more beforehand. A source that cannot count here
/// yields its counts with the reason and leaves out its passes.
///
/// # Panics
/// Where `ops` is zero: there is no count per operation of nothing.
pub fn count(selection: &Selection, ops: u64, run: &mut dyn FnMut(&Pass<'_>)) -> Vec<Count> {
    assert!(ops > 0, "a pass has at least one operation");
    let mut anchor = Anchor::default();
    let pass = |source: &dyn Source| {
        let (ops, readings) = readings(source, selection, &mut anchor, ops, run);
        readings.into_iter().map(move |reading| reading.per_op(ops))
    };
    selection.sources().flat_map(pass).collect()
}

/// The readings of a source, and over how many operations they were taken.
fn readings(
    source: &dyn Source,
    selection: &Selection,
    anchor: &mut Anchor,
    most: u64,
    run: &mut dyn FnMut(&Pass<'_>),
) -> (u64, Vec<Reading>) {
    match source.open(selection) {
        Err(reason) => {
            (most, source.events().iter().map(|e| Reading::absent(e.name, reason.clone())).collect())
        }
        Ok(mut counter) => {
            let ops = rehearse(counter.as_mut(), most, run);
            (ops, passes(counter.as_mut(), anchor, ops, run))
        }
    }
}

/// The readings of as many passes as the source wants, without those that did not stand.
fn passes(
    counter: &mut dyn Counter,
    anchor: &mut Anchor,
    ops: u64,
    run: &mut dyn FnMut(&Pass<'_>),
) -> Vec<Reading> {
    let mut readings = Vec::new();
    loop {
        let mut pass = net(counter, ops, run);
        let next = counter.judge(&mut pass, anchor);
        if next != Next::Again {
            readings.append(&mut pass);
        }
        if next == Next::Done {
            return readings;
        }
    }
}

/// Runs the rehearsals that a source wants; returns how many operations it will count.
fn rehearse(counter: &mut dyn Counter, most: u64, run: &mut dyn FnMut(&Pass<'_>)) -> u64 {
    while let Some(ops) = counter.rehearsal(most) {
        region(counter, ops, run);
    }
    counter.counted_ops(most)
}

/// Counts what `run` does on this thread, where no case stands between.
pub fn count_here(selection: &Selection, ops: u64, run: &mut dyn FnMut(u64)) -> Vec<Count> {
    count(selection, ops, &mut |pass| pass.inside(|| run(pass.ops)))
}

/// The counts of a source that refused, each with the reason.
pub fn refused(source: &dyn Source, reason: &Unavailable) -> Vec<Count> {
    source.events().iter().map(|event| Reading::absent(event.name, reason.clone()).per_op(1)).collect()
}

/// A count of a case whose followers are processes of their own, which only what counts the whole machine sees.
pub fn of_leader_alone(count: Count) -> Count {
    let of_machine = SOURCES.iter().filter(|source| source.sees_machine());
    match of_machine.flat_map(|source| source.events()).any(|event| event.name == count.name) {
        true => count,
        false => count.but("leader's process only"),
    }
}

fn net(counter: &mut dyn Counter, ops: u64, run: &mut dyn FnMut(&Pass<'_>)) -> Vec<Reading> {
    let empty: Vec<_> = (0..EMPTY_REGIONS).map(|_| region(counter, 0, run)).collect();
    if counter.wants_warmth() {
        run(&Pass { ops, bracket: None });
    }
    let mut readings = region(counter, ops, run);
    for (event, reading) in readings.iter_mut().enumerate() {
        let least = |of: &dyn Fn(&Reading) -> Option<f64>| {
            empty.iter().filter_map(|readings| of(&readings[event])).reduce(f64::min).unwrap_or(0.0)
        };
        let cost = least(&|reading| reading.value.as_ref().ok().copied());
        reading.value.iter_mut().for_each(|value| *value = (*value - cost).max(0.0));
        for (thread, value) in reading.threads.iter_mut().enumerate() {
            *value = (*value - least(&|reading| reading.threads.get(thread).copied())).max(0.0);
        }
    }
    readings
}

fn region(counter: &mut dyn Counter, ops: u64, run: &mut dyn FnMut(&Pass<'_>)) -> Vec<Reading> {
    let bracket = counter.bracket();
    counter.start();
    run(&Pass { ops, bracket: bracket.as_ref() });
    counter.stop(ops)
}
