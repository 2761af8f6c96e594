//! One command a file, each a straight line through the stages.

mod compare;
mod doctor;
mod environment;
mod gate;
mod list;
mod output;
mod profile;
mod report;
mod resume;
mod run;
mod selftest;
mod sides;
mod stored;
mod targets;
mod verdict;

use crate::Tables;
use crate::args::{Arguments, Command, When};
use crate::error::Failure;
use crate::settings::Settings;
use anstream::ColorChoice;
use clap::ArgMatches;

/// Runs the command that was typed; returns its exit code.
///
/// # Errors
/// What the user can mend.
pub fn run(tables: Tables, arguments: &Arguments, matches: &ArgMatches) -> Result<u8, Failure> {
    let mut settings = Settings::load(&arguments.common, matches)?;
    choose_color(settings.color);
    let context =
        Context { tables, matches, verbose: arguments.common.verbose, quiet: arguments.common.quiet };
    match &arguments.command {
        None => unreachable!("no command has become `run` by now"),
        Some(Command::Run(run)) => run::run(&context, &mut settings, run),
        Some(Command::Gate(gate)) => gate::run(&context, &mut settings, gate),
        Some(Command::Profile(profile)) => profile::run(&context, &mut settings, profile),
        Some(Command::Selftest(selftest)) => selftest::run(&context, &mut settings, selftest),
        Some(Command::Doctor(doctor)) => doctor::run(&context, doctor),
        Some(Command::List(list)) => list::run(&context, &mut settings, list),
        Some(Command::Compare(compare)) => compare::run(&settings, compare),
        Some(Command::Report(report)) => report::run(&settings, report),
        Some(Command::Targets(targets)) => targets::run(&context, &settings, targets),
    }
}

/// What a command needs beside its settings.
pub struct Context<'a> {
    /// Workloads and targets.
    pub tables: Tables,
    /// What clap saw, for the origin of settings.
    pub matches: &'a ArgMatches,
    /// `-v`.
    pub verbose: bool,
    /// `-q`.
    pub quiet: bool,
}

fn choose_color(when: When) {
    match when {
        When::Auto => {}
        When::Always => ColorChoice::Always.write_global(),
        When::Never => ColorChoice::Never.write_global(),
    }
}
