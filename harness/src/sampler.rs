//! Runs a plan: prepares each group in a fresh process, measures it in several more, hands over rows as they are
//! complete, and gives the time that is left to the widest intervals. The only stage that touches the world; what is
//! known of a group is `progress`, what follows for the time is `schedule`.

mod progress;
pub mod schedule;

pub use schedule::Timekeeper;

use crate::clock::ClockFacts;
use crate::counter::{self, Place, Selection, Source};
use crate::event::{Event, Onlooker};
use crate::isa::Isa;
use crate::launch::{Died, Launcher};
use crate::plan::{END_S, Group, LAUNCHES_LEAST, PREPARE_S, Plan, Request};
use crate::record::{Count, Line, Row};
use crate::unavailable::{Reason, Unavailable};
use crate::worker::{Done, Job, Reply, Task};
use progress::{Progress, interrupted};
use schedule::Candidate;
use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

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
    /// Tells how much of the budget is used; none where a script dictates time, and then the plan is kept to the letter.
    pub time: Option<&'a dyn Timekeeper>,
    /// The nearest line bounce seen so far, ns; infinite before the first. Placements are near or far beside it.
    pub nearest_ns: f64,
}

/// What a launch takes beside its slices until one has shown it, seconds.
const LAUNCH_EXTRA_S: f64 = 0.03;

/// Time that a counting pass in a process of its own may take, ns.
const APART_NS: f64 = 4e8;

/// Why a variant yields nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It cannot be had here.
    Unavailable(Unavailable),
    /// A failed check, a panic, a signal: what happened.
    Broke(String),
}

