//! What the timing loop costs around nothing: told in every record, and not subtracted, because a core overlaps the loop
//! with the operation inside it.

use super::solo;
use crate::clock::Clock;

/// Operations of one batch: half a millisecond or so.
const OPS: u64 = 1 << 20;

/// Batches of which the quickest counts.
const BATCHES: usize = 9;

/// Time of a turn of the loop around an empty body, ns; nought on the scripted clock, which charges what a script says.
pub fn loop_ns_per_op(clock: &Clock) -> f64 {
    if clock.scripted().is_some() {
        return 0.0;
    }
    let mut empty = solo(|i: u64| i);
    let batches = (0..BATCHES).map(|_| empty.batch(OPS, clock).elapsed_ns);
    batches.fold(f64::MAX, f64::min) / OPS as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ClockChoice;

    #[test]
    fn a_turn_of_the_loop_costs_something_and_is_nought_on_a_scripted_clock() {
        let ns = loop_ns_per_op(&Clock::open(ClockChoice::Best));
        assert!(ns > 0.0 && ns.is_finite());
        assert_eq!(loop_ns_per_op(&Clock::open(ClockChoice::Scripted(1))), 0.0);
    }
}
