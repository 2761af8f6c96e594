//! Time that a seed dictates: the same seed and the same row give the same durations, so that everything after the
//! measurement can be tested byte for byte.

use super::Source;
use crate::stats::random::Random;
use std::sync::Mutex;

/// Tick length of the scripted clock: a sixty-fourth of a nanosecond, so that short operations keep their fraction.
pub const NS_PER_TICK: f64 = 1.0 / 64.0;

/// A clock that only moves when a region ends, by what the script says the region cost.
#[derive(Debug)]
pub struct Scripted {
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    now_ticks: u64,
    ns_per_op: f64,
    random: Random,
}

impl Scripted {
    /// A clock at time zero.
    pub fn new(seed: u64) -> Self {
        Self { seed, state: Mutex::new(State { now_ticks: 0, ns_per_op: 1.0, random: Random::new(seed) }) }
    }

    /// Starts the script of one row: its operations cost about `ns_per_op` from here on.
    pub fn begin(&self, row: &str, ns_per_op: f64) {
        let mut state = self.state.lock().expect("no holder panics");
        state.random = Random::new(self.seed ^ Random::hash(row));
        state.ns_per_op = ns_per_op;
    }
}

impl Source for Scripted {
    fn start(&self) -> u64 {
        self.state.lock().expect("no holder panics").now_ticks
    }

    fn stop(&self, ops: u64) -> u64 {
        let mut state = self.state.lock().expect("no holder panics");
        let jitter = 1.0 + 0.02 * (state.random.unit() - 0.5);
        state.now_ticks += (ops as f64 * state.ns_per_op * jitter / NS_PER_TICK).round() as u64;
        state.now_ticks
    }
}
