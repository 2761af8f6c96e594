//! What `gate` and `selftest` are asked for, each setting with its origin.

use super::{SEED, Settings, distinct_cores_first, list, within_mask, wrong};
use crate::args::{ComparisonFormat, GateArguments, RunArguments, SelftestArguments, Sides};
use crate::error::Failure;
use crate::values;
use clap::ArgMatches;
use perfbench_harness::machine::Machine;
use perfbench_harness::plan::Request;
use perfbench_reports::gate::Policy;
use std::path::PathBuf;

/// A gate as it was asked for.
#[derive(Debug)]
pub struct GateRequest {
    /// Which rows, on which CPUs, with which seed and counters. Its budget is infinite where none was asked for.
    pub rows: Request,
    /// What to compare with, as typed.
    pub base: String,
    /// The slowdown that is looked for, as a share; none leaves it to how the sides are linked.
    pub min_effect: Option<f64>,
    /// Chance of any false alarm in the whole suite.
    pub alpha: f64,
    /// What fails it.
    pub policy: Policy,
    /// Whether to link the sides several times.
    pub relink: bool,
    /// The package whose executable is compared, where several have one of its name.
    pub package: Option<String>,
    /// Where the verdict goes.
    pub outputs: GateOutputs,
}

/// Where a gate's verdict goes.
#[derive(Debug)]
pub struct GateOutputs {
    /// How it is printed.
    pub format: ComparisonFormat,
    /// The comment of a pull request, as Markdown.
    pub comment: Option<PathBuf>,
    /// JUnit XML.
    pub junit: Option<PathBuf>,
    /// The job summary of GitHub, where it runs there.
    pub job_summary: Option<PathBuf>,
}

/// A self-test as it was asked for.
#[derive(Debug)]
pub struct SelftestRequest {
    /// Substrings of pieces of work; empty means all.
    pub filters: Vec<String>,
    /// Time for all of it, builds included, seconds.
    pub budget_s: f64,
    /// CPUs to pin to, in order of preference.
    pub cpus: Vec<usize>,
    /// Seed of orders and resampling.
    pub seed: u64,
    /// Whether to link the sides several times.
    pub relink: bool,
    /// The package whose executable is compared, where several have one of its name.
    pub package: Option<String>,
    /// Comparisons of each kind on each piece of work, where not as many as the time allows.
    pub trials: Option<u32>,
    /// How it is printed.
    pub format: ComparisonFormat,
}

/// What holds where nobody says otherwise.
const ALPHA: f64 = 0.01;
const FAIL_ON: &str = "slower";
const SELFTEST_BUDGET: &str = "5m";

/// Leaves the smallest effect to how the sides are linked.
const BY_LINKS: &str = "by links";

/// What GitHub calls the file whose Markdown it shows with a job.
const JOB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Settings of `run` that mean nothing to a gate.
const OF_RUNS: [&str; 6] = ["budget", "launches", "precision", "cold", "clock", "trace"];

impl Settings {
    /// What `gate` is asked for.
    ///
    /// # Errors
    /// A value that is none, nothing to compare with, and whatever a run's request can have wrong.
    pub fn gate(
        &mut self,
        gate: &GateArguments,
        matches: &ArgMatches,
        machine: &Machine,
    ) -> Result<GateRequest, Failure> {
        let rows = self.rows(gate, matches, machine)?;
        let profile = self.profile.gate.clone().unwrap_or_default();
        let base = self.settle("base", matches, gate.base.clone(), profile.base, String::new);
        let effect = self
            .settle("min-effect", matches, gate.min_effect.clone(), profile.min_effect, || BY_LINKS.into());
        let alpha = self.settle("alpha", matches, gate.alpha, profile.alpha, || ALPHA);
        let fail_on =
            self.settle("fail-on", matches, gate.fail_on.clone(), profile.fail_on, || FAIL_ON.into());
        let strict = self.settle("strict", matches, gate.strict.then_some(true), profile.strict, || false);
        let fail_on = fail_on.parse().map_err(|why: String| wrong("fail-on", &why))?;
        Ok(GateRequest {
            rows,
            base: something(base)?,
            min_effect: min_effect(&effect)?,
            alpha: chance(alpha)?,
            policy: Policy { fail_on, strict },
            relink: !gate.sides.no_relink,
            package: gate.sides.package.clone(),
            outputs: GateOutputs {
                format: gate.format,
                comment: gate.comment.clone().or(profile.comment),
                junit: gate.junit.clone().or(profile.junit),
                job_summary: std::env::var_os(JOB_SUMMARY).filter(|path| !path.is_empty()).map(PathBuf::from),
            },
        })
    }

    /// The request of a run over the same rows, with a budget of its own.
    fn rows(
        &mut self,
        gate: &GateArguments,
        matches: &ArgMatches,
        machine: &Machine,
    ) -> Result<Request, Failure> {
        let run = RunArguments {
            selection: gate.selection.clone(),
            cpus: gate.sides.cpus.clone(),
            seed: gate.sides.seed,
            counters: gate.counters.clone(),
            ..RunArguments::default()
        };
        let rows = self.request(&run, matches, machine)?;
        self.origins.retain(|setting| !OF_RUNS.contains(&setting.name.as_str()));
        let budget = self.settle("budget", matches, gate.budget.clone(), None, || "none".into());
        let budget_s = match budget.as_str() {
            "none" => f64::INFINITY,
            budget => values::seconds(budget).map_err(|why| wrong("budget", &why))?,
        };
        Ok(Request { budget_s, ..rows })
    }

