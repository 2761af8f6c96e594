//! Counts the events of one source, pass by pass, and judges each pass: it stands if its group was on the counters all the
//! time and its work had as many instructions as that of the first pass. What makes a pass is `plan`'s affair.

use super::generic;
use super::kernel::{Kernel, Scope};
use super::pass::Pass;
use super::plan::{Cut, Plan, plan};
use super::probe::Probe;
use super::reply::{Reply, scaled, tally};
use super::table::Cpu;
use super::{canary, errno};
use crate::clock::Bracket;
use crate::counter::{Anchor, Counter, Group, Next, Reading};
use crate::unavailable::{Reason, Unavailable};
use std::sync::Arc;

/// How often a pass that does not stand is run in all.
const TRIES: u32 = 3;

/// How far the instructions of two passes over the same work may lie apart.
const TOLERANCE: f64 = 0.001;

/// The opened events of one source.
pub struct Passes<K: Kernel> {
    kernel: K,
    group: Group,
    cpu: Option<Cpu>,
    probes: Vec<Probe>,
    scope: Scope,
    plan: Plan,
    /// The pass that is counted now, of the plan's.
    at: usize,
    tries: u32,
    pass: Result<Arc<Pass<K>>, Unavailable>,
    /// What the last region was worth.
    region: Region,
    /// Which events have been seen to move.
    moved: Vec<bool>,
}

/// What tells whether a pass stands.
#[derive(Debug, Clone, Copy, Default)]
struct Region {
    /// Whether the group was on the counters all the time; not where nothing could be read.
    whole: bool,
    instructions: Option<f64>,
}

/// Opens the events that can be had; user mode only where this user may not count the kernel.
///
/// # Errors
/// Why none of them can be had.
pub fn open<K>(
    kernel: &K,
    group: Group,
    probes: Vec<Probe>,
    cpu: Option<Cpu>,
) -> Result<Passes<K>, Unavailable>
where
    K: Kernel + Clone + 'static,
{
    let anchor = generic::anchor(cpu.as_ref());
    let in_scope = |scope| Ok((plan(kernel, &anchor, &probes, scope)?, scope));
    let planned = match in_scope(Scope::UserAndKernel) {
        Err(error) if errno::is_privilege(&error) => in_scope(Scope::User),
        planned => planned,
    };
    let (plan, scope) = planned.map_err(|error| errno::explain(&error))?;
    if let Some(refusal) = plan.refusals.iter().cloned().collect::<Option<Vec<_>>>() {
        return Err(refusal.into_iter().next().expect("a source has events"));
    }
    let (moved, pass, kernel) = (vec![false; probes.len()], Err(unopened()), kernel.clone());
    let (at, tries, region) = (0, 1, Region::default());
    let mut passes = Passes { kernel, group, cpu, probes, scope, plan, at, tries, pass, region, moved };
    passes.open_pass();
    Ok(passes)
}

fn unopened() -> Unavailable {
    Unavailable::new(Reason::Broke, "the pass was never opened")
}

