//! Other people's programs, run to their end: what they said, or their last lines as an error.

use crate::error::Failure;
use std::process::{Command, Output};

/// Lines of a program's complaint that are shown.
const LAST_LINES: usize = 20;

/// What a program printed on stdout, trimmed.
///
/// # Errors
/// A program that is not there, or that failed, with its last lines.
pub fn ask(command: &mut Command) -> Result<String, Failure> {
    let output = run(command)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The same where a refusal is an answer.
pub fn try_ask(command: &mut Command) -> Option<String> {
    ask(command).ok()
}

/// Runs a program to its end.
///
/// # Errors
/// A program that is not there, or that failed, with its last lines.
pub fn run(command: &mut Command) -> Result<Output, Failure> {
    let name = name(command);
    let output = command.output().map_err(|error| missing(&name, &error))?;
    match output.status.success() {
        true => Ok(output),
        false => Err(failed(&name, &String::from_utf8_lossy(&output.stderr))),
    }
}

/// A program that cannot be started.
pub fn missing(name: &str, error: &std::io::Error) -> Failure {
    let failure = Failure::usage(format!("cannot start {name}: {error}"));
    failure.help(format!("install {name}, or put it on the PATH"))
}

/// A program that ended with an error.
pub fn failed(name: &str, complaint: &str) -> Failure {
    Failure::usage(format!("{name} failed:\n{}", last_lines(complaint)))
}

/// The end of a complaint, where compilers put what matters.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

/// The program's name without its folder.
pub fn name(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned()
}