    /// What `selftest` is asked for.
    ///
    /// # Errors
    /// A value that is none, or a CPU outside the mask.
    pub fn selftest(
        &mut self,
        selftest: &SelftestArguments,
        matches: &ArgMatches,
        machine: &Machine,
    ) -> Result<SelftestRequest, Failure> {
        let Sides { cpus, seed, no_relink, package } = selftest.sides.clone();
        let profile = self.profile.clone();
        let budget = self.settle("budget", matches, selftest.budget.clone(), None, || SELFTEST_BUDGET.into());
        let seed = self.settle("seed", matches, seed, profile.seed, || SEED);
        let cpus = self.settle("cpus", matches, cpus, profile.cpus, || list(&distinct_cores_first(machine)));
        Ok(SelftestRequest {
            filters: selftest.filters.clone(),
            budget_s: values::seconds(&budget).map_err(|why| wrong("budget", &why))?,
            cpus: within_mask(values::cpus(&cpus).map_err(|why| wrong("cpus", &why))?, machine)?,
            seed,
            relink: !no_relink,
            package,
            trials: selftest.trials,
            format: selftest.format,
        })
    }
}

fn something(base: String) -> Result<String, Failure> {
    match base.is_empty() {
        false => Ok(base),
        true => Err(Failure::usage("a gate needs something to compare with")
            .help("--base main, --base ../other-checkout, --base FILE, or `base` under [profile.NAME.gate]")),
    }
}

fn min_effect(text: &str) -> Result<Option<f64>, Failure> {
    if text == BY_LINKS {
        return Ok(None);
    }
    match values::share(text).map_err(|why| wrong("min-effect", &why))? {
        None => Err(wrong("min-effect", "a gate looks for some slowdown; write 2% or 5%")),
        share => Ok(share),
    }
}

fn chance(alpha: f64) -> Result<f64, Failure> {
    match alpha > 0.0 && alpha <= 0.5 {
        true => Ok(alpha),
        false => Err(wrong("alpha", &format!("`{alpha}` is no chance of a false alarm; write 0.01"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use clap::{CommandFactory, FromArgMatches};
    use perfbench_reports::gate::FailOn;

    /// What a command line and a configuration ask for.
    fn asked(config: &str, typed: &[&str]) -> Result<(GateRequest, Settings), Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("perfbench.toml");
        std::fs::write(&file, config).unwrap();
        let words = ["perfbench", "--config", file.to_str().unwrap(), "-P", "ci", "gate"];
        let matches = Arguments::command().try_get_matches_from(words.iter().chain(typed)).unwrap();
        let arguments = Arguments::from_arg_matches(&matches).unwrap();
        let Some(Command::Gate(gate)) = &arguments.command else { panic!("the command is gate") };
        let mut settings = Settings::load(&arguments.common, &matches)?;
        let machine = Machine { cpus: vec![0, 1], ..Machine::scripted() };
        let request = settings.gate(gate, &matches, &machine)?;
        Ok((request, settings))
    }

    const CI: &str = "[profile.base.gate]\nbase = \"main\"\nalpha = 0.05\n[profile.ci]\ninherits = \"base\"\nseed = 7\n\
        [profile.ci.gate]\nmin-effect = \"3%\"\nstrict = true\nfail-on = \"slower,target\"\n";

    #[test]
    fn a_gate_takes_its_keys_from_the_profile_and_from_those_it_inherits() {
        let (request, settings) = asked(CI, &[]).unwrap();
        assert_eq!((request.base.as_str(), request.alpha, request.min_effect), ("main", 0.05, Some(0.03)));
        assert_eq!(request.policy, Policy { fail_on: FailOn { slower: true, target: true }, strict: true });
        assert_eq!((request.rows.seed, request.rows.budget_s, request.relink), (7, f64::INFINITY, true));
        let origin = |name: &str| settings.origins.iter().find(|s| s.name == name).map(|s| s.origin.clone());
        assert_eq!(origin("base").as_deref(), Some("config"));
        assert_eq!(origin("launches"), None);
    }

    #[test]
    fn what_is_typed_goes_before_the_profile() {
        let typed =
            ["--base", "v1", "--min-effect", "5%", "--alpha", "0.1", "-t", "90s", "--no-relink", "ring_spsc"];
        let (request, settings) = asked(CI, &typed).unwrap();
        assert_eq!((request.base.as_str(), request.alpha, request.min_effect), ("v1", 0.1, Some(0.05)));
        assert_eq!(
            (request.rows.budget_s, request.relink, &request.rows.filters[..]),
            (90.0, false, &["ring_spsc".to_owned()][..])
        );
        assert!(
            settings.origins.iter().any(|s| (s.name.as_str(), s.origin.as_str()) == ("min-effect", "flag"))
        );
    }

    #[test]
    fn a_gate_without_a_base_or_with_a_value_that_is_none_says_what_to_write() {
        let plain = "[profile.ci]\n";
        assert!(asked(plain, &[]).unwrap_err().to_string().contains("something to compare with"));
        for (typed, words) in [
            (["--min-effect", "none"], "some slowdown"),
            (["--min-effect", "much"], "no share"),
            (["--alpha", "2"], "no chance"),
            (["--fail-on", "red"], "fails no gate"),
        ] {
            let typed = [&["--base", "main"][..], &typed].concat();
            let failure = asked(plain, &typed).unwrap_err().to_string();
            assert!(failure.contains(words), "{failure}");
        }
    }

    #[test]
    fn the_commands_of_the_workflow_template_are_ones_that_can_be_typed() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/github-actions.yml");
        let template = std::fs::read_to_string(path).unwrap();
        let commands: Vec<&str> =
            template.lines().filter_map(|line| line.split("run: target/release/").nth(1)).collect();
        assert_eq!(commands.len(), 2);
        for command in commands {
            let words = command.split(" >>").next().unwrap().split_whitespace();
            Arguments::command().try_get_matches_from(words).unwrap();
        }
    }
}
