//! The command line over anybody's table of workloads: the only place that parses, prints and exits. Measuring is the
//! harness's affair, judging and rendering the reports'.

mod args;
mod builds;
mod cmd;
mod config;
mod error;
mod interrupt;
mod progress;
mod settings;
mod values;

use args::Arguments;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use error::Failure;
use perfbench_harness::Registry;
use perfbench_harness::claim::Claim;
use std::ffi::OsString;
use std::process::ExitCode;

/// What a binary brings: its workloads and the documented targets that belong to them.
#[derive(Clone, Copy)]
pub struct Tables {
    /// The workloads.
    pub registry: Registry,
    /// The documented targets.
    pub claims: fn() -> Vec<Claim>,
}

/// The argument that makes a process do one job and end; used by perfbench itself for fresh launches.
pub const WORKER: &str = "__worker";

/// The whole command line: parses, runs one command, and turns what came of it into an exit code.
pub fn main(registry: &Registry, claims: fn() -> Vec<Claim>) -> ExitCode {
    let tables = Tables { registry, claims };
    if std::env::args_os().nth(1).is_some_and(|first| first == WORKER) {
        return work(registry);
    }
    let (arguments, matches) = match parse() {
        Ok(parsed) => parsed,
        Err(error) => {
            // A closed terminal is nobody to complain to.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match cmd::run(tables, &arguments, &matches) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => report(failure),
    }
}

/// What was typed; no command at all means `run`, with everything that its flags take from the environment.
fn parse() -> Result<(Arguments, ArgMatches), clap::Error> {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let matches = Arguments::command().try_get_matches_from(&typed)?;
    let matches = match matches.subcommand_name() {
        Some(_) => matches,
        None => Arguments::command().try_get_matches_from(typed.into_iter().chain(["run".into()]))?,
    };
    Ok((Arguments::from_arg_matches(&matches)?, matches))
}

fn work(registry: Registry) -> ExitCode {
    match perfbench_harness::launch::serve(with_yardsticks(registry)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            anstream::eprintln!("{message}");
            ExitCode::from(error::INTERNAL)
        }
    }
}

/// A table and the work that a self-test times beside it.
fn with_yardsticks(registry: Registry) -> Registry {
    let all: Vec<_> = registry.iter().chain(perfbench_workloads::YARDSTICKS).copied().collect();
    Box::leak(all.into_boxed_slice())
}

fn report(failure: Failure) -> ExitCode {
    let code = failure.code;
    anstream::eprintln!("{:?}", miette::Report::new(failure));
    ExitCode::from(code)
}
