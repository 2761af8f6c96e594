//! The opened source: steps a region, walks what its threads did, and feeds the models. Growing rehearsals come first: they
//! warm the models and find how many operations can be stepped.

use super::tape::{End, STEPS_MOST, Tape};
use super::trap::Stepper;
use super::walk::{Walk, Walker};
use super::{MODELLED, STEPPED};
use crate::clock::Bracket;
use crate::counter::{Anchor, Counter, Event, Next, Reading, Selection};
use crate::record::Provenance;
use crate::simulate::{Access, Geometry, Model, Tracer};
use crate::unavailable::{Reason, Unavailable};
use std::sync::Arc;
use std::time::Instant;

/// Instructions of one thread that the counted region should have at most: some 0.2 s where a step traps out of a guest.
const STEPS_WANTED: usize = STEPS_MOST / 5;

/// How readings are said to have been made.
const METHOD: &str = "single steps";

/// Steps and models.
pub(super) struct Region {
    stepper: Arc<Stepper>,
    walker: Walker,
    /// The kernel's number of the thread that opened the source.
    leader: libc::pid_t,
    geometries: Vec<Geometry>,
    /// One a geometry, once the number of threads is known.
    models: Vec<Model>,
    rehearsed: Rehearsed,
    /// Whether a whole pass has gone before.
    is_warm: bool,
    refused: Option<Unavailable>,
}

/// What the rehearsals have shown.
#[derive(Debug, Clone, Copy, Default)]
struct Rehearsed {
    /// Operations of the longest one that could be stepped to its end.
    ops: u64,
    /// Most instructions of a thread in it.
    steps: usize,
    /// Whether a longer one could not.
    is_longest: bool,
}

impl Region {
    /// Opens the source for the geometries of a selection; the machine's own where none is named.
    pub(super) fn open(selection: &Selection) -> Result<Self, Unavailable> {
        Ok(Self {
            stepper: Arc::new(stepper()?),
            walker: Walker::new(),
            // SAFETY: takes no arguments and cannot fail.
            leader: unsafe { libc::gettid() },
            geometries: selection.machines(),
            models: Vec::new(),
            rehearsed: Rehearsed::default(),
            is_warm: false,
            refused: None,
        })
    }

    /// What each thread of the region did, the leader first.
    ///
    /// # Errors
    /// Why it is not known to its end.
    fn walks(&mut self) -> Result<Vec<Walk>, End> {
        let mut tapes = self.stepper.take();
        tapes.sort_by_key(|tape| (tape.thread != self.leader, tape.thread));
        let end = tapes.iter().find_map(|tape| tape.end);
        let walk = |(thread, tape): (usize, &Tape)| self.walker.walk(tape, thread as u32);
        let walks = end.map_or_else(|| Ok(tapes.iter().enumerate().map(walk).collect()), Err);
        self.stepper.reuse(tapes);
        walks
    }

    fn feed(&mut self, walks: &[Walk]) {
        let mut accesses: Vec<&(u64, Access)> = walks.iter().flat_map(|walk| &walk.accesses).collect();
        accesses.sort_by_key(|(order, _)| *order);
        if self.models.is_empty() {
            self.models = self.geometries.iter().map(|geometry| Model::new(geometry, walks.len())).collect();
        }
        for model in &mut self.models {
            model.reset_counts();
            accesses.iter().for_each(|(_, access)| model.access(*access));
        }
    }

    /// Steps nothing any more.
    fn refuse(&mut self, end: End, ops: u64) -> Unavailable {
        self.stepper.retire();
        self.refused.insert(refusal(end, ops)).clone()
    }

    fn readings(&self, walks: &[Walk]) -> Vec<Reading> {
        let stepped = [|walk: &Walk| walk.instructions, |walk: &Walk| walk.loads, |walk: &Walk| walk.stores];
        let stepped = STEPPED.iter().zip(stepped).map(|(event, of)| Reading {
            threads: walks.iter().map(|walk| of(walk) as f64).collect(),
            ..Reading::software(event.name, walks.iter().map(of).sum()).by(METHOD)
        });
        let mut readings: Vec<_> = stepped.chain(self.models.iter().flat_map(modelled)).collect();
        if walks.iter().any(|walk| walk.hidden > 0) {
            readings
                .iter_mut()
                .skip(1)
                .for_each(|reading| *reading = Reading::absent(reading.name.clone(), hidden()));
        }
        readings
    }

    fn absent(&self, reason: &Unavailable) -> Vec<Reading> {
        let modelled = self.geometries.iter().flat_map(|_| MODELLED);
        let events = STEPPED.iter().copied().chain(modelled);
        events.map(|event| Reading::absent(event.name, reason.clone())).collect()
    }
}

impl Counter for Region {
    fn start(&mut self) {
        self.stepper.reuse(Vec::new());
    }

    fn bracket(&self) -> Option<Arc<dyn Bracket>> {
        Some(self.stepper.clone())
    }

    fn rehearsal(&mut self, most: u64) -> Option<u64> {
        self.rehearsed.next(most).filter(|_| self.refused.is_none())
    }

