//! Samples what a case does while it runs, in its own process: where the CPU's time goes, with callers. What a profile
//! holds is `record::profile`'s affair; how it is shown, the reports'.

use crate::case::Case;
use crate::clock::Clock;
use crate::record::Profile;
use crate::unavailable::{Reason, Unavailable};
use serde::{Deserialize, Serialize};

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

/// Runs batches of a warm case and samples them.
///
/// # Errors
/// Why no sampling can be had here.
pub fn profile(_case: &mut dyn Case, _clock: &Clock, _request: &Request) -> Result<Profile, Unavailable> {
    Err(Unavailable::new(Reason::Unsupported, "sampling is not built yet"))
}
