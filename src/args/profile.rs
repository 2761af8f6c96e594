//! What can be typed after `profile`.

use super::Selection;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Flags of `profile`.
#[derive(Debug, Clone, Args)]
pub struct ProfileArguments {
    /// What is profiled: filters that leave exactly one row
    #[command(flatten)]
    pub selection: Selection,
    /// How long to sample; about as long is run unsampled in turns, to tell what sampling costs [default: 5s]
    #[arg(short = 't', long, value_name = "TIME")]
    pub time: Option<String>,
    /// Samples in a second of each thread's running time [default: 1000]
    #[arg(long, value_name = "N")]
    pub hz: Option<f64>,
    /// How callers are found [default: best]
    #[arg(long, value_name = "HOW")]
    pub unwind: Option<UnwindBy>,
    /// What makes the samples [default: best]
    #[arg(long, value_name = "WHAT")]
    pub clock: Option<SampleBy>,
    /// A stored profile to compare with: an id or its beginning, `latest` of the same row, or a file
    #[arg(short, long, value_name = "PROFILE")]
    pub base: Option<String>,
    /// Output, repeatable: svg=f.svg, html=p.html, text=p.txt, folded=p.txt, firefox=p.json, speedscope=p.json, json=p.json [default: svg and html in the store]
    #[arg(short, long, value_name = "FMT=FILE")]
    pub output: Vec<String>,
    /// The function whose machine code is annotated, by part of its name [default: the hottest]
    #[arg(long, value_name = "FUNCTION")]
    pub annotate: Option<String>,
    /// Show a stored profile again: an id or its beginning, `latest`, or a file; nothing is sampled
    #[arg(long, value_name = "PROFILE", conflicts_with_all = ["filters", "time", "hz", "unwind", "clock", "cpus", "seed", "trace"])]
    pub from: Option<String>,
    /// CPUs to pin to, in order of preference: 0,1 or 2-5 [default: the affinity mask]
    #[arg(long, value_name = "LIST")]
    pub cpus: Option<String>,
    /// Seed of generated input
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// An allocation trace for arena/replay (text, or .zst)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// How callers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnwindBy {
    /// Whichever reaches the outermost caller.
    Best,
    /// Frame pointers.
    Fp,
    /// A copy of the stack and the call frame information of the program.
    Dwarf,
}

/// What makes the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SampleBy {
    /// Cycles where the CPU counts them, else the kernel's CPU clock, else a signal.
    Best,
    /// The hardware's cycle counter.
    Cycles,
    /// The kernel's CPU clock.
    CpuClock,
    /// A signal, which needs no perf events.
    Signal,
}
