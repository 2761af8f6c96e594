//! perfbench.toml: found, parsed, and every unknown key refused with its line and the nearest known one.

mod gate;
mod sampling;

pub use gate::GateProfile;
pub use sampling::Sampling;

use crate::error::{Failure, nearest};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file's contents.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Settings by profile; `default` is in force unless another is named.
    #[serde(default)]
    pub profile: BTreeMap<String, Profile>,
    /// Where runs are kept.
    #[serde(default)]
    pub store: Store,
}

/// One profile: the settings of `run`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Profile whose settings hold where this one has none.
    pub inherits: Option<String>,
    /// Ceiling for the whole run: `"90s"`.
    pub budget: Option<String>,
    /// Fresh processes per group.
    pub launches: Option<u32>,
    /// Half-width of the interval at which a row is precise enough: `"1%"`.
    pub precision: Option<String>,
    /// Whether every timed batch starts with cold caches.
    pub cold: Option<bool>,
    /// The worst grade of a machine on which to measure: `"B"`.
    pub require_env: Option<String>,
    /// How much of the table: `"default"` or `"full"`.
    pub suite: Option<String>,
    /// CPUs to pin to: `"0,1"`.
    pub cpus: Option<String>,
    /// Feature sets: `"scalar,avx2"`.
    pub isa: Option<String>,
    /// What is counted beside time: `"heap,os"`.
    pub counters: Option<String>,
    /// Seed of generated input and order.
    pub seed: Option<u64>,
    /// Filters, where none are typed.
    pub filters: Option<Vec<String>>,
    /// Rows left out.
    pub skip: Option<Vec<String>>,
    /// Extra outputs: `["md=report.md"]`.
    pub output: Option<Vec<String>>,
    /// An allocation trace for arena/replay.
    pub trace: Option<PathBuf>,
    /// `auto`, `always`, `never`.
    pub color: Option<String>,
    /// `auto`, `bar`, `lines`, `none`.
    pub progress: Option<String>,
    /// Settings of `gate` alone.
    pub gate: Option<GateProfile>,
    /// Settings of `profile` alone.
    pub sampling: Option<Sampling>,
}

/// Where runs are kept.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Folder.
    pub dir: Option<PathBuf>,
}

/// The name of the file.
pub const FILE_NAME: &str = "perfbench.toml";

/// Reads the named file, or the nearest upwards, or none.
///
/// # Errors
/// A file that cannot be read, or what is wrong in it with its line.
pub fn load(named: Option<&Path>) -> Result<Config, Failure> {
    let Some(path) = named.map(Path::to_owned).or_else(nearest_upwards) else { return Ok(Config::default()) };
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    parse(&path.display().to_string(), &text)
}

fn nearest_upwards() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file())
}

fn parse(name: &str, text: &str) -> Result<Config, Failure> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let line = 1 + text[..span.start.min(text.len())].matches('\n').count();
        let failure = Failure::usage(format!("{name} line {line}: {}", error.message()));
        let failure = failure.at(name, text, span, "here");
        match suggestion(error.message()) {
            Some(help) => failure.help(help),
            None => failure,
        }
    })
}

/// Serde names the unknown key and the known ones in backticks, in this order.
fn suggestion(message: &str) -> Option<String> {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = names.split_first().filter(|_| message.starts_with("unknown field"))?;
    match nearest(unknown, known.iter().copied()).first() {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => Some(format!("known keys here: {}", known.join(", "))),
    }
}

impl Config {
    /// The settings of a profile with all that it inherits.
    ///
    /// # Errors
    /// A profile that does not exist, or a circle of inheritance.
    pub fn profile(&self, name: &str) -> Result<Profile, Failure> {
        let mut merged = Profile::default();
        let mut seen: Vec<String> = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(name) = next {
            if seen.contains(&name) {
                let failure = Failure::usage(format!("profile `{name}` inherits from itself"));
                return Err(failure.help("end the circle of `inherits`"));
            }
            let found = self.profile.get(&name).cloned();
            let found = found.or_else(|| built_in(&name));
            let found = found.ok_or_else(|| self.no_profile(&name))?;
            next = found.inherits.clone();
            merged = merged.or(found);
            seen.push(name);
        }
        Ok(merged)
    }

    fn no_profile(&self, name: &str) -> Failure {
        let known: Vec<&str> = self.profile.keys().map(String::as_str).collect();
        let failure = Failure::usage(format!("no profile `{name}` in {FILE_NAME}"));
        match nearest(name, known.iter().copied()).first() {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None if known.is_empty() => failure.help(format!("add [profile.{name}] to it")),
            None => failure.help(format!("add [profile.{name}], or use one of: {}", known.join(", "))),
        }
    }
}

