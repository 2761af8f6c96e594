//! `doctor`: what this machine is, what it can and cannot measure, its grade, and the command that mends each lack.

mod events;
mod pairs;
mod repeat;
mod text;

use super::Context;
use crate::args::{DoctorArguments, TextOrJson};
use crate::error::{Failure, INTERNAL, OK};
use perfbench_harness::clock::{Clock, ClockChoice, ClockFacts};
use perfbench_harness::counter;
use perfbench_harness::counter::perf_event::classes::{EventClass, classes};
use perfbench_harness::machine::{self, Environment, Machine, environment, limits};
use perfbench_harness::record::{CounterFacts, Limit};
use serde::Serialize;

/// All that is known of a machine, as `--format json` prints it.
#[derive(Debug, Serialize)]
struct Diagnosis {
    version: &'static str,
    machine: Machine,
    environment: Environment,
    clock: ClockFacts,
    counters: Vec<CounterFacts>,
    events: Vec<EventClass>,
    limits: Vec<Limit>,
}

/// Examines the machine, which takes some 8 s, and prints what was found.
///
/// # Errors
/// Where a repeat in a process of its own fails.
pub fn run(context: &Context, doctor: &DoctorArguments) -> Result<u8, Failure> {
    if !context.quiet {
        let times = doctor.repeat.unwrap_or(1);
        anstream::eprintln!("measuring this machine's limits, about {} s", 8 * u32::from(times));
    }
    if let Some(times) = doctor.repeat {
        anstream::print!("{}", repeat::table(&repeat::measured(times)?));
        return Ok(OK);
    }
    let diagnosis = diagnose(ClockChoice::Best);
    match doctor.format {
        TextOrJson::Text => anstream::print!("{}", text::of(&diagnosis)),
        TextOrJson::Json => anstream::println!("{}", json(&diagnosis)?),
    }
    Ok(OK)
}

fn diagnose(clock: ClockChoice) -> Diagnosis {
    let (machine, environment) = (machine::probe(), environment::check());
    let clock = Clock::open(clock);
    let mut limits = Vec::new();
    limits::measure(&machine, &machine.cpus, &clock, &mut |limit| limits.push(limit));
    let (clock, mut counters, events) = (clock.facts(), counter::facts(), classes());
    counters.extend(counter::facts_apart());
    counters.push(counter::stepped::fact());
    Diagnosis { version: env!("CARGO_PKG_VERSION"), machine, environment, clock, counters, events, limits }
}

fn json(diagnosis: &Diagnosis) -> Result<String, Failure> {
    serde_json::to_string_pretty(diagnosis).map_err(|error| Failure::new(INTERNAL, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_read_every_part_of_the_diagnosis() {
        let text = json(&diagnose(ClockChoice::Scripted(1))).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        for part in ["version", "machine", "environment", "clock", "counters", "events", "limits"] {
            assert!(!value[part].is_null(), "{part} is missing");
        }
    }
}
