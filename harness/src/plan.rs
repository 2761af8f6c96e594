//! Request + machine + registry -> plan: what runs, in what order, what is skipped and why. Pure and printable.

use crate::clock::ClockChoice;
use crate::counter::Selection;
use crate::isa::{Isa, absent};
use crate::machine::Machine;
use crate::stats::random::Random;
use crate::unavailable::{Reason, Unavailable};
use crate::workload::{Point, Registry, Suite, Variant, Workload, key};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the user wants measured.
#[derive(Debug, Clone)]
pub struct Request {
    /// Substrings of row keys, any of which selects; empty selects all.
    pub filters: Vec<String>,
    /// Filters must equal a key, a group or a workload name.
    pub exact: bool,
    /// Substrings that deselect.
    pub skip: Vec<String>,
    /// How much of the table; a filter that finds nothing in this suite selects from the full one.
    pub suite: Suite,
    /// Features that variants may use; variants that need others are left out of the plan.
    pub isa: Isa,
    /// CPUs to pin to, in order of preference; all within the machine's mask.
    pub cpus: Vec<usize>,
    /// Length of the whole run, limits and reports included, seconds.
    pub budget_s: f64,
    /// Fresh processes per group, before time that is left over is given to the widest intervals.
    pub launches: u32,
    /// Half-width of the 95 % interval, as a share, at which a row is precise enough; none goes on to the end of the budget.
    pub precision: Option<f64>,
    /// Seed of order and generated input.
    pub seed: u64,
    /// What is counted beside time.
    pub counters: Selection,
    /// The clock.
    pub clock: ClockChoice,
    /// Check each variant once, time nothing.
    pub test_only: bool,
    /// Bytes to walk through before each timed batch, so that it starts with cold caches; none measures warm.
    pub evict_bytes: Option<usize>,
    /// Files by input name.
    pub inputs: BTreeMap<String, PathBuf>,
}

/// All that a run will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Groups in order.
    pub groups: Vec<Group>,
    /// Time for one launch of one variant's share, seconds.
    pub slice_s: f64,
    /// Fresh processes per group before any time is left over.
    pub launches: u32,
    /// Estimated length of the run, seconds.
    pub estimate_s: f64,
    /// Why the variants are checked and counted and not timed; none where they are timed.
    pub untimed: Option<Unavailable>,
}

/// The variants of one workload at one point: they are interleaved and compared.
#[derive(Debug, Clone)]
pub struct Group {
    /// The workload.
    pub workload: &'static Workload,
    /// The point.
    pub point: &'static Point,
    /// Selected variants in table order.
    pub variants: Vec<Planned>,
    /// CPUs that its cases pin to.
    pub cpus: Vec<usize>,
}

/// A variant and whether it can run here.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The variant.
    pub variant: &'static Variant,
    /// Why it is a row with a reason instead of a measurement.
    pub skip: Option<Unavailable>,
}

impl Group {
    /// `workload/point`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.workload.name, self.point.name)
    }

    /// Variants that run.
    pub fn runnable(&self) -> impl Iterator<Item = &'static Variant> + '_ {
        self.variants.iter().filter(|p| p.skip.is_none()).map(|p| p.variant)
    }
}

/// Time set aside for machine limits and start-up, seconds.
pub const LIMITS_S: f64 = 10.0;

/// Time set aside per variant for its check and for finding its batch size, seconds.
pub const PREPARE_S: f64 = 0.25;

/// Time set aside for the report after the last launch, seconds.
pub const END_S: f64 = 0.5;

/// Longest time of one variant in one launch, seconds: beyond it, more launches tell more than longer ones.
pub const SLICE_MOST_S: f64 = 0.5;

/// Below this, fewer launches are made rather than shorter ones, seconds.
pub const SLICE_GOOD_S: f64 = 0.05;

/// Shortest time of one variant in one launch, seconds.
pub const SLICE_LEAST_S: f64 = 0.01;

/// Launches that a group makes however short the time is: one alone bounds nothing.
pub const LAUNCHES_LEAST: u32 = 2;

/// Launches that a group makes at most.
pub const LAUNCHES_MOST: u32 = 400;

