//! `profile`: samples one row in a fresh process, stores the samples, and shows where the time goes. A stored profile is
//! shown again without sampling.

use super::output::{self, look, store_failure};
use super::run::{nothing_selected, now, run_id, unwritten};
use super::{Context, environment};
use crate::args::ProfileArguments;
use crate::error::{BROKE, ENVIRONMENT_REFUSED, Failure, INTERRUPTED, OK};
use crate::interrupt;
use crate::progress::Progress;
use crate::settings::{ProfileRequest, Settings};
use perfbench_harness::clock::Clock;
use perfbench_harness::event::{Event, Onlooker};
use perfbench_harness::launch::{Died, Fresh, Launcher};
use perfbench_harness::machine::{self, Machine};
use perfbench_harness::plan::{self, Group, Plan};
use perfbench_harness::record::{PROFILE_SCHEMA, Profile};
use perfbench_harness::worker::{Done, Job, Reply, Task};
use perfbench_harness::workload::key;
use perfbench_harness::{Unavailable, Variant};
use perfbench_reports::profile::{self, FORMATS, Format, Sources, View, annotated};
use perfbench_reports::store::Store;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Candidates named at most where filters leave several.
const NAMED: usize = 12;

/// What a fresh profile is written as where no output is asked for.
const DEFAULT: [&str; 2] = ["svg", "html"];

/// The command.
///
/// # Errors
/// What the user can mend: filters that leave no row or several, a machine that lets nobody sample, a name that means no
/// profile.
pub fn run(
    context: &Context<'_>,
    settings: &mut Settings,
    arguments: &ProfileArguments,
) -> Result<u8, Failure> {
    let outputs = outputs(&settings.profile_outputs(arguments))?;
    let shown = Shown { context, arguments };
    if let Some(name) = &arguments.from {
        let profile = Store::at(&settings.store).find_profile(name).map_err(store_failure)?;
        let base = base(settings, arguments, &profile.row)?;
        // A file may come from anywhere and name any path: no source is read for it.
        let sources = if Path::new(name).is_file() { Sources::new() } else { sources(&profile) };
        return shown.show(&profile, base.as_ref(), &sources, &outputs).map(|()| OK);
    }
    let machine = machine::probe();
    environment::require_time(&machine)?;
    let asked = settings.profile(arguments, context.matches, &machine)?;
    let clock = environment::clock(asked.rows.clock)?;
    let plan = plan::plan(&asked.rows, &machine, context.tables.registry);
    let row = the_row(context, &asked, &plan)?;
    let base = base(settings, arguments, &row.key())?;
    let store = Store::open(&settings.store).map_err(store_failure)?;
    let stop = interrupt::watch();
    let sampled = sample(context, settings, &asked, &row, &job(&asked, &row, &clock));
    if interrupt::came() && sampled.is_err() {
        return Ok(INTERRUPTED);
    }
    let Machine { cpu, architecture, .. } = machine;
    let profile = Profile { cpu, architecture, ..sampled? };
    let id = run_id(false, 0);
    store.keep_profile(&id, &profile).map_err(|error| unwritten(&error))?;
    let outputs = if outputs.is_empty() { default_outputs(&store, &id) } else { outputs };
    shown.show(&profile, base.as_ref(), &sources(&profile), &outputs)?;
    anstream::println!(" Profile  {id}");
    // Set by a signal handler that publishes nothing else.
    Ok(if stop.load(std::sync::atomic::Ordering::Relaxed) { INTERRUPTED } else { OK })
}

/// One row of a plan.
struct Row<'a> {
    group: &'a Group,
    variant: &'static Variant,
}

impl Row<'_> {
    fn key(&self) -> String {
        key(self.group.workload.name, self.group.point.name, self.variant.name)
    }
}

/// The only row that the filters leave; one whose whole name was typed goes before those that only hold it.
fn the_row<'a>(context: &Context<'_>, asked: &ProfileRequest, plan: &'a Plan) -> Result<Row<'a>, Failure> {
    let rows = |group: &'a Group| group.variants.iter().map(move |planned| (group, planned));
    let (here, absent): (Vec<_>, Vec<_>) =
        plan.groups.iter().flat_map(rows).partition(|(_, planned)| planned.skip.is_none());
    let mut here: Vec<Row<'a>> =
        here.into_iter().map(|(group, planned)| Row { group, variant: planned.variant }).collect();
    if let Some(named) = here.iter().position(|row| asked.rows.filters == [row.key()]) {
        return Ok(here.swap_remove(named));
    }
    match (here.len(), absent.first()) {
        (1, _) => Ok(here.remove(0)),
        (0, Some((group, planned))) => Err(Failure::usage(format!(
            "{}/{} cannot run here: {}",
            group.name(),
            planned.variant.name,
            planned.skip.as_ref().map(Unavailable::to_string).unwrap_or_default()
        ))),
        (0, None) => Err(nothing_selected(&asked.rows, context.tables.registry)),
        _ => Err(several(&here.iter().map(Row::key).collect::<Vec<_>>())),
    }
}