impl Run<'_> {
    /// Measures every group, then gives the time that is left to the groups whose intervals are widest. `sink` gets each
    /// row's line as soon as its group is complete, and once more where further launches have narrowed it.
    ///
    /// # Errors
    /// What `sink` says: a record that cannot be written ends the run.
    pub fn measure(&mut self, sink: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
        let plan = self.plan;
        self.onlooker.on(&Event::Planned(plan));
        let mut measured: Vec<Progress> = Vec::new();
        for (index, group) in plan.groups.iter().enumerate() {
            let extra_s = measured.last().map_or(LAUNCH_EXTRA_S, |last| last.extra_s);
            let mut progress = Progress::new(group, extra_s);
            self.first_pass(&mut progress, index);
            let rows = hand_over(&mut progress, sink)?;
            self.onlooker.on(&Event::GroupDone { rows: &rows });
            measured.push(progress);
        }
        self.second_pass(&mut measured);
        measured.iter_mut().for_each(|progress| progress.place(self.nearest_ns));
        for progress in measured.iter_mut().filter(|progress| progress.improved) {
            hand_over(progress, sink)?;
        }
        Ok(())
    }

    /// Checks every variant that can run here once; hands over `workload/variant` and what is wrong with it, if anything.
    pub fn check(&mut self, told: &mut dyn FnMut(&str, Option<Fault>)) {
        let plan = self.plan;
        let mut seen = BTreeSet::new();
        for group in &plan.groups {
            let mut progress = Progress::new(group, LAUNCH_EXTRA_S);
            progress.retain(|name| seen.insert((group.workload.name, name.to_owned())));
            let passed = self.each_once(&mut progress, Task::Check);
            for (name, fault) in progress.faults() {
                let missed = || (!passed.contains(&name)).then(|| Fault::Unavailable(interrupted()));
                told(&format!("{}/{name}", group.workload.name), fault.or_else(missed));
            }
        }
    }

    /// The launches planned for a group, fewer where its share of the budget is used up or its rows are precise before.
    fn first_pass(&mut self, progress: &mut Progress<'_>, index: usize) {
        let group = progress.group.name();
        self.onlooker.on(&Event::GroupStarted { group: &group });
        self.each_once(progress, Task::Prepare);
        self.count_apart(progress);
        if let Some(why) = &self.plan.untimed {
            progress.untimed = Some(why.clone());
            progress.partial = self.stopped();
            return;
        }
        progress.choose_batches(self.plan.slice_s, self.request.evict_bytes.is_some());
        let end_s = self.share_end_s(index);
        while progress.launches < self.plan.launches && !progress.measurable().is_empty() {
            progress.partial = self.stopped();
            if progress.partial || progress.is_precise(self.request.precision) {
                return;
            }
            let Some(slice_s) = self.slice_s(progress, end_s) else { return };
            self.launch(progress, slice_s);
        }
        // An interrupt may have hit the last launch as well.
        progress.partial = self.stopped();
    }

    /// Further launches for the widest intervals until all are precise or nothing fits the time that is left. Without a
    /// timekeeper only a precision that is asked for is a reason to go on.
    fn second_pass(&mut self, measured: &mut [Progress<'_>]) {
        self.onlooker.on(&Event::Preparing("further launches for the widest intervals"));
        if self.plan.untimed.is_some() || self.time.is_none() && self.request.precision.is_none() {
            return;
        }
        let mut candidates: Vec<Candidate> =
            measured.iter().enumerate().filter_map(|(index, p)| self.candidate(index, p)).collect();
        while !self.stopped() {
            let Some((group, slice_s)) = schedule::next(&candidates, self.left_s()) else { return };
            self.launch(&mut measured[group], slice_s);
            candidates.retain(|candidate| candidate.group != group);
            candidates.extend(self.candidate(group, &measured[group]));
        }
    }

    /// A group that would be measured further, unless it is precise or has all the launches it may have.
    fn candidate(&self, group: usize, progress: &Progress<'_>) -> Option<Candidate> {
        let wanted = progress.can_go_on() && !progress.is_precise(self.request.precision);
        wanted.then(|| Candidate {
            group,
            width: progress.width(),
            cost_s: progress.spent_s / f64::from(progress.launches.max(1)),
            slice_s: progress.slice_s,
        })
    }

    /// Time of the budget that is left for measuring, seconds.
    fn left_s(&self) -> f64 {
        self.time.map_or(f64::INFINITY, |time| self.request.budget_s - END_S - time.elapsed_s())
    }

    fn elapsed_s(&self) -> f64 {
        self.time.map_or(0.0, Timekeeper::elapsed_s)
    }

    /// When the share of a group is used up: what is left, less the preparation of later groups, goes to all rows alike.
    fn share_end_s(&self, index: usize) -> f64 {
        let rows = |groups: &[Group]| groups.iter().map(|g| g.runnable().count()).sum::<usize>() as f64;
        let (this, later) = (rows(&self.plan.groups[index..=index]), rows(&self.plan.groups[index + 1..]));
        let left_s = self.left_s() - later * PREPARE_S;
        self.elapsed_s() + left_s * this / (this + later).max(1.0)
    }

    /// The slice of a variant in the launch to come; none where the share of the group has no room for it and the launches
    /// that any interval needs are made.
    fn slice_s(&self, progress: &Progress<'_>, end_s: f64) -> Option<f64> {
        if self.time.is_none() {
            return Some(self.plan.slice_s);
        }
        let (left_s, variants) = (end_s - self.elapsed_s(), progress.measurable().len());
        let needed = progress.launches < LAUNCHES_LEAST;
        let launches_left = self.plan.launches - progress.launches;
        (needed || schedule::fits(left_s, variants, progress.extra_s))
            .then(|| schedule::slice_s(left_s, launches_left, variants, progress.extra_s))
    }

    /// One launch of a group, and what it took.
    fn launch(&mut self, progress: &mut Progress<'_>, slice_s: f64) {
        let before_s = self.elapsed_s();
        self.all_side_by_side(progress, slice_s);
        self.nearest_ns = self.nearest_ns.min(progress.own_nearest_ns());
        progress.place(self.nearest_ns);
        progress.launched(slice_s, self.elapsed_s() - before_s);
        let (done, group) = (progress.launches as usize, progress.group.name());
        let of = done.max(self.plan.launches as usize);
        self.onlooker.on(&Event::Launched { group: &group, done, of });
    }

    /// Does a task that takes the variants one after the other; where one kills its process, the rest get another.
    /// Returns the variants that were checked.
    fn each_once(&mut self, progress: &mut Progress<'_>, task: Task) -> Vec<String> {
        let mut checked = Vec::new();
        let mut left = progress.alive();
        while !left.is_empty() && !self.stopped() {
            let mut under_way = left[0].clone();
            let job = self.job(progress.group, &left, task.clone());
            let died = self.launcher.launch(&job, &mut |reply| match reply {
                Reply::Begin { variant } => under_way = variant,
                Reply::Outcome { variant, result } => {
                    if result == Done::Checked {
                        checked.push(variant.clone());
                    }
                    left.retain(|name| *name != variant);
                    progress.take(&variant, result);
                }
            });
            let Err(Died(message)) = died else { break };
            if !self.stopped() {
                progress.take(&under_way, Done::Broke(message));
            }
            left.retain(|name| *name != under_way);
        }
        checked
    }

    /// Counts with each source that needs a process of its own, every variant alone. What goes wrong there costs the
    /// variant those counts and not its row.
    fn count_apart(&mut self, progress: &mut Progress<'_>) {
        let apart = self.request.counters.of(Place::Own);
        for source in apart.sources() {
            for variant in progress.alive() {
                if self.stopped() {
                    return;
                }
                let counts = self.counted_apart(progress, &variant, source, &apart);
                progress.take(&variant, Done::Counted(counts));
            }
        }
    }

    fn counted_apart(
        &mut self,
        progress: &Progress<'_>,
        variant: &String,
        source: &dyn Source,
        apart: &Selection,
    ) -> Vec<Count> {
        let planned = progress.group.variants.iter().find(|planned| planned.variant.name == variant);
        let under = match source.under(planned.map_or(Isa::NONE, |planned| planned.variant.needs)) {
            Ok(under) => under,
            Err(reason) => return counter::refused(source, &reason),
        };
        let job = Job {
            counters: apart.only(source.group()),
            counted_ops: progress
                .ns_per_op(variant)
                .map(|ns_per_op| apart_ops(ns_per_op * source.slowdown())),
            under,
            ..self.job(progress.group, std::slice::from_ref(variant), Task::Count)
        };
        let mut counts = Err(String::from("its process told nothing"));
        let died = self.launcher.launch(&job, &mut |reply| match reply {
            Reply::Outcome { result: Done::Counted(counted), .. } => counts = Ok(counted),
            Reply::Outcome { result: Done::Broke(message), .. } => counts = Err(message),
            Reply::Outcome { result: Done::Unavailable(reason), .. } => {
                counts = Ok(counter::refused(source, &reason));
            }
            _ => {}
        });
        source.ended();
        let broke = |message: String| counter::refused(source, &Unavailable::new(Reason::Broke, message));
        match died {
            Err(Died(message)) => broke(message),
            Ok(()) => counts.unwrap_or_else(broke),
        }
    }

    /// Measures all variants side by side. Should the process die, each is tried alone to find the one that breaks, and
    /// the others are measured together again, so that launches stay paired.
    fn all_side_by_side(&mut self, progress: &mut Progress<'_>, slice_s: f64) {
        let all = progress.measurable();
        if self.side_by_side(progress, &all, slice_s).is_ok() || self.stopped() {
            return;
        }
        for name in &all {
            let alone = self.try_alone(progress, name, slice_s);
            if let (Err(Died(message)), false) = (alone, self.stopped()) {
                progress.take(name, Done::Broke(message));
            }
        }
        let left = progress.measurable();
        let again = if self.stopped() { Ok(()) } else { self.side_by_side(progress, &left, slice_s) };
        if let (Err(Died(message)), false) = (again, self.stopped()) {
            left.iter().for_each(|name| progress.take(name, Done::Broke(message.clone())));
        }
    }

    fn side_by_side(
        &mut self,
        progress: &mut Progress<'_>,
        names: &[String],
        slice_s: f64,
    ) -> Result<(), Died> {
        let mut replies = Vec::new();
        let job = self.job(progress.group, names, measure(progress, names, slice_s));
        self.launcher.launch(&job, &mut |reply| replies.push(reply))?;
        for reply in replies {
            if let Reply::Outcome { variant, result } = reply {
                progress.take(&variant, result);
            }
        }
        Ok(())
    }

    fn try_alone(&mut self, progress: &Progress<'_>, name: &String, slice_s: f64) -> Result<(), Died> {
        let names = std::slice::from_ref(name);
        let job = self.job(progress.group, names, measure(progress, names, slice_s));
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
            evict_bytes: self.request.evict_bytes,
            counted_ops: None,
            under: Vec::new(),
        }
    }

    fn stopped(&self) -> bool {
        // Set by a signal handler that publishes nothing else.
        self.stop.load(Ordering::Relaxed)
    }
}

/// Operations of a counting pass in a process of its own: a power of ten, so that what happens once in a while falls on
/// as many of them in every run.
fn apart_ops(ns_per_op: f64) -> u64 {
    let most = (APART_NS / ns_per_op.max(0.1)).clamp(1.0, 1e6);
    10u64.pow(most.log10() as u32)
}

fn measure(progress: &Progress<'_>, names: &[String], slice_s: f64) -> Task {
    Task::Measure { launch: progress.launches, batches: progress.batches(names), slice_s }
}

/// Puts a group's rows into the record.
fn hand_over(
    progress: &mut Progress<'_>,
    sink: &mut dyn FnMut(Line) -> io::Result<()>,
) -> io::Result<Vec<Row>> {
    progress.improved = false;
    let rows = progress.rows();
    rows.iter().try_for_each(|row| sink(Line::Row(Box::new(row.clone()))))?;
    Ok(rows)
}
