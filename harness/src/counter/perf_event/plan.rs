//! Which events are counted together: groups of the anchor and at most four more, cut where the kernel opens no further
//! one. Nothing is known beforehand of how many counters a CPU has; a group that opens must also get onto them.

use super::kernel::{Kernel, Scope, Target};
use super::pass::Opened;
use super::probe::{Kind, Probe, UserOnly};
use super::{canary, errno, uncore};
use crate::unavailable::{Reason, Unavailable};
use std::io;

/// Most events beside the anchor: what the counters of all CPUs of the tables hold.
const MAX_BESIDE_ANCHOR: usize = 4;

/// The events of one pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cut {
    /// Numbers of the events that it answers for, in order, refused ones among them.
    pub events: Vec<usize>,
    /// What is opened: the anchor, then the events; empty where all are refused.
    pub members: Vec<Probe>,
}

impl Cut {
    /// Where in a reply a value stands.
    pub fn position(&self, probe: &Probe) -> Option<usize> {
        self.members.iter().position(|member| member == probe)
    }

    /// Where in a reply the instructions stand; none in a pass without its anchor.
    pub fn instructions(&self) -> Option<usize> {
        self.members.iter().position(|member| member.event.name == "instructions")
    }

    fn beside_anchor(&self) -> usize {
        self.members.iter().filter(|member| !is_anchor(member)).count()
    }
}

/// How the events of a source are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The passes, in order; every event stands in one of them.
    pub cuts: Vec<Cut>,
    /// Why an event is not counted, for each event.
    pub refusals: Vec<Option<Unavailable>>,
}

fn is_anchor(probe: &Probe) -> bool {
    ["cycles", "instructions"].contains(&probe.event.name)
}

/// Finds out, on the calling thread, which events open and how many of them together, each group of hardware events with
/// the anchor.
///
/// # Errors
/// Where perf events cannot be had at all, or in this scope.
pub fn plan<K: Kernel>(kernel: &K, anchor: &[Probe], probes: &[Probe], scope: Scope) -> io::Result<Plan> {
    let thread = kernel.threads()?[0];
    let (current, counts, done) = (Cut::default(), false, Vec::new());
    let mut planner = Planner { kernel, thread, scope, anchor: Vec::new(), current, counts, done };
    if probes.iter().any(|probe| matches!(probe.kind, Kind::Hardware | Kind::Cache | Kind::Raw)) {
        planner.anchor = planner.openable(anchor)?;
    }
    let refusals =
        (0..probes.len()).map(|event| planner.place(event, &probes[event])).collect::<io::Result<_>>()?;
    planner.seal();
    let cuts = planner.done.iter().map(|cut| planner.settled(cut, probes)).collect::<io::Result<Vec<_>>>()?;
    Ok(Plan { cuts: cuts.concat(), refusals })
}

struct Planner<'a, K> {
    kernel: &'a K,
    thread: i32,
    scope: Scope,
    anchor: Vec<Probe>,
    current: Cut,
    /// Whether an event is counted in the current pass.
    counts: bool,
    done: Vec<Cut>,
}

