//! `targets`: the documented figures: list them, judge them by a stored run, explain one.

use super::{Context, output};
use crate::args::{TargetsArguments, TargetsCommand};
use crate::error::{Failure, OK, nearest};
use crate::settings::Settings;
use perfbench_harness::claim::Claim;
use perfbench_reports::Report;
use perfbench_reports::format::targets::{check, explain, list};

/// The command.
pub fn run(context: &Context<'_>, settings: &Settings, arguments: &TargetsArguments) -> Result<u8, Failure> {
    let claims = (context.tables.claims)();
    let text = match &arguments.what {
        None | Some(TargetsCommand::List) => list(&claims, &output::look()),
        Some(TargetsCommand::Check { run }) => {
            check(Report::of(&output::find(settings, run.as_deref())?).targets(), &output::look())
        }
        Some(TargetsCommand::Explain { id }) => explained(settings, &claims, id)?,
    };
    anstream::print!("{text}");
    Ok(OK)
}

/// One target in full, with the newest run's verdict where there is a run.
fn explained(settings: &Settings, claims: &[Claim], id: &str) -> Result<String, Failure> {
    let Some(claim) = claims.iter().find(|claim| claim.id == id) else {
        let failure = Failure::usage(format!("no documented target `{id}`"));
        let near = nearest(id, claims.iter().map(|claim| claim.id.as_str()));
        let help =
            if near.is_empty() { "`perfbench targets list` shows every id".into() } else { near.join(", ") };
        return Err(failure.help(help));
    };
    let report = output::find(settings, None).ok().map(|record| Report::of(&record));
    Ok(explain(claim, report.as_ref().and_then(|report| report.target(id)), &output::look()))
}
