//! What `run` makes of the machine's state: it refuses to measure on a worse machine than was asked for, and says what got
//! worse while it measured.

use crate::error::{ENVIRONMENT_REFUSED, Failure};
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::callgrind::under_valgrind;
use perfbench_harness::machine::{Environment, EnvironmentCheck, Machine};
use perfbench_harness::record::{Row, RunRecord};

/// Refuses a machine whose grade is worse than asked for.
///
/// # Errors
/// The knobs in the way, each with the command that mends it.
pub fn require(grade: Option<char>, environment: &Environment) -> Result<(), Failure> {
    let Some(grade) = grade.filter(|grade| environment.grade > *grade) else { return Ok(()) };
    let told = |check: &&EnvironmentCheck| match &check.remedy {
        Some(remedy) => format!("{} is {}: {remedy}", check.name, check.value),
        None => format!("{} is {}: no command mends it", check.name, check.value),
    };
    let knobs: Vec<String> = environment.in_the_way_of(grade).iter().map(told).collect();
    let message = format!(
        "environment refused: this machine has grade {}, and --require-env asks for {grade}",
        environment.grade
    );
    Err(Failure::new(ENVIRONMENT_REFUSED, message).help(knobs.join("\n")))
}

/// Refuses a machine on which no two times can be compared.
///
/// # Errors
/// What emulates it.
pub fn require_time(machine: &Machine) -> Result<(), Failure> {
    let refused = |why: perfbench_harness::Unavailable| {
        Failure::new(ENVIRONMENT_REFUSED, format!("environment refused: {}", why.detail))
            .help("`perfbench run` checks and counts on an emulated machine, and times nothing")
    };
    machine.timeless().map_or(Ok(()), |why| Err(refused(why)))
}

/// A clock to measure with.
///
/// # Errors
/// Valgrind runs this program: clocks read real time beside work that is many times slower.
pub fn clock(choice: ClockChoice) -> Result<Clock, Failure> {
    if under_valgrind() && !matches!(choice, ClockChoice::Scripted(_)) {
        let message = "environment refused: times mean nothing under valgrind, which runs this program";
        let help = "`--counters sim:callgrind` runs valgrind by itself where it counts";
        return Err(Failure::new(ENVIRONMENT_REFUSED, message).help(help));
    }
    Ok(Clock::open(choice))
}

/// Above this share of time stolen from the measuring CPU a reader should know.
const MUCH_STOLEN: f64 = 0.005;

/// What got worse between the environment before the run and that after it, in sentences.
pub fn worse(record: &RunRecord, after: &Environment, own_cpus: usize, elapsed_s: f64) -> Vec<String> {
    let mut worse = after.worse_than(&record.header.environment, own_cpus);
    let stolen_s: f64 = record.groups().iter().map(|(_, rows)| stolen_ms(rows) / 1000.0).sum();
    if stolen_s > MUCH_STOLEN * elapsed_s {
        worse.push(format!(
            "the hypervisor took {stolen_s:.1} s from the measuring CPU while launches ran: their times hold it where no switch gave it away"
        ));
    }
    worse
}

/// Time stolen in the launches of a group, which its rows share.
fn stolen_ms(rows: &[&Row]) -> f64 {
    let of_row = |row: &&Row| -> Option<f64> {
        Some(row.measured()?.launches.iter().filter_map(|launch| launch.stolen_ms).sum())
    };
    rows.iter().filter_map(of_row).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, good: bool, remedy: Option<&str>) -> EnvironmentCheck {
        EnvironmentCheck {
            name: name.into(),
            value: "so".into(),
            good: Some(good),
            effect: "it disturbs".into(),
            remedy: remedy.map(str::to_owned),
        }
    }

    #[test]
    fn a_machine_that_is_emulated_is_refused_for_whatever_takes_time() {
        let machine =
            |emulator: Option<&str>| Machine { emulator: emulator.map(str::to_owned), ..Machine::scripted() };
        assert_eq!(
            require_time(&machine(Some("QEMU"))).map_err(|refused| refused.code),
            Err(ENVIRONMENT_REFUSED)
        );
        assert!(require_time(&machine(None)).is_ok());
    }

    #[test]
    fn a_machine_worse_than_asked_for_is_refused_with_the_knobs_and_their_remedies() {
        let checks = vec![
            check("governor", false, Some("mend it")),
            check("steal", false, None),
            check("smt", true, None),
        ];
        let environment = Environment { grade: 'D', checks };
        let refused = require(Some('B'), &environment).unwrap_err();
        let help = miette::Diagnostic::help(&refused).unwrap().to_string();
        assert_eq!(refused.code, ENVIRONMENT_REFUSED);
        assert_eq!(help, "governor is so: mend it\nsteal is so: no command mends it");
        assert!(require(Some('D'), &environment).is_ok() && require(None, &environment).is_ok());
    }
}
