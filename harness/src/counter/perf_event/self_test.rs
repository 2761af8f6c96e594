//! Whether the PMU counts as it must: a loop of known content has so many instructions a round, however long it is; and
//! how many events it takes at once.

use super::kernel::{Kernel, Linux, Scope, Target};
use super::pass::Opened;
use super::probe::Probe;
use super::{canary, errno, generic, table};
use crate::unavailable::Unavailable;
use std::io;

/// What the loop of dependent additions has a round: the addition and the branch.
pub const INSTRUCTIONS_PER_ROUND: f64 = 2.0;

/// Rounds of the two loops whose difference is taken, so that what stands around them falls out.
const SHORT: u64 = 100_000;
const LONG: u64 = 1_100_000;

/// Counts the loop at two lengths: instructions of user mode a round, which are [`INSTRUCTIONS_PER_ROUND`] on a PMU that
/// counts.
///
/// # Errors
/// Why instructions cannot be counted here.
pub fn instructions_per_round() -> Result<f64, Unavailable> {
    counted().map_err(|error| errno::explain(&error))
}

fn counted() -> io::Result<f64> {
    let target = Target::Thread(Linux.threads()?[0]);
    let [_, instructions] = generic::anchor(table::cpu().as_ref());
    let mut group = Opened::alone(&Linux, &instructions.spec(target, Scope::User))?;
    group.enable(&Linux)?;
    let count = |rounds| -> io::Result<f64> {
        let before = group.now(&Linux)?;
        canary::add(rounds);
        Ok(group.now(&Linux)?.since(&before).values[0] as f64)
    };
    Ok((count(LONG)? - count(SHORT)?) / (LONG - SHORT) as f64)
}

/// More counters than any CPU has.
const MOST_COUNTERS: usize = 64;

/// How many events of user mode the kernel lets into one group, cycles and for the rest instructions: the next one is
/// refused for the group's size.
///
/// # Errors
/// Why no group opens here, or what else refuses an event.
pub fn events_of_a_group() -> Result<usize, Unavailable> {
    group_size().map_err(|error| errno::explain(&error))
}

fn group_size() -> io::Result<usize> {
    let thread = Linux.threads()?[0];
    let [cycles, instructions] = generic::anchor(table::cpu().as_ref());
    let mut group = Opened::of_thread(&Linux, thread)?;
    let mut add = |probe: &Probe| group.add(&Linux, probe, Target::Thread(thread), Scope::User);
    add(&cycles)?;
    for members in 1..MOST_COUNTERS {
        match add(&instructions) {
            Err(error) if errno::is_full(&error) => return Ok(members),
            added => added?,
        }
    }
    Ok(MOST_COUNTERS)
}

#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;

    #[test]
    fn a_group_holds_some_events_and_no_more_or_the_reason_is_told() {
        match events_of_a_group() {
            Ok(events) => assert!((2..MOST_COUNTERS).contains(&events), "{events}"),
            Err(why) => assert!(why.detail.contains("; "), "{why}"),
        }
    }

    #[test]
    fn the_loop_has_the_instructions_that_it_must_have_or_the_reason_is_told() {
        match instructions_per_round() {
            Ok(counted) => assert!((counted - INSTRUCTIONS_PER_ROUND).abs() < 1e-3, "{counted}"),
            Err(why) => assert!(why.detail.contains("; "), "{why}"),
        }
    }
}
