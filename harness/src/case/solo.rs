//! One thread, one body.

use super::stamps::record_ps;
use super::{Batch, Body, Case, Fact, Ops, Stamps, stamped_ops, timed_ops};
use crate::clock::Clock;
use crate::on_clock;

/// A case on the measuring thread alone.
pub fn solo(body: impl Body + 'static) -> Box<dyn Case> {
    Box::new(Solo { body: Box::new(body) })
}

struct Solo {
    body: Box<dyn Ops>,
}

impl Case for Solo {
    fn batch(&mut self, ops: u64, clock: &Clock) -> Batch {
        let (start, stop, checksum) =
            on_clock!(clock, source => timed_ops(source, &mut *self.body, ops, clock.spins()));
        Batch { elapsed_ns: clock.region_ns(start, stop), latency_ns: None, checksum, bounce: None }
    }

    fn stamped(&mut self, ops: u64, clock: &Clock, into: &mut Stamps) -> Batch {
        let mut elapsed_ns = 0.0;
        let checksum = on_clock!(clock, source => stamped_ops(source, &mut *self.body, ops, |start, stop| {
            elapsed_ns += clock.region_ns(start, stop);
            record_ps(&mut into.all, clock, start, stop, 1.0);
        }));
        Batch { elapsed_ns, latency_ns: None, checksum, bounce: None }
    }

    fn cycle_ops(&self) -> u64 {
        self.body.cycle_ops()
    }

    fn facts(&mut self) -> Vec<Fact> {
        self.body.facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Stamps;
    use crate::clock::ClockChoice;

    #[test]
    fn every_operation_runs_once_and_changes_the_checksum() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        let run = |wrong_at: u64| {
            let mut case = solo(move |i: u64| if i == wrong_at { i + 1 } else { i });
            case.batch(1000, &clock).checksum
        };
        assert_eq!(run(5000), run(6000));
        assert!((0..60).all(|i| run(999 - i) != run(5000)));
    }

    #[test]
    fn the_stamped_pass_records_each_operation() {
        let clock = Clock::open(ClockChoice::Scripted(1));
        let mut into = Stamps::default();
        solo(|i: u64| i).stamped(500, &clock, &mut into);
        assert_eq!(into.all.len(), 500);
    }
}