fn several(candidates: &[String]) -> Failure {
    let count = candidates.len();
    let more = if count > NAMED { format!("\nand {} more", count - NAMED) } else { String::new() };
    let named = candidates[..count.min(NAMED)].join("\n");
    Failure::usage(format!("a profile is of one row, and the filters leave {count}"))
        .help(format!("name one of them:\n{named}{more}"))
}

/// The profile that is compared with.
fn base(settings: &Settings, arguments: &ProfileArguments, row: &str) -> Result<Option<Profile>, Failure> {
    let store = Store::at(&settings.store);
    match arguments.base.as_deref() {
        None => Ok(None),
        Some("latest") => match store.latest_profile(row) {
            Some(profile) => Ok(Some(profile)),
            None => Err(Failure::usage(format!(
                "no profile of {row} is stored in {} yet",
                settings.store.display()
            ))
            .help("`perfbench profile` without --base makes one; --base ID names one of another row")),
        },
        Some(name) => store.find_profile(name).map(Some).map_err(store_failure),
    }
}

/// Samples the row in a fresh process.
fn sample(
    context: &Context<'_>,
    settings: &Settings,
    asked: &ProfileRequest,
    row: &Row<'_>,
    job: &Job,
) -> Result<Profile, Failure> {
    let started = now(false);
    let mut progress = Progress::new(settings.progress, context.quiet, 2.0 * asked.sampling.length_s);
    if context.verbose {
        for setting in &settings.origins {
            progress.say(&format!("{:<11} {:<24} {}", setting.name, setting.value, setting.origin));
        }
    }
    let key = row.key();
    let seconds = asked.sampling.length_s;
    progress.say(&format!("sampling {key} for {seconds} s, in turns with as long unsampled"));
    progress.on(&Event::Preparing(&key));
    let mut done = None;
    // The link leads to the program that runs, even where its file has been replaced by another build meanwhile.
    let mut launcher = Fresh::new("/proc/self/exe".into(), &[crate::WORKER], asked.rows.seed);
    let died = launcher.launch(job, &mut |reply| match reply {
        Reply::Outcome { result, .. } => done = Some(result),
        Reply::Begin { .. } => {}
    });
    progress.finish();
    let profile = profiled(&key, done, died)?;
    if profile.samples.is_empty() {
        return Err(Failure::usage(format!("{key} gave no sample in {seconds} s"))
            .help("sample for longer with --time or faster with --hz, or by another clock: --clock cpu-clock, --clock signal"));
    }
    let (schema, version) = (PROFILE_SCHEMA.into(), env!("CARGO_PKG_VERSION").into());
    Ok(Profile { schema, version, started, built: built(), ..profile })
}

fn job(asked: &ProfileRequest, row: &Row<'_>, clock: &Clock) -> Job {
    let rows = &asked.rows;
    Job {
        workload: row.group.workload.name.into(),
        point: row.group.point.name.into(),
        variants: vec![row.variant.name.into()],
        task: Task::Profile(asked.sampling.clone()),
        cpus: row.group.cpus.clone(),
        seed: rows.seed,
        inputs: rows.inputs.clone(),
        counters: rows.counters.clone(),
        clock: rows.clock,
        calibration: clock.facts(),
        evict_bytes: None,
        counted_ops: None,
        under: Vec::new(),
    }
}

/// The profile, or why there is none.
fn profiled(row: &str, done: Option<Done>, died: Result<(), Died>) -> Result<Profile, Failure> {
    let broke = |message: String| Failure::new(BROKE, format!("{row} broke: {message}"));
    match (done, died) {
        (Some(Done::Profiled(profile)), _) => Ok(*profile),
        (Some(Done::Unavailable(why)), _) => {
            Err(Failure::new(ENVIRONMENT_REFUSED, format!("{row} cannot be profiled here: {why}")).help(
                "`perfbench doctor` tells what this machine can sample; --clock cpu-clock needs no counter, \
                 and --clock signal no perf events",
            ))
        }
        (Some(Done::Broke(message)), _) | (_, Err(Died(message))) => Err(broke(message)),
        (_, Ok(())) => Err(broke("its process told nothing".into())),
    }
}

/// A format and where it goes.
type Output = (&'static Format, PathBuf);

fn outputs(texts: &[String]) -> Result<Vec<Output>, Failure> {
    texts.iter().map(|text| output::choose(text, FORMATS, |format| [format.name; 2])).collect()
}

fn default_outputs(store: &Store, id: &str) -> Vec<Output> {
    let output = |name| Some((profile::named(name)?, store.profiles().join(format!("{id}.{name}"))));
    DEFAULT.into_iter().filter_map(output).collect()
}

/// How a profile is shown.
struct Shown<'a> {
    context: &'a Context<'a>,
    arguments: &'a ProfileArguments,
}