/// Makes the plan. An empty one selects nothing; the caller knows the nearest names from [`names`].
pub fn plan(request: &Request, machine: &Machine, registry: Registry) -> Plan {
    let asked = groups(request, request.suite, machine, registry);
    let groups = if asked.is_empty() { groups(request, Suite::Full, machine, registry) } else { asked };
    Plan { untimed: machine.timeless(), ..budget(request, groups) }
}

fn groups(request: &Request, suite: Suite, machine: &Machine, registry: Registry) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for workload in registry {
        for point in workload.points {
            let variants: Vec<Planned> = workload
                .variants
                .iter()
                .filter(|variant| point.suite.max(variant.suite) <= suite)
                .filter(|variant| selects(request, workload, point, variant))
                .map(|variant| Planned { variant, skip: skip(request, machine, point, variant) })
                .collect();
            if !variants.is_empty() {
                let cpus = request.cpus.iter().copied().take(point.cpus).collect();
                groups.push(Group { workload, point, variants, cpus });
            }
        }
    }
    groups
}

/// Launches and slices that fit the budget: first launches are cut, down to [`LAUNCHES_LEAST`], then slices.
fn budget(request: &Request, groups: Vec<Group>) -> Plan {
    let rows = groups.iter().map(|g| g.runnable().count()).sum::<usize>().max(1) as f64;
    let fixed_s = LIMITS_S + END_S + rows * PREPARE_S;
    let left_s = (request.budget_s - fixed_s).max(0.0);
    let slice_s = |launches: u32| left_s / (rows * f64::from(launches));
    let least = LAUNCHES_LEAST.min(request.launches);
    let launches = (least..=request.launches).rev().find(|l| slice_s(*l) >= SLICE_GOOD_S).unwrap_or(least);
    let slice_s = slice_s(launches).clamp(SLICE_LEAST_S, SLICE_MOST_S);
    let measured_s =
        |launches: u32| if request.test_only { 0.0 } else { rows * slice_s * f64::from(launches) };
    let planned_s = fixed_s + measured_s(launches);
    let filled_s = (fixed_s + measured_s(LAUNCHES_MOST.max(launches))).min(request.budget_s);
    Plan { groups, slice_s, launches, estimate_s: planned_s.max(filled_s), untimed: None }
}

fn selects(request: &Request, workload: &Workload, point: &Point, variant: &Variant) -> bool {
    let row = key(workload.name, point.name, variant.name);
    let group = format!("{}/{}", workload.name, point.name);
    let matches = |filter: &String| match request.exact {
        true => [row.as_str(), &group, workload.name].contains(&filter.as_str()),
        false => row.contains(filter.as_str()),
    };
    let wanted = request.filters.is_empty() || request.filters.iter().any(matches);
    let asked_away = request.skip.iter().any(|filter| row.contains(filter.as_str()));
    // Features of the other architecture stay in the plan as rows with a reason.
    let foreign = variant.needs.architecture().is_some_and(|arch| arch != std::env::consts::ARCH);
    wanted && !asked_away && (foreign || request.isa.contains(variant.needs))
}

fn skip(request: &Request, machine: &Machine, point: &Point, variant: &Variant) -> Option<Unavailable> {
    let missing = variant.needs.without(machine.isa());
    if missing != Isa::NONE {
        return Some(absent(missing));
    }
    (request.cpus.len() < point.cpus).then(|| {
        let detail = format!("needs {} CPUs; the run may use {}", point.cpus, request.cpus.len());
        Unavailable::new(Reason::TooFewCores, detail)
    })
}

/// Fingerprint of a table: its names, what they stand for and in which order.
pub fn fingerprint(registry: Registry) -> String {
    let about = |w: &&Workload| {
        let points = w.points.iter().map(|p| format!("{p:?}")).collect::<String>();
        let variants = w.variants.iter().map(|v| format!("{}{}{:?}{}", v.name, v.about, v.role, v.needs));
        format!("{}{}{}{points}{}", w.name, w.about, w.source, variants.collect::<String>())
    };
    format!("{:016x}", Random::hash(&registry.iter().map(about).collect::<String>()))
}

/// Every name that a filter can mean: workloads, groups and rows.
pub fn names(registry: Registry) -> Vec<String> {
    let mut names = Vec::new();
    for workload in registry {
        names.push(workload.name.to_owned());
        for point in workload.points {
            names.push(format!("{}/{}", workload.name, point.name));
            names.extend(workload.variants.iter().map(|v| key(workload.name, point.name, v.name)));
        }
    }
    names
}
