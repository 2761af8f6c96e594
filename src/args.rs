//! What can be typed: commands and flags, with their help. Values stay as typed; `settings` says what is in force.

mod gate;
mod profile;

pub use gate::{GateArguments, SelftestArguments, Sides};
pub use profile::{ProfileArguments, SampleBy, UnwindBy};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Hardware-aware benchmarks for memory pools, rings, allocators, SIMD crypto, wire formats and cache layouts.
///
/// Without a command: measures the suite on this machine, judges the documented targets, stores the run and writes
/// target/perfbench/latest.html.
#[derive(Debug, Parser)]
#[command(name = "perfbench", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do [default: run]
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
}

const EXIT_CODES: &str = "\
Exit codes:
  0 ok, 1 internal error, 2 usage or config, 4 nothing selected, 20 environment refused,
  30 a workload broke, 130 interrupted
  of gate: 10 slower, 11 documented target missed, 12 both, 21 unresolved under --strict";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Measure workloads on this machine, store the run, judge the documented targets, write the report
    Run(Box<RunArguments>),
    /// Compare with a base build, set the exit code, write the outputs for CI
    Gate(Box<GateArguments>),
    /// Where the time of one row goes: flame graph, hottest functions, annotated code
    Profile(Box<ProfileArguments>),
    /// How often this machine's gate is wrong and how small a slowdown it finds
    Selftest(SelftestArguments),
    /// What this machine can and cannot measure, a grade, and the command that mends each lack
    Doctor(DoctorArguments),
    /// Workloads, variants and feature sets that the filters select
    List(ListArguments),
    /// Two stored runs or files: ratios with intervals
    Compare(CompareArguments),
    /// HTML and other formats for a stored run
    Report(ReportArguments),
    /// The documented targets: list them, judge them by a run, explain one
    Targets(TargetsArguments),
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Common {
    /// Profile of perfbench.toml to take settings from
    #[arg(
        short = 'P',
        long,
        global = true,
        value_name = "NAME",
        hide_env_values = true,
        env = "PERFBENCH_PROFILE"
    )]
    pub profile: Option<String>,
    /// Configuration file [default: the nearest perfbench.toml upwards]
    #[arg(long, global = true, value_name = "FILE", hide_env_values = true, env = "PERFBENCH_CONFIG")]
    pub config: Option<PathBuf>,
    /// Folder of stored runs [default: target/perfbench]
    #[arg(long, global = true, value_name = "DIR", hide_env_values = true, env = "PERFBENCH_STORE")]
    pub store: Option<PathBuf>,
    /// When to colour [default: auto]
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<When>,
    /// Progress on stderr [default: auto]
    #[arg(long, global = true, value_name = "HOW", hide_env_values = true, env = "PERFBENCH_PROGRESS")]
    pub progress: Option<How>,
    /// More: settings and their origin
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Less: the summary only
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum How {
    /// A bar on a terminal, lines elsewhere.
    Auto,
    /// A bar.
    Bar,
    /// One line a finished group.
    Lines,
    /// Nothing.
    None,
}

/// What is selected.
#[derive(Debug, Clone, Default, Args)]
pub struct Selection {
    /// Substrings of `workload/point/variant`; several: any of them
    #[arg(value_name = "FILTER")]
    pub filters: Vec<String>,
    /// Filters must equal a workload, a workload/point or a workload/point/variant
    #[arg(long)]
    pub exact: bool,
    /// Leave these out
    #[arg(long, value_name = "FILTER")]
    pub skip: Vec<String>,
    /// How much of the table: default, or full with every size, retry policy and peer [default: default]
    #[arg(long, value_name = "SUITE", hide_env_values = true, env = "PERFBENCH_SUITE")]
    pub suite: Option<String>,
    /// Feature sets that variants may use: scalar, sse2, avx2, aes-ni, pclmul, ..., host, all [default: host]
    #[arg(long, value_name = "SET,...", hide_env_values = true, env = "PERFBENCH_ISA")]
    pub isa: Option<String>,
}

