//! The settings in force, each with its origin: flag, environment, profile in perfbench.toml, default.

mod gate;
mod profile;

pub use gate::{GateOutputs, GateRequest, SelftestRequest};
pub use profile::ProfileRequest;

use crate::args::{Common, How, RunArguments, When};
use crate::config::{self, Profile};
use crate::error::Failure;
use crate::values;
use clap::ArgMatches;
use clap::ValueEnum;
use clap::parser::ValueSource;
use perfbench_harness::clock::ClockChoice;
use perfbench_harness::counter::{Selection, UnknownGroup};
use perfbench_harness::machine::Machine;
use perfbench_harness::plan::Request;
use perfbench_harness::record::Setting;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What every command needs to know.
#[derive(Debug)]
pub struct Settings {
    /// Folder of stored runs.
    pub store: PathBuf,
    /// When to colour.
    pub color: When,
    /// How to show progress.
    pub progress: How,
    /// Extra outputs of `run`.
    pub output: Vec<String>,
    /// The worst grade of a machine on which to measure; none asks for no grade.
    pub require_env: Option<char>,
    /// Every setting with its origin, for the record and `-v`.
    pub origins: Vec<Setting>,
    profile: Profile,
    config_store: Option<PathBuf>,
}

/// What holds where nobody says otherwise.
const BUDGET: &str = "110s";
const LAUNCHES: u32 = 5;
const SEED: u64 = 1;

impl Settings {
    /// Reads the configuration and settles what every command needs.
    ///
    /// # Errors
    /// A configuration that cannot be read or understood.
    pub fn load(common: &Common, matches: &ArgMatches) -> Result<Self, Failure> {
        let config = config::load(common.config.as_deref())?;
        let profile = config.profile(common.profile.as_deref().unwrap_or("default"))?;
        let mut settings = Settings {
            store: PathBuf::new(),
            color: When::Auto,
            progress: How::Auto,
            output: Vec::new(),
            require_env: None,
            origins: Vec::new(),
            profile,
            config_store: config.store.dir,
        };
        settings.common(common, matches)?;
        Ok(settings)
    }

    fn common(&mut self, common: &Common, matches: &ArgMatches) -> Result<(), Failure> {
        let profile = common.profile.clone();
        self.settle("profile", matches, profile, None, || "default".to_owned());
        let (typed, configured) = (common.store.clone().map(shown), self.config_store.clone().map(shown));
        self.store = self.settle("store", matches, typed, configured, default_store).into();
        let color = self.profile.color.clone().map(|text| choice("color", &text)).transpose()?;
        self.color = self.settle_choice("color", matches, common.color, color, When::Auto);
        let progress = self.profile.progress.clone().map(|text| choice("progress", &text)).transpose()?;
        self.progress = self.settle_choice("progress", matches, common.progress, progress, How::Auto);
        Ok(())
    }

    /// What `run` is asked for.
    ///
    /// # Errors
    /// A value that is none, a CPU outside the mask, an input that cannot be read.
    pub fn request(
        &mut self,
        run: &RunArguments,
        matches: &ArgMatches,
        machine: &Machine,
    ) -> Result<Request, Failure> {
        let profile = self.profile.clone();
        let budget = self.settle("budget", matches, run.budget.clone(), profile.budget, || BUDGET.into());
        let launches = self.settle("launches", matches, run.launches, profile.launches, || LAUNCHES);
        let seed = self.settle("seed", matches, run.seed, profile.seed, || SEED);
        let isa = self.settle("isa", matches, run.selection.isa.clone(), profile.isa, || "host".into());
        let cpus = self
            .settle("cpus", matches, run.cpus.clone(), profile.cpus, || list(&distinct_cores_first(machine)));
        let counters =
            self.settle("counters", matches, run.counters.clone(), profile.counters, || "all".into());
        let clock = self.settle("clock", matches, run.clock.clone(), None, || "best".into());
        let precision =
            self.settle("precision", matches, run.precision.clone(), profile.precision, || "none".into());
        let require_env =
            self.settle("require-env", matches, run.require_env.clone(), profile.require_env, || {
                "none".into()
            });
        let cold = self.settle("cold", matches, run.cold.then_some(true), profile.cold, || false);
        let exact = self.settle("exact", matches, run.selection.exact.then_some(true), None, || false);
        let filters = self.settle_list("filters", matches, &run.selection.filters, profile.filters);
        let skip = self.settle_list("skip", matches, &run.selection.skip, profile.skip);
        let suite =
            self.settle("suite", matches, run.selection.suite.clone(), profile.suite, || "default".into());
        let trace = self.settle_path("trace", matches, run.trace.clone(), profile.trace);
        self.output = non_empty(&run.output).or(profile.output).unwrap_or_default();
        let clock = values::clock(&clock).map_err(|why| wrong("clock", &why))?;
        self.require_env = values::grade(&require_env).map_err(|why| wrong("require-env", &why))?;
        Ok(Request {
            filters,
            exact,
            skip,
            suite: values::suite(&suite).map_err(|why| wrong("suite", &why))?,
            isa: values::isa(&isa).map_err(|why| wrong("isa", &why))?,
            cpus: within_mask(values::cpus(&cpus).map_err(|why| wrong("cpus", &why))?, machine)?,
            budget_s: values::seconds(&budget).map_err(|why| wrong("budget", &why))?,
            launches: at_least_one(launches)?,
            precision: values::share(&precision).map_err(|why| wrong("precision", &why))?,
            seed,
            counters: selection(&counters, clock)?,
            clock,
            test_only: run.test,
            evict_bytes: cold.then(|| machine.eviction_bytes()),
            inputs: inputs(trace)?,
        })
    }