impl<K: Kernel> Planner<'_, K> {
    /// The events of the anchor that this machine counts: half a PMU has cycles and no instructions.
    fn openable(&self, anchor: &[Probe]) -> io::Result<Vec<Probe>> {
        let mut members = Vec::new();
        for probe in anchor {
            match self.open(&[&members[..], &[*probe]].concat()) {
                Ok(_) => members.push(*probe),
                Err(error) if self.hides_more(&error) => return Err(error),
                Err(_) => {}
            }
        }
        Ok(members)
    }

    /// A refusal for want of privilege hides every other; without the kernel's share the answer may be another.
    fn hides_more(&self, error: &io::Error) -> bool {
        self.scope == Scope::UserAndKernel && errno::is_privilege(error)
    }

    fn open(&self, members: &[Probe]) -> io::Result<Opened<K>> {
        let mut group = Opened::of_thread(self.kernel, self.thread)?;
        let target = Target::Thread(self.thread);
        members.iter().try_for_each(|probe| group.add(self.kernel, probe, target, self.scope))?;
        Ok(group)
    }

    /// Gives an event its place in a pass, or the reason why it has none.
    fn place(&mut self, event: usize, probe: &Probe) -> io::Result<Option<Unavailable>> {
        let refusal = match unseen(probe, self.scope) {
            Some(reason) => Some(reason),
            None if probe.is_wide() => self.place_wide(event, probe),
            None => match self.place_opened(event, probe) {
                Err(error) if self.hides_more(&error) => return Err(error),
                placed => placed.err().map(|error| errno::explain(&error)),
            },
        };
        if refusal.is_some() {
            self.current.events.push(event);
        }
        Ok(refusal)
    }

    /// With those that are in the pass already; else with the anchor in a new one; else by itself.
    fn place_opened(&mut self, event: usize, probe: &Probe) -> io::Result<()> {
        if self.has_room() {
            match self.extend(event, probe) {
                Err(error) if errno::is_full(&error) => {}
                placed => return placed,
            }
        }
        self.renew(self.anchor.clone());
        match self.extend(event, probe) {
            Err(error) if errno::is_full(&error) && !self.anchor.is_empty() => {
                self.renew(Vec::new());
                self.extend(event, probe)
            }
            placed => placed,
        }
    }

    fn has_room(&self) -> bool {
        let members = &self.current.members;
        let open = !members.is_empty() && members.starts_with(&self.anchor);
        open && self.current.beside_anchor() < MAX_BESIDE_ANCHOR
    }

    fn extend(&mut self, event: usize, probe: &Probe) -> io::Result<()> {
        let mut members = self.current.members.clone();
        if !members.contains(probe) {
            members.push(*probe);
        }
        self.open(&members)?;
        self.current.members = members;
        self.current.events.push(event);
        self.counts = true;
        Ok(())
    }

    fn place_wide(&mut self, event: usize, probe: &Probe) -> Option<Unavailable> {
        let specs = uncore::specs(probe);
        let opened = specs.iter().try_for_each(|spec| Opened::alone(self.kernel, spec).map(drop));
        match opened {
            Ok(()) if specs.is_empty() => Some(uncore::none(probe)),
            Ok(()) => {
                self.renew(vec![*probe]);
                self.current.events.push(event);
                self.counts = true;
                self.seal();
                None
            }
            Err(error) => Some(uncore::explain(&error).unwrap_or_else(|| errno::explain(&error))),
        }
    }

    /// Begins another pass with these members; refused events that stand in no pass yet go along.
    fn renew(&mut self, members: Vec<Probe>) {
        if self.counts {
            self.seal();
        }
        self.current.members = members;
    }

    /// Ends the pass. One that counts nothing leaves its refused events to the pass before it.
    fn seal(&mut self) {
        let mut cut = std::mem::take(&mut self.current);
        match self.done.last_mut() {
            Some(before) if !self.counts => before.events.append(&mut cut.events),
            _ if self.counts => self.done.push(cut),
            _ => self.done.push(Cut { events: cut.events, members: Vec::new() }),
        }
        self.counts = false;
    }

    /// The pass as it is, or in halves where all of it together never gets onto the counters: another user of them (the NMI
    /// watchdog) takes one away of which the kernel does not speak when it opens a group.
    fn settled(&self, cut: &Cut, probes: &[Probe]) -> io::Result<Vec<Cut>> {
        if cut.beside_anchor() < 2 || self.runs(cut)? {
            return Ok(vec![cut.clone()]);
        }
        let halves = cut.events.split_at(cut.events.len() / 2);
        let half = |events: &[usize]| {
            let own = events
                .iter()
                .map(|event| probes[*event])
                .filter(|p| cut.members.contains(p) && !is_anchor(p));
            let anchor = cut.members.iter().copied().filter(is_anchor);
            Cut { events: events.to_vec(), members: anchor.chain(own).collect() }
        };
        let halves = [half(halves.0), half(halves.1)];
        Ok(halves.iter().map(|half| self.settled(half, probes)).collect::<io::Result<Vec<_>>>()?.concat())
    }

    fn runs(&self, cut: &Cut) -> io::Result<bool> {
        let mut group = self.open(&cut.members)?;
        group.enable(self.kernel)?;
        canary::add(canary::TRIAL_ADDS);
        Ok(group.now(self.kernel)?.running_ns > 0)
    }
}

/// Why an event is not even asked for: nothing is known of it, or it would open and stay at zero for ever.
fn unseen(probe: &Probe, scope: Scope) -> Option<Unavailable> {
    if probe.kind == Kind::Unknown {
        let detail = "no event of this kind is known for this CPU, neither of its own nor of the kernel's; measure on one of \
                      the CPUs in docs/counters.md";
        return Some(Unavailable::new(Reason::Unsupported, detail));
    }
    let blind = scope == Scope::User && probe.user_only == UserOnly::Blind;
    blind.then(|| {
        let detail = "it happens inside the kernel, where this user's counters see nothing and would say 0; as root: \
                      sysctl kernel.perf_event_paranoid=1, or setcap cap_perfmon=ep on the program";
        Unavailable::new(Reason::NoPrivilege, detail)
    })
}
