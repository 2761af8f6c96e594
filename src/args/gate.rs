//! What can be typed after `gate` and `selftest`.

use super::{ComparisonFormat, Selection};
use clap::Args;
use std::path::PathBuf;

/// Flags of `gate`.
#[derive(Debug, Clone, Args)]
pub struct GateArguments {
    /// What is compared
    #[command(flatten)]
    pub selection: Selection,
    /// What to compare with: a git revision, another checkout, a binary, or a stored run
    #[arg(short, long, value_name = "BASE", hide_env_values = true, env = "PERFBENCH_BASE")]
    pub base: Option<String>,
    /// The smallest slowdown that is looked for [default: 2%]; at least 5% where a side has one link
    #[arg(long, value_name = "SHARE")]
    pub min_effect: Option<String>,
    /// Chance of any false alarm in the whole suite [default: 0.01]
    #[arg(long, value_name = "CHANCE")]
    pub alpha: Option<f64>,
    /// What fails the gate: slower, target, both with a comma, or none [default: slower]
    #[arg(long, value_name = "WHAT,...")]
    pub fail_on: Option<String>,
    /// Fail where a row is unresolved, too
    #[arg(long)]
    pub strict: bool,
    /// Write the verdict as Markdown for a pull request's comment
    #[arg(long, value_name = "FILE")]
    pub comment: Option<PathBuf>,
    /// Write the verdict as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_name = "FMT", default_value = "text")]
    pub format: ComparisonFormat,
    /// What both sides share
    #[command(flatten)]
    pub sides: Sides,
    /// Time for the whole gate, builds left out: 90s, 10m, 1h; rows that it does not reach are unresolved [default: none]
    #[arg(short = 't', long, value_name = "TIME")]
    pub budget: Option<String>,
    /// What is counted beside time: none, all, or some of core,cache,memory,tlb,sharing,simd,topdown,bandwidth,software,os,heap,syscalls,energy [default: all]
    #[arg(long, value_name = "GROUP,...")]
    pub counters: Option<String>,
}

/// Flags of `selftest`.
#[derive(Debug, Clone, Args)]
pub struct SelftestArguments {
    /// Substrings of the pieces of work to use [default: all]
    #[arg(value_name = "FILTER")]
    pub filters: Vec<String>,
    /// Time for all of it: 90s, 5m [default: 5m]
    #[arg(short = 't', long, value_name = "TIME")]
    pub budget: Option<String>,
    /// How to print it
    #[arg(long, value_name = "FMT", default_value = "text")]
    pub format: ComparisonFormat,
    /// What both sides share
    #[command(flatten)]
    pub sides: Sides,
    /// Comparisons of each kind on each piece of work, in place of as many as the time allows
    #[arg(long, value_name = "N", hide = true)]
    pub trials: Option<u32>,
}

/// How the two sides of a comparison are made and run.
#[derive(Debug, Clone, Args)]
pub struct Sides {
    /// CPUs to pin to, in order of preference: 0,1 or 2-5 [default: the affinity mask]
    #[arg(long, value_name = "LIST")]
    pub cpus: Option<String>,
    /// Seed of orders and resampling
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// The package whose executable is compared, where several have one of this name
    #[arg(long, value_name = "NAME")]
    pub package: Option<String>,
    /// Link each side once: quicker to start with, but layout alone then moves time
    #[arg(long)]
    pub no_relink: bool,
}
