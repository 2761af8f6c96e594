//! Time that a seed dictates: the same seed and the same row give the same durations, so that everything after the
//! measurement can be tested byte for byte.

use super::Source;
use crate::stats::random::Random;
use std::sync::{Arc, Mutex, MutexGuard};

/// Tick length of the scripted clock: a sixty-fourth of a nanosecond, so that short operations keep their fraction.
pub const NS_PER_TICK: f64 = 1.0 / 64.0;

/// A clock that only moves when a region ends, by what the script says the region cost, or when it is moved. Clones share
/// one time.
#[derive(Debug, Clone)]
pub struct Scripted {
    seed: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Clone)]
struct State {
    now_ticks: u64,
    ns_per_op: f64,
    random: Random,
}

impl Scripted {
    /// A clock at time zero.
    pub fn new(seed: u64) -> Self {
        Self::of(seed, State { now_ticks: 0, ns_per_op: 1.0, random: Random::new(seed) })
    }

    fn of(seed: u64, state: State) -> Self {
        Self { seed, state: Arc::new(Mutex::new(state)) }
    }

    /// Starts the script of one row: its operations cost about `ns_per_op` from here on.
    pub fn begin(&self, row: &str, ns_per_op: f64) {
        let mut state = self.state();
        state.random = Random::new(self.seed ^ Random::hash(row));
        state.ns_per_op = ns_per_op;
    }

    /// Time now, ns: for bodies that a test lets take time.
    pub fn now_ns(&self) -> f64 {
        self.state().now_ticks as f64 * NS_PER_TICK
    }

    /// Moves time on, as an operation that takes longer than its script says would.
    pub fn advance(&self, ns: f64) {
        self.state().now_ticks += (ns / NS_PER_TICK).round() as u64;
    }

    /// A clock with a time of its own that stands where this one stands.
    pub fn fork(&self) -> Self {
        Self::of(self.seed, self.state().clone())
    }

    /// Takes over the time and the script of another clock.
    pub fn align(&self, other: &Scripted) {
        let other = other.state().clone();
        *self.state() = other;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }
}

impl Source for Scripted {
    fn start(&self) -> u64 {
        self.state().now_ticks
    }

    fn stop(&self, ops: u64) -> u64 {
        let mut state = self.state();
        let jitter = 1.0 + 0.02 * (state.random.unit() - 0.5);
        state.now_ticks += (ops as f64 * state.ns_per_op * jitter / NS_PER_TICK).round() as u64;
        state.now_ticks
    }

    /// Nothing passes the time of waiting but the wait itself.
    fn reach(&self, due: u64) -> u64 {
        let mut state = self.state();
        state.now_ticks = state.now_ticks.max(due);
        state.now_ticks
    }
}