impl Shown<'_> {
    /// Prints the table and writes the outputs.
    fn show(
        &self,
        profile: &Profile,
        base: Option<&Profile>,
        sources: &Sources,
        outputs: &[Output],
    ) -> Result<(), Failure> {
        let view = View { profile, base, function: self.arguments.annotate.as_deref(), sources };
        annotated(&view).map_err(|refused| {
            Failure::usage(format!("--annotate: {refused}")).help(format!(
                "it holds that of {}; the profile is stored, --from shows it",
                refused.known.join(", ")
            ))
        })?;
        let text = if self.context.quiet { profile::text::summary } else { profile::text::render };
        anstream::print!("{}", text(&view, &look()));
        for (format, path) in outputs {
            let help = "the profile itself is stored: `perfbench profile --from latest -o FORMAT=FILE` writes it elsewhere";
            output::write_or(path, &(format.render)(&view), help)?;
            anstream::println!(" {:<8} {}", format.name, path.display());
        }
        Ok(())
    }
}

/// Bytes of a source file at most: longer ones are no sources.
const SOURCE_BYTES: u64 = 4 << 20;

/// When the program that runs was built, so far as its file tells.
fn built() -> Option<String> {
    changed(Path::new("/proc/self/exe")).map(|time| time.to_string())
}

fn changed(path: &Path) -> Option<jiff::Timestamp> {
    jiff::Timestamp::try_from(std::fs::metadata(path).ok()?.modified().ok()?).ok()
}

/// The sources of the annotated functions, as far as they are at hand and no younger than the program that was profiled.
fn sources(profile: &Profile) -> Sources {
    let Some(built) = profile.built.as_ref().and_then(|time| time.parse().ok()) else {
        return Sources::new();
    };
    let lines = profile.code.iter().flat_map(|code| &code.lines);
    let files: BTreeSet<&String> = lines.map(|(_, file, _)| file).collect();
    files.into_iter().filter_map(|file| Some((file.clone(), source(Path::new(file), built)?))).collect()
}

fn source(path: &Path, built: jiff::Timestamp) -> Option<String> {
    let file = std::fs::metadata(path).ok()?;
    let is_source = file.is_file() && file.len() <= SOURCE_BYTES && changed(path)? <= built;
    is_source.then(|| std::fs::read_to_string(path).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use perfbench_harness::Reason;

    #[test]
    fn what_came_of_a_process_is_a_profile_or_an_error_with_its_exit_code() {
        let code = |done, died| profiled("row", done, died).map_err(|failure| failure.code);
        let refused = Unavailable::new(Reason::NoPrivilege, "paranoid");
        assert_eq!(code(Some(Done::Profiled(Box::default())), Ok(())), Ok(Profile::default()));
        assert_eq!(code(Some(Done::Unavailable(refused)), Ok(())), Err(ENVIRONMENT_REFUSED));
        assert_eq!(code(Some(Done::Broke("check failed".into())), Ok(())), Err(BROKE));
        assert_eq!(code(None, Err(Died("signal 11".into()))), Err(BROKE));
        assert_eq!(code(None, Ok(())), Err(BROKE));
    }

    #[test]
    fn every_default_output_is_a_format() {
        assert_eq!(default_outputs(&Store::at(Path::new("store")), "id").len(), DEFAULT.len());
        assert!(outputs(&["svgg=x".into()]).is_err_and(|failure| failure.code == 2));
    }

    #[test]
    fn only_files_of_some_size_that_are_no_younger_than_the_program_are_sources() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lib.rs");
        std::fs::write(&path, "fn main() {}").unwrap();
        let written = changed(&path).unwrap();
        assert_eq!(source(&path, written).as_deref(), Some("fn main() {}"));
        assert_eq!(source(&path, written - jiff::SignedDuration::from_secs(1)), None);
        assert_eq!(source(folder.path(), jiff::Timestamp::MAX), None);
        std::fs::File::create(&path).unwrap().set_len(SOURCE_BYTES + 1).unwrap();
        assert_eq!(source(&path, jiff::Timestamp::MAX), None);
        assert!(built().is_some());
    }

    #[test]
    fn a_profile_that_does_not_say_when_its_program_was_built_brings_no_sources() {
        let lines = vec![(0, file!().to_owned(), 1)];
        let code = vec![perfbench_harness::record::Code { lines, ..Default::default() }];
        assert_eq!(sources(&Profile { code, ..Profile::default() }), Sources::new());
    }
}
