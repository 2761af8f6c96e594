//! `list`: what the filters select; `run --dry-run`: the plan with its estimated time and the origin of settings.

use super::Context;
use crate::args::{ListArguments, RunArguments, TextOrJson};
use crate::error::{Failure, OK};
use crate::settings::Settings;
use perfbench_harness::machine;
use perfbench_harness::plan::{self, Group, Plan};

/// The command.
pub fn run(context: &Context<'_>, settings: &mut Settings, arguments: &ListArguments) -> Result<u8, Failure> {
    let machine = machine::probe();
    let request = settings.request(&as_run(arguments), context.matches, &machine)?;
    let plan = plan::plan(&request, &machine, context.tables.registry);
    if plan.groups.is_empty() {
        return Err(super::run::nothing_selected(&request, context.tables.registry));
    }
    match arguments.format {
        TextOrJson::Text => plan.groups.iter().for_each(print_group),
        TextOrJson::Json => anstream::println!("{:#}", json(&plan)),
    }
    Ok(OK)
}

fn as_run(arguments: &ListArguments) -> RunArguments {
    RunArguments {
        selection: arguments.selection.clone(),
        budget: None,
        launches: None,
        cpus: None,
        precision: None,
        cold: false,
        require_env: None,
        resume: None,
        seed: None,
        trace: None,
        counters: None,
        output: Vec::new(),
        test: false,
        dry_run: true,
        clock: None,
    }
}

/// Prints the plan and stops.
pub fn dry_run(context: &Context<'_>, settings: &Settings, plan: &Plan) -> Result<u8, Failure> {
    if context.verbose {
        for setting in &settings.origins {
            anstream::println!("{:<11} {:<24} {}", setting.name, setting.value, setting.origin);
        }
        anstream::println!();
    }
    plan.groups.iter().for_each(print_group);
    let rows: usize = plan.groups.iter().map(|g| g.variants.len()).sum();
    let (launches, slice_ms) = (plan.launches, plan.slice_s * 1e3);
    anstream::println!(
        "{rows} rows, {launches} launches of {slice_ms:.0} ms a row and more as time allows, about {:.0} s in all",
        plan.estimate_s
    );
    Ok(OK)
}

fn print_group(group: &Group) {
    anstream::println!("{}  {} (document {})", group.name(), group.point.about, group.workload.source);
    for planned in &group.variants {
        let variant = planned.variant;
        let reason = planned.skip.as_ref().map(|why| format!("  [not here: {why}]")).unwrap_or_default();
        anstream::println!(
            "  {:<18} {:<11} {:<14} {}{reason}",
            variant.name,
            variant.role.name(),
            variant.needs,
            variant.about
        );
    }
}

fn json(plan: &Plan) -> serde_json::Value {
    let row = |group: &Group, planned: &plan::Planned| {
        serde_json::json!({
            "row": perfbench_harness::workload::key(group.workload.name, group.point.name, planned.variant.name),
            "about": planned.variant.about,
            "point": group.point.about,
            "source": group.workload.source,
            "role": planned.variant.role.name(),
            "isa": planned.variant.needs.names(),
            "cpus": group.cpus,
            "unavailable": planned.skip,
        })
    };
    plan.groups
        .iter()
        .flat_map(|group| group.variants.iter().map(move |planned| row(group, planned)))
        .collect()
}