    /// Words, noted with a space between two.
    fn settle_list(
        &mut self,
        name: &str,
        matches: &ArgMatches,
        typed: &[String],
        configured: Option<Vec<String>>,
    ) -> Vec<String> {
        let (typed, configured) = (non_empty(typed), configured.map(|list| list.join(" ")));
        let words = self.settle(name, matches, typed.map(|list| list.join(" ")), configured, String::new);
        words.split_whitespace().map(str::to_owned).collect()
    }

    fn settle_path(
        &mut self,
        name: &str,
        matches: &ArgMatches,
        typed: Option<PathBuf>,
        configured: Option<PathBuf>,
    ) -> Option<PathBuf> {
        let path = self.settle(name, matches, typed.map(shown), configured.map(shown), String::new);
        (!path.is_empty()).then(|| path.into())
    }

    /// Picks what is in force and notes where it came from.
    fn settle<T: ToString>(
        &mut self,
        name: &str,
        matches: &ArgMatches,
        typed: Option<T>,
        configured: Option<T>,
        default: impl FnOnce() -> T,
    ) -> T {
        let (value, origin) = match (typed, configured) {
            (Some(value), _) => (value, origin_of(name, matches)),
            (None, Some(value)) => (value, "config"),
            (None, None) => (default(), "default"),
        };
        self.origins.push(Setting { name: name.into(), value: value.to_string(), origin: origin.into() });
        value
    }

    fn settle_choice<T: ValueEnum + Copy>(
        &mut self,
        name: &str,
        matches: &ArgMatches,
        typed: Option<T>,
        configured: Option<T>,
        default: T,
    ) -> T {
        let word = |choice: T| choice.to_possible_value().expect("no choice is hidden").get_name().to_owned();
        let settled = self.settle(name, matches, typed.map(word), configured.map(word), || word(default));
        T::from_str(&settled, false).expect("a choice reads its own name")
    }
}

/// A flag of the command or of the program; clap keeps the two apart.
fn origin_of(name: &str, matches: &ArgMatches) -> &'static str {
    let name = name.replace('-', "_");
    let name = name.as_str();
    let level =
        |matches: &ArgMatches| matches.try_contains_id(name).ok().and_then(|_| matches.value_source(name));
    let source = matches.subcommand().and_then(|(_, sub)| level(sub)).or_else(|| level(matches));
    if source == Some(ValueSource::EnvVariable) { "environment" } else { "flag" }
}

/// A scripted run counts by its script and by the heap, whatever else is asked for: nothing else tells twice the same.
fn selection(words: &str, clock: ClockChoice) -> Result<Selection, Failure> {
    match clock {
        ClockChoice::Scripted(_) => Ok(Selection::scripted()),
        _ => words.parse().map_err(|why: UnknownGroup| wrong("counters", &why.to_string())),
    }
}

fn choice<T: ValueEnum>(name: &str, text: &str) -> Result<T, Failure> {
    T::from_str(text, false).map_err(|_| {
        let known: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|v| Some(v.to_possible_value()?.get_name().to_owned()))
            .collect();
        Failure::usage(format!("{name} = \"{text}\" is not one of {}", known.join(", ")))
    })
}

fn wrong(name: &str, why: &str) -> Failure {
    Failure::usage(format!("--{name}: {why}"))
}

fn non_empty(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn shown(path: PathBuf) -> String {
    path.display().to_string()
}

fn default_store() -> String {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    shown(target.join("perfbench"))
}

fn list(cpus: &[usize]) -> String {
    cpus.iter().map(usize::to_string).collect::<Vec<_>>().join(",")
}

fn at_least_one(launches: u32) -> Result<u32, Failure> {
    match launches {
        1..=1000 => Ok(launches),
        _ => Err(Failure::usage(format!("--launches {launches}: between 1 and 1000"))),
    }
}

/// The mask with one CPU of every core before the second of any: two siblings of one core are no two cores.
fn distinct_cores_first(machine: &Machine) -> Vec<usize> {
    let mut seen = Vec::new();
    let mut first_of_core = |cpu: &usize| {
        let place = machine.topology.iter().find(|place| place.cpu == *cpu);
        let core = place.and_then(|place| Some((place.package?, place.core?)));
        let fresh = core.is_none() || !seen.contains(&core);
        seen.push(core);
        fresh
    };
    let (mut first, second): (Vec<usize>, Vec<usize>) =
        machine.cpus.iter().partition(|cpu| first_of_core(cpu));
    first.extend(second);
    first
}

fn within_mask(cpus: Vec<usize>, machine: &Machine) -> Result<Vec<usize>, Failure> {
    match cpus.iter().find(|cpu| !machine.cpus.contains(cpu)) {
        Some(outside) => Err(Failure::usage(format!(
            "--cpus: CPU {outside} is not in this process's affinity mask"
        ))
        .help(format!(
            "the mask holds {}; choose among them, or start perfbench with a wider one",
            list(&machine.cpus)
        ))),
        None => Ok(cpus),
    }
}

fn inputs(trace: Option<PathBuf>) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let Some(path) = trace else { return Ok(BTreeMap::new()) };
    let full = path.canonicalize().and_then(|full| std::fs::File::open(&full).map(|_| full));
    let full = full.map_err(|error| {
        Failure::usage(format!("--trace {}: {error}", path.display()))
            .help("name a readable trace file (text or .zst)")
    })?;
    Ok(BTreeMap::from([("trace".to_owned(), full)]))
}