/// The profiles that need no file: `default`, and `full` with the whole table and the time that it takes.
fn built_in(name: &str) -> Option<Profile> {
    match name {
        "default" => Some(Profile::default()),
        "full" => Some(Profile {
            inherits: Some("default".into()),
            suite: Some("full".into()),
            budget: Some("20m".into()),
            ..Profile::default()
        }),
        _ => None,
    }
}

impl Profile {
    fn or(self, base: Profile) -> Profile {
        Profile {
            inherits: None,
            budget: self.budget.or(base.budget),
            launches: self.launches.or(base.launches),
            precision: self.precision.or(base.precision),
            cold: self.cold.or(base.cold),
            require_env: self.require_env.or(base.require_env),
            suite: self.suite.or(base.suite),
            cpus: self.cpus.or(base.cpus),
            isa: self.isa.or(base.isa),
            counters: self.counters.or(base.counters),
            seed: self.seed.or(base.seed),
            filters: self.filters.or(base.filters),
            skip: self.skip.or(base.skip),
            output: self.output.or(base.output),
            trace: self.trace.or(base.trace),
            color: self.color.or(base.color),
            progress: self.progress.or(base.progress),
            gate: match (self.gate, base.gate) {
                (Some(own), Some(base)) => Some(own.or(base)),
                (own, base) => own.or(base),
            },
            sampling: match (self.sampling, base.sampling) {
                (Some(own), Some(base)) => Some(own.or(base)),
                (own, base) => own.or(base),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one() {
        let failure = parse("perfbench.toml", "[profile.ci]\nlaunches = 3\nbugdet = \"6m\"\n").unwrap_err();
        assert!(failure.to_string().contains("line 3"), "{failure}");
        let help = miette::Diagnostic::help(&failure).unwrap().to_string();
        assert_eq!(help, "did you mean `budget`?");
    }

    #[test]
    fn an_unknown_key_of_a_gate_is_refused_the_same_way() {
        let failure =
            parse("perfbench.toml", "[profile.ci.gate]\nbase = \"main\"\nmin-efect = \"2%\"\n").unwrap_err();
        assert!(failure.to_string().contains("line 3"), "{failure}");
        let help = miette::Diagnostic::help(&failure).unwrap().to_string();
        assert_eq!(help, "did you mean `min-effect`?");
    }

    #[test]
    fn settings_of_sampling_are_read_and_inherited_key_by_key() {
        let text = "[profile.default.sampling]\ntime = \"9s\"\nhz = 500.0\n[profile.ci]\ninherits = \"default\"\n[profile.ci.sampling]\nhz = 99.0\n";
        let sampling = parse("perfbench.toml", text).unwrap().profile("ci").unwrap().sampling.unwrap();
        assert_eq!((sampling.time.as_deref(), sampling.hz), (Some("9s"), Some(99.0)));
    }

    #[test]
    fn a_profile_takes_from_those_it_inherits_what_it_lacks_itself() {
        let text = "[profile.default]\nbudget = \"1m\"\nisa = \"scalar\"\n[profile.ci]\ninherits = \"default\"\nbudget = \"6m\"\n";
        let profile = parse("perfbench.toml", text).unwrap().profile("ci").unwrap();
        assert_eq!((profile.budget.as_deref(), profile.isa.as_deref()), (Some("6m"), Some("scalar")));
    }

    #[test]
    fn without_a_file_the_default_profile_is_empty() {
        assert!(Config::default().profile("default").unwrap().budget.is_none());
    }

    #[test]
    fn the_full_profile_needs_no_file_and_takes_the_rest_from_the_default_one() {
        let config =
            parse("perfbench.toml", "[profile.default]\nisa = \"scalar\"\nbudget = \"1m\"\n").unwrap();
        let profile = config.profile("full").unwrap();
        let told = (profile.suite.as_deref(), profile.budget.as_deref(), profile.isa.as_deref());
        assert_eq!(told, (Some("full"), Some("20m"), Some("scalar")));
    }

    #[test]
    fn a_circle_of_profiles_and_a_missing_one_are_errors_that_name_the_fix() {
        let config =
            parse("perfbench.toml", "[profile.a]\ninherits = \"b\"\n[profile.b]\ninherits = \"a\"\n")
                .unwrap();
        assert!(config.profile("a").unwrap_err().to_string().contains("inherits from itself"));
        assert!(config.profile("quickk").unwrap_err().to_string().contains("no profile `quickk`"));
    }
}
