//! `report`: renders a stored run again, in any format.

use super::output;
use crate::args::ReportArguments;
use crate::error::{Failure, OK};
use crate::settings::Settings;
use perfbench_reports::Report;

/// The command.
pub fn run(settings: &Settings, arguments: &ReportArguments) -> Result<u8, Failure> {
    let mut outputs = output::parse(&arguments.output)?;
    let record = output::find(settings, arguments.run.as_deref())?;
    if outputs.is_empty() {
        outputs.push(output::page(settings));
    }
    output::write_all(&record, &Report::of(&record), &outputs)?;
    output::announce(&outputs);
    Ok(OK)
}
