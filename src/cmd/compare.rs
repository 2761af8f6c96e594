//! `compare`: two stored runs or files, row by row.

use super::output;
use crate::args::{CompareArguments, ComparisonFormat};
use crate::error::{Failure, OK};
use crate::settings::Settings;
use perfbench_reports::compare::{Policy, Refused, compare};
use perfbench_reports::format::compare::{json, markdown, text};

/// The command.
pub fn run(settings: &Settings, arguments: &CompareArguments) -> Result<u8, Failure> {
    let base = output::find(settings, Some(&arguments.base))?;
    let candidate = output::find(settings, arguments.run.as_deref())?;
    let policy = Policy { across_machines: arguments.across_machines, ..Policy::default() };
    let comparison = compare(&base, &candidate, &policy).map_err(|refused| {
        let failure = Failure::usage(refused.to_string());
        match refused {
            Refused::OtherMachine(..) => failure.help("--across-machines compares different CPUs"),
            _ => failure,
        }
    })?;
    let rendered = match arguments.format {
        ComparisonFormat::Text => text(&comparison, &output::look()),
        ComparisonFormat::Markdown => markdown(&comparison),
        ComparisonFormat::Json => json(&comparison),
    };
    anstream::print!("{rendered}");
    Ok(OK)
}