impl<K: Kernel + Clone + 'static> Passes<K> {
    /// Two passes at a time would share the counters: the last one is closed first.
    fn open_pass(&mut self) {
        self.pass = Err(unopened());
        let pass = Pass::open(&self.kernel, &self.cut().members, self.scope);
        self.pass = pass.map(Arc::new).map_err(|error| errno::explain(&error));
    }

    /// Opens the pass anew, with events of other numbers.
    #[cfg(test)]
    pub fn reopen(&mut self) {
        self.open_pass();
    }

    fn cut(&self) -> &Cut {
        &self.plan.cuts[self.at]
    }

    fn reading(&self, event: usize, replies: &Result<Vec<Reply>, Unavailable>) -> Reading {
        let probe = &self.probes[event];
        let name = probe.name(self.scope);
        let counted = match (&self.plan.refusals[event], replies) {
            (Some(refusal), _) | (None, Err(refusal)) => Err(refusal.clone()),
            (None, Ok(replies)) => {
                let position = self.cut().position(probe).expect("an event that is not refused is opened");
                tally(replies, position).map(|tally| (tally, position, replies))
            }
        };
        match counted {
            Err(reason) => Reading::absent(name, reason),
            Ok((tally, position, replies)) => Reading {
                threads: threads(probe, replies, position),
                ..Reading::counted(name, tally.value, tally.provenance(probe.provenance()))
            }
            .by(probe.method(self.cpu.as_ref())),
        }
    }

    fn region(&self, replies: &Result<Vec<Reply>, Unavailable>) -> Region {
        let Ok(replies) = replies else { return Region::default() };
        let whole = replies.iter().all(|reply| reply.running_ns == reply.enabled_ns);
        let position = self.cut().instructions();
        let instructions =
            position.and_then(|position| tally(replies, position).ok()).map(|tally| tally.value);
        Region { whole, instructions }
    }

    /// A zero is believed only of a counter that has been seen to move: by the work itself, or by a canary.
    fn doubt(&mut self, readings: &mut [Reading]) {
        let counted = |reading: &Reading| reading.value.as_ref().ok().copied();
        let events = self.cut().events.clone();
        for (event, reading) in events.iter().zip(&*readings) {
            self.moved[*event] |= counted(reading).is_some_and(|value| value > 0.0);
        }
        let silent = |passes: &Self, event: usize, reading: &Reading| {
            counted(reading) == Some(0.0) && !passes.moved[event]
        };
        if events.iter().zip(&*readings).any(|(event, reading)| silent(self, *event, reading)) {
            self.release_canary();
        }
        for (event, reading) in events.iter().zip(readings) {
            if silent(self, *event, reading) {
                *reading = Reading::absent(self.probes[*event].name(self.scope), unmoved());
            }
        }
    }

    fn release_canary(&mut self) {
        let Ok(pass) = self.pass.clone() else { return };
        // What takes the registers away in this region must not make the event look blind.
        pass.read_by_kernel();
        pass.begin();
        pass.enter();
        canary::work(self.group);
        pass.leave();
        let replies = pass.end();
        for event in self.cut().events.clone() {
            self.moved[event] |= self.reading(event, &replies).value.is_ok_and(|value| value > 0.0);
        }
    }

    /// Why the last pass does not stand, where it does not.
    fn fault(&self, anchor: &Anchor) -> Option<String> {
        if !self.region.whole {
            return Some("its pass shared the counters".into());
        }
        let (first, own) = (anchor.instructions?, self.region.instructions?);
        let apart = own / first - 1.0;
        let direction = if apart < 0.0 { "fewer" } else { "more" };
        (apart.abs() > TOLERANCE).then(|| {
            format!("its pass had {:.2} % {direction} instructions than the first", apart.abs() * 100.0)
        })
    }
}

impl<K: Kernel + Clone + 'static> Counter for Passes<K> {
    fn start(&mut self) {
        if let Ok(pass) = &self.pass {
            pass.begin();
        }
    }

    fn bracket(&self) -> Option<Arc<dyn Bracket>> {
        let pass = self.pass.clone().ok()?;
        Some(pass)
    }

    /// A canary of the pass before leaves the caches full of its own.
    fn wants_warmth(&self) -> bool {
        true
    }

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        let replies = self.pass.clone().and_then(|pass| pass.end());
        self.region = self.region(&replies);
        let mut readings: Vec<_> =
            self.cut().events.iter().map(|event| self.reading(*event, &replies)).collect();
        if ops > 0 {
            self.doubt(&mut readings);
        }
        readings
    }

    fn judge(&mut self, readings: &mut [Reading], anchor: &mut Anchor) -> Next {
        let fault = self.fault(anchor);
        if fault.is_some() && self.tries < TRIES {
            self.tries += 1;
            // Whatever took the counters away may do so again between two reads of registers.
            self.pass.iter().for_each(|pass| pass.read_by_kernel());
            return Next::Again;
        }
        if fault.is_none() {
            anchor.instructions = anchor.instructions.or(self.region.instructions);
        }
        anchor.passes += 1;
        for reading in readings {
            (reading.pass, reading.caveat) = (anchor.passes, fault.clone().unwrap_or_default());
        }
        (self.at, self.tries) = (self.at + 1, 1);
        if self.at == self.plan.cuts.len() {
            return Next::Done;
        }
        self.open_pass();
        Next::Further
    }
}

/// What each thread counted, where several took part.
fn threads(probe: &Probe, replies: &[Reply], position: usize) -> Vec<f64> {
    if probe.is_wide() || replies.len() < 2 {
        return Vec::new();
    }
    replies.iter().map(|reply| scaled(reply, position)).collect()
}

fn unmoved() -> Unavailable {
    let detail = "the canary did not move it: the event opens and stays at 0 even through work that must cause it, so its \
                  zero says nothing; choose another event";
    Unavailable::new(Reason::Unsupported, detail)
}
