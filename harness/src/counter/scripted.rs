//! Counts that a script dictates, so that everything after the counting can be tested byte for byte.

use super::{Counter, Event, Group, Reading, Selection, Source};
use crate::record::Provenance;
use crate::unavailable::{Reason, Unavailable};

static EVENTS: [Event; 3] = [
    Event { name: "cycles", about: "10 an operation, dictated" },
    Event { name: "instructions", about: "25 an operation, dictated" },
    Event {
        name: "branch_misses",
        about: "never there, so that a missing count is seen all the way to the page",
    },
];

/// The script: the same counts for every case.
#[derive(Debug)]
pub struct Scripted;

impl Source for Scripted {
    fn name(&self) -> &'static str {
        "script"
    }

    fn group(&self) -> Group {
        Group::Scripted
    }

    fn events(&self) -> Vec<Event> {
        EVENTS.to_vec()
    }

    fn open(&self, _: &Selection) -> Result<Box<dyn Counter>, Unavailable> {
        Ok(Box::new(Scripted))
    }
}

impl Counter for Scripted {
    fn start(&mut self) {}

    fn stop(&mut self, ops: u64) -> Vec<Reading> {
        let [cycles, instructions, branch_misses] = EVENTS.each_ref().map(|event| event.name);
        let absent = Unavailable::new(Reason::NoPmu, "the script has no such counter");
        vec![
            dictated(cycles, 10 * ops),
            dictated(instructions, 25 * ops),
            Reading::absent(branch_misses, absent),
        ]
    }
}

fn dictated(name: &'static str, value: u64) -> Reading {
    Reading::counted(name, value as f64, Provenance::Scripted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counter::{Selection, count};

    #[test]
    fn the_script_tells_the_same_counts_per_operation_whatever_runs() {
        let of = |ops| count(&Selection::scripted(), ops, &mut |_| ());
        assert_eq!(of(1), of(12_345));
        let cycles = of(1).into_iter().find(|count| count.name == "cycles").expect("the script has cycles");
        assert_eq!((cycles.per_op, cycles.provenance), (Ok(10.0), Provenance::Scripted));
    }
}
