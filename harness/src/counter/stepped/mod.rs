//! Real machine code through the model: each thread's operations are stepped an instruction at a time, their accesses are
//! read off the registers, and the model of `simulate` counts what a machine of a named geometry would. Whose code it is
//! does not matter: ours, a peer's, the allocator's.

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod region;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod tape;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod trap;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod walk;

use super::{Counter, Event, Group, Place, Selection, Source};
use crate::unavailable::Unavailable;

/// What the steps themselves tell, exactly.
static STEPPED: [Event; 3] = [
    Event { name: "stepped_instructions", about: "instructions in user mode, exact" },
    Event { name: "stepped_loads", about: "accesses that read memory" },
    Event {
        name: "stepped_stores",
        about: "accesses that write memory; an atomic operation reads and writes",
    },
];

/// What the model tells.
struct Modelled {
    event: Event,
    /// Whether it is of the whole region, which more operations do not make more.
    of_the_region: bool,
}

const fn each(name: &'static str, about: &'static str) -> Modelled {
    Modelled { event: Event { name, about }, of_the_region: false }
}

const fn whole(name: &'static str, about: &'static str) -> Modelled {
    Modelled { event: Event { name, about }, of_the_region: true }
}

/// The same of each geometry.
static MODELLED: [Modelled; 10] = [
    each("sim_l1d_misses", "lines that a modelled first level did not hold"),
    each("sim_l2_misses", "lines that a modelled second level did not hold either"),
    each("sim_l3_misses", "lines that came from memory in the model"),
    each("sim_first_touches", "those of them never touched before: misses of any cache"),
    each("sim_dtlb_misses", "translations that a modelled first buffer did not hold"),
    each("sim_page_walks", "translations that no modelled buffer held"),
    each("sim_hitm", "lines taken from another core's modified copy"),
    each("sim_invalidations", "copies that other cores lost to a write"),
    whole("sim_shared_written_lines", "lines that several threads wrote, in the whole region"),
    whole("sim_false_shared_lines", "those of them in which no byte was written by two threads"),
];

/// How many times longer an operation takes, at the very least: enough to bound how many are asked for. How many of them
/// are counted is found by rehearsals.
const SLOWDOWN: f64 = 100.0;

/// Single steps through the model.
#[derive(Debug)]
pub struct Stepped;

impl Source for Stepped {
    fn name(&self) -> &'static str {
        "single steps"
    }

    fn group(&self) -> Group {
        Group::Simulated
    }

    fn events(&self) -> Vec<Event> {
        STEPPED.iter().copied().chain(MODELLED.iter().map(|modelled| modelled.event)).collect()
    }

    fn place(&self) -> Place {
        Place::Own
    }

    fn slowdown(&self) -> f64 {
        SLOWDOWN
    }

    fn open(&self, selection: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        open(selection)
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn open(selection: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
    Ok(Box::new(region::Region::open(selection)?))
}

/// What one step costs on this machine, ns.
///
/// # Errors
/// Why nothing can be stepped here.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
pub fn step_ns() -> Result<f64, Unavailable> {
    region::step_ns()
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
fn open(_: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
    Err(no_trap_flag())
}

/// What one step costs on this machine, ns.
///
/// # Errors
/// Why nothing can be stepped here.
#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
pub fn step_ns() -> Result<f64, Unavailable> {
    Err(no_trap_flag())
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
fn no_trap_flag() -> Unavailable {
    let detail =
        "code is stepped by the trap flag of x86-64 under Linux, which programs may set by themselves";
    Unavailable::new(crate::unavailable::Reason::Unsupported, detail)
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux", not(miri)))]
mod tests;
