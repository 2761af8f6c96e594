//! What the machine can do at best, measured in every run: the denominators of all results.

use super::Machine;
use crate::clock::Clock;
use crate::record::Limit;

/// Measures every limit on `cpus`, telling `done` of each as it is known.
pub fn measure(_machine: &Machine, _cpus: &[usize], _clock: &Clock, _done: &mut dyn FnMut(Limit)) {}
