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
use crate::record::CounterFacts;
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

/// What the model tells of each geometry; the last two are of the whole region.
static MODELLED: [Event; 10] = [
    Event { name: "sim_l1d_misses", about: "lines that a modelled first level did not hold" },
    Event { name: "sim_l2_misses", about: "lines that a modelled second level did not hold either" },
    Event { name: "sim_l3_misses", about: "lines that came from memory in the model" },
    Event { name: "sim_first_touches", about: "those of them never touched before: misses of any cache" },
    Event { name: "sim_dtlb_misses", about: "translations that a modelled first buffer did not hold" },
    Event { name: "sim_page_walks", about: "translations that no modelled buffer held" },
    Event { name: "sim_hitm", about: "lines taken from another core's modified copy" },
    Event { name: "sim_invalidations", about: "copies that other cores lost to a write" },
    Event {
        name: "sim_shared_written_lines",
        about: "lines that several threads wrote, in the whole region",
    },
    Event {
        name: "sim_false_shared_lines",
        about: "those of them in which no byte was written by two threads",
    },
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
        [&STEPPED[..], &MODELLED[..]].concat()
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

/// What `doctor` says of it: what a step costs here, or why there is none.
pub fn fact() -> CounterFacts {
    let cost = step_ns();
    let about = cost.as_ref().map_or_else(
        |_| "instructions stepped through a model of caches".into(),
        |ns| format!("instructions stepped through a model of caches, {:.1} us each", ns / 1e3),
    );
    CounterFacts { name: format!("{}: {}", Stepped.name(), STEPPED[0].name), about, unavailable: cost.err() }
}

#[cfg(all(test, target_arch = "x86_64", target_os = "linux", not(miri)))]
mod tests;
