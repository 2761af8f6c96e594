//! Linux perf events as counter sources. Which events a group stands for is said in `generic` and `table`, which of them
//! are counted together in `plan`, how they are read in `pass` and `slot`, and what their numbers are worth in `engine` and `reply`.

mod canary;
pub mod classes;
mod engine;
pub(crate) mod errno;
#[cfg(test)]
mod fake;
mod generic;
mod kernel;
mod pass;
mod plan;
mod probe;
mod registers;
mod reply;
mod self_test;
mod slot;
pub mod table;
#[cfg(all(test, not(miri)))]
mod tests;
mod uncore;
mod user_read;
mod vectors;

pub use self_test::{INSTRUCTIONS_PER_ROUND, events_of_a_group, instructions_per_round};
pub use user_read::user_read_agrees;

use super::{Counter, Event, Group, Selection, Source};
use crate::unavailable::Unavailable;
use probe::Probe;

/// The perf events of one group.
#[derive(Debug)]
pub struct PerfEvents {
    group: Group,
}

/// What the core does.
pub static CORE: PerfEvents = PerfEvents { group: Group::Core };

/// What the caches next to the core do.
pub static CACHE: PerfEvents = PerfEvents { group: Group::Cache };

/// What the last-level cache and the memory do for this core.
pub static MEMORY: PerfEvents = PerfEvents { group: Group::Memory };

/// Which translations miss.
pub static TLB: PerfEvents = PerfEvents { group: Group::Tlb };

/// What cores take from each other.
pub static SHARING: PerfEvents = PerfEvents { group: Group::Sharing };

/// Which vector widths and crypto units run.
pub static SIMD: PerfEvents = PerfEvents { group: Group::Simd };

/// Where the pipeline's slots go.
pub static TOPDOWN: PerfEvents = PerfEvents { group: Group::Topdown };

/// What the memory controllers move, for the whole machine.
pub static BANDWIDTH: PerfEvents = PerfEvents { group: Group::Bandwidth };

/// What the kernel counts itself.
pub static SOFTWARE: PerfEvents = PerfEvents { group: Group::Software };

impl PerfEvents {
    fn probes(&self) -> Vec<Probe> {
        generic::probes(self.group, table::cpu().as_ref())
    }
}

impl Source for PerfEvents {
    fn name(&self) -> &'static str {
        "perf_event"
    }

    fn group(&self) -> Group {
        self.group
    }

    fn events(&self) -> Vec<Event> {
        self.probes().iter().map(|probe| probe.event).collect()
    }

    fn sees_machine(&self) -> bool {
        self.group == Group::Bandwidth
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        let passes = engine::open(&kernel::Linux, self.group, self.probes(), table::cpu())?;
        Ok(Box::new(passes))
    }
}