    fn counted_ops(&self, _: u64) -> u64 {
        self.rehearsed.ops.max(1)
    }

    /// The first pass warms the models on the very stack that the second one, which counts, uses again.
    fn judge(&mut self, _: &mut [Reading], _: &mut Anchor) -> Next {
        let stands = std::mem::replace(&mut self.is_warm, true) || self.refused.is_some();
        if stands { Next::Done } else { Next::Again }
    }

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        if let Some(reason) = &self.refused {
            return self.absent(reason);
        }
        match self.walks() {
            Ok(walks) => {
                self.rehearsed.went(ops, &walks);
                self.feed(&walks);
                return self.readings(&walks);
            }
            Err(End::Full) if self.rehearsed.can_do_with_less_than(ops) => self.rehearsed.is_longest = true,
            Err(end) => {
                let reason = self.refuse(end, ops);
                return self.absent(&reason);
            }
        }
        self.absent(&refusal(End::Full, ops))
    }
}

impl Rehearsed {
    /// Operations of the next rehearsal: ten times as many, as long as they can be expected to fit.
    fn next(&self, most: u64) -> Option<u64> {
        let next = (self.ops * 10).max(1);
        (next <= most && self.steps * 10 <= STEPS_WANTED && !self.is_longest).then_some(next)
    }

    fn went(&mut self, ops: u64, walks: &[Walk]) {
        if ops > self.ops {
            let steps = walks.iter().map(|walk| walk.steps).max().unwrap_or(0);
            *self = Self { ops, steps, ..*self };
        }
    }

    fn can_do_with_less_than(&self, ops: u64) -> bool {
        (1..ops).contains(&self.ops)
    }
}

fn modelled(model: &Model) -> Vec<Reading> {
    let (counts, geometry) = (model.counts(), model.geometry());
    let translates = geometry.tlb.is_some();
    let each = [
        Some(counts.l1d_misses.sum()),
        geometry.l2.is_some().then(|| counts.l2_misses.sum()),
        Some(counts.l3_misses.sum()),
        Some(counts.first_touches),
        translates.then_some(counts.dtlb_misses),
        translates.then_some(counts.page_walks),
        Some(counts.hitm),
        Some(counts.invalidations),
    ];
    let whole = [Some(counts.shared_written_lines), Some(counts.false_shared_lines)];
    let of = |(event, value): (&Event, Option<u64>)| simulated(event, value, geometry);
    let rest = MODELLED[each.len()..].iter().zip(whole).map(of).map(Reading::of_the_region);
    MODELLED.iter().zip(each).map(of).chain(rest).collect()
}

fn simulated(event: &Event, value: Option<u64>, geometry: &Geometry) -> Reading {
    let provenance = || Provenance::Simulated(geometry.origin());
    let unknown = || {
        let detail = format!("it is not known what {} has of that", geometry.name);
        Reading::absent(event.name, Unavailable::new(Reason::Unsupported, detail))
    };
    value.map_or_else(unknown, |value| Reading::counted(event.name, value as f64, provenance()))
}

fn refusal(end: End, ops: u64) -> Unavailable {
    let what = if ops > 1 { format!("{ops} operations have") } else { "an operation has".into() };
    let detail = match end {
        End::Full => format!("{what} more than {STEPS_MOST} instructions on a thread: too many to step"),
        End::Blocked => {
            "the operations hold back signals, as starting a thread does, and can then not be stepped".into()
        }
        End::Cleared => "the operations put back flags from before they were stepped".into(),
    };
    Unavailable::new(Reason::Unsupported, detail)
}

/// Why accesses cannot be told where some stand in registers that are not noted.
fn hidden() -> Unavailable {
    let detail = "the operations gather, scatter or mask by vector registers, which are not noted";
    Unavailable::new(Reason::Unsupported, detail)
}

/// Opens a stepper and sees that it steps.
fn stepper() -> Result<Stepper, Unavailable> {
    let refused = |detail: String| Unavailable::new(Reason::Unsupported, detail);
    let stepper = Stepper::new().map_err(|error| refused(format!("SIGTRAP cannot be handled: {error}")))?;
    if stepped(&stepper, CANARY_TURNS) < CANARY_TURNS as usize {
        return Err(refused("the trap flag raises no signal here".into()));
    }
    Ok(stepper)
}

/// Turns of the loop that shows that stepping works, and of the one that shows what it costs.
const CANARY_TURNS: u64 = 10;
const COST_TURNS: u64 = 500;

/// Steps that a loop of so many turns takes.
fn stepped(stepper: &Stepper, turns: u64) -> usize {
    stepper.enter();
    for turn in 0..turns {
        std::hint::black_box(turn);
    }
    stepper.leave();
    let tapes = stepper.take();
    let steps = tapes.iter().map(|tape| tape.steps.len()).sum();
    stepper.reuse(tapes);
    steps
}

/// What one step costs on this machine, ns.
pub(super) fn step_ns() -> Result<f64, Unavailable> {
    let stepper = stepper()?;
    let start = Instant::now();
    let steps = stepped(&stepper, COST_TURNS);
    Ok(start.elapsed().as_nanos() as f64 / steps as f64)
}
