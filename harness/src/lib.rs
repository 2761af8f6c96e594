//! Measures: a table of workloads and a request go in, a plan is made, a run record comes out.
//! Knows no workload by name, prints nothing, judges nothing.
//!
//! ```
//! use perfbench_harness::case::solo;
//! use perfbench_harness::clock::{Clock, ClockChoice};
//!
//! let clock = Clock::open(ClockChoice::Scripted(7));
//! let mut case = solo(|i: u64| i * i);
//! assert!(case.batch(1000, &clock).elapsed_ns > 0.0);
//! ```

pub mod case;
pub mod claim;
pub mod clock;
pub mod counter;
pub mod duel;
pub mod event;
pub mod isa;
pub mod launch;
pub mod machine;
pub mod plan;
pub mod profile;
pub mod record;
pub mod sampler;
pub mod simulate;
pub mod stats;
pub mod unavailable;
pub mod worker;
pub mod workload;

pub use hdrhistogram::Histogram;
pub use isa::{Granted, Isa};
pub use unavailable::{Reason, Unavailable};
pub use workload::{Bound, Broken, Point, Registry, Role, Setup, Suite, Variant, Workload};