/// Flags of `run`.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArguments {
    /// What is measured
    #[command(flatten)]
    pub selection: Selection,
    /// Time for the whole run: 90s, 10m, 1h [default: 110s]
    #[arg(short = 't', long, value_name = "TIME", hide_env_values = true, env = "PERFBENCH_BUDGET")]
    pub budget: Option<String>,
    /// Fresh processes per group of variants before time is left over [default: 5]
    #[arg(long, value_name = "N")]
    pub launches: Option<u32>,
    /// Stop when half the 95 % interval of every row is within this share: 1% [default: none, use the whole budget]
    #[arg(long, value_name = "SHARE")]
    pub precision: Option<String>,
    /// CPUs to pin to, in order of preference: 0,1 or 2-5 [default: the affinity mask]
    #[arg(long, value_name = "LIST")]
    pub cpus: Option<String>,
    /// Seed of generated input and of the order of rounds
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// An allocation trace for arena/replay (text, or .zst)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Start every timed batch with cold caches
    #[arg(long)]
    pub cold: bool,
    /// Refuse to measure where the machine's grade is worse than this: A, B, C or D
    #[arg(long, value_name = "GRADE")]
    pub require_env: Option<String>,
    /// What is counted beside time: none, all, or some of core,cache,memory,tlb,sharing,simd,topdown,bandwidth,software,os,heap,syscalls,energy; simulated ones by name: sim, sim:GEOMETRY, sim:callgrind [default: all]
    #[arg(long, value_name = "GROUP,...")]
    pub counters: Option<String>,
    /// Extra output, repeatable: html=r.html, md=r.md, csv=r.csv, json=r.json, text=r.txt
    #[arg(short, long, value_name = "FMT=FILE")]
    pub output: Vec<String>,
    /// Go on with an interrupted or killed run, with its settings [default: the latest]
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "latest")]
    pub resume: Option<String>,
    /// Check each selected variant once, time nothing
    #[arg(long)]
    pub test: bool,
    /// Print the plan with the estimated time and stop
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// `best`, `monotonic`, or `scripted:SEED`, where a seed dictates all times (for tests of what follows)
    #[arg(long, value_name = "CLOCK", hide = true, hide_env_values = true, env = "PERFBENCH_CLOCK")]
    pub clock: Option<String>,
}

/// Flags of `list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// What is listed
    #[command(flatten)]
    pub selection: Selection,
    /// text or json
    #[arg(long, value_name = "FMT", default_value = "text")]
    pub format: TextOrJson,
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// text or json
    #[arg(long, value_name = "FMT", default_value = "text")]
    pub format: TextOrJson,

    /// Measure the limits in N processes, one after the other, and print how far apart they lie
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..), conflicts_with = "format")]
    pub repeat: Option<u8>,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Flags of `compare`.
#[derive(Debug, Args)]
pub struct CompareArguments {
    /// The run to compare with: an id or its beginning, `latest`, or a record file
    pub base: String,
    /// The run compared [default: latest]
    pub run: Option<String>,
    /// How to print it
    #[arg(long, value_name = "FMT", default_value = "text")]
    pub format: ComparisonFormat,
    /// Compare runs of different CPUs
    #[arg(long)]
    pub across_machines: bool,
}

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ComparisonFormat {
    /// For a terminal.
    Text,
    /// For pull requests.
    #[value(alias = "md")]
    Markdown,
    /// For programs.
    Json,
}

/// Flags of `report`.
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// An id or its beginning, `latest`, or a record file [default: latest]
    pub run: Option<String>,
    /// Output, repeatable: html=r.html, md=r.md, ... [default: latest.html in the store]
    #[arg(short, long, value_name = "FMT=FILE")]
    pub output: Vec<String>,
}

/// Flags of `targets`.
#[derive(Debug, Args)]
pub struct TargetsArguments {
    /// What to do with them
    #[command(subcommand)]
    pub what: Option<TargetsCommand>,
}

/// What can be done with targets.
#[derive(Debug, Subcommand)]
pub enum TargetsCommand {
    /// Every documented target and what would measure it
    List,
    /// Judge them by a stored run
    Check {
        /// An id or its beginning, `latest`, or a record file [default: latest]
        run: Option<String>,
    },
    /// One target in full
    Explain {
        /// Its id: ring.spsc.op
        id: String,
    },
}
