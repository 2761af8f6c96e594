//! The command line: calibrates the slowdowns, asks the tools in turn until the time is up, and writes the table.

use clap::Parser;
use perfbench_side_by_side::effect::calibrate;
use perfbench_side_by_side::log::{Known, Line, Log, Verdict};
use perfbench_side_by_side::neighbour::Neighbour;
use perfbench_side_by_side::schedule::{Cell, cells, next};
use perfbench_side_by_side::table::{markdown, summary};
use perfbench_side_by_side::tool::{Places, Tool};
use perfbench_side_by_side::work::{WORKS, Work};
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// perfbench's gate, criterion and tango on the same work: false alarms, power and time to verdict.
#[derive(Debug, Parser)]
struct Arguments {
    /// Tools to ask
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["perfbench", "criterion", "criterion_short", "tango", "tango_long"])]
    tools: Vec<Tool>,
    /// Pieces of work
    #[arg(long, value_delimiter = ',', value_parser = work_named, default_values = WORKS.iter().map(|work| work.name))]
    workloads: Vec<&'static str>,
    /// Slowdowns of the candidate, percent; 0 is identical code
    #[arg(long, value_delimiter = ',', default_value = "0,1,2,3,5,10")]
    effects: Vec<f64>,
    /// What runs beside
    #[arg(long, value_enum, value_delimiter = ',', default_value = "none")]
    neighbour: Vec<Neighbour>,
    /// Verdicts wanted of each tool on each piece of work at each slowdown
    #[arg(long, default_value_t = 20)]
    n: usize,
    /// Time for calibrating and asking, shared equally by the tools; 0 only writes the table
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Folder of verdicts.ndjson, table.md and table.json; what is there is gone on with
    #[arg(long, default_value = "target/side-by-side")]
    out: PathBuf,
    /// The perfbench whose gate is asked
    #[arg(long, default_value = "target/release/perfbench")]
    perfbench: PathBuf,
    /// What perfbench compares with, such as `HEAD` for sides in many links; a copy of itself where absent
    #[arg(long)]
    base: Option<String>,
}

fn work_named(name: &str) -> Result<&'static str, String> {
    let known = WORKS.iter().map(|work| work.name);
    known
        .clone()
        .find(|known| *known == name)
        .ok_or_else(|| format!("one of {}", known.collect::<Vec<_>>().join(", ")))
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(page) => {
            print!("{page}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Everything; the page of Markdown is also in the folder.
fn run(arguments: &Arguments) -> Result<String, Box<dyn Error>> {
    fs::create_dir_all(&arguments.out)?;
    let (log, known) = Log::open(&arguments.out.join("verdicts.ndjson"))?;
    let mut session = Session { log, known };
    let asked = if arguments.minutes > 0.0 { session.ask(arguments) } else { Ok(()) };
    let page = markdown(&session.known);
    fs::write(arguments.out.join("table.md"), &page)?;
    fs::write(arguments.out.join("table.json"), serde_json::to_string(&summary(&session.known))?)?;
    asked.map(|()| page)
}

struct Session {
    log: Log,
    known: Known,
}

impl Session {
    fn ask(&mut self, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
        let end = Instant::now() + Duration::from_secs_f64(arguments.minutes * 60.0);
        let scratch = arguments.out.join("scratch");
        empty(&scratch)?;
        let here = std::env::current_exe()?;
        let places = Places {
            rivals: here.parent().ok_or("an executable lies in a folder")?.into(),
            perfbench: arguments.perfbench.clone(),
            perfbench_base: arguments.base.clone(),
            store: arguments.out.join("store"),
            scratch: scratch.canonicalize()?,
        };
        let cells = cells(&arguments.tools, &arguments.workloads, &arguments.neighbour, &arguments.effects);
        self.calibrate(&cells)?;
        while Instant::now() < end {
            let Some(cell) = next(&cells, &self.known.verdicts, arguments.n) else { break };
            self.ask_once(cell, &places)?;
        }
        Ok(fs::remove_dir_all(&scratch)?)
    }

    /// Finds the spins of the slowdowns that are not known yet.
    fn calibrate(&mut self, cells: &[Cell]) -> Result<(), Box<dyn Error>> {
        for Cell { tool, work: name, asked_percent, .. } in
            cells.iter().filter(|cell| cell.asked_percent > 0.0)
        {
            let injection = tool.injection();
            if self.known.effect(name, injection, *asked_percent).is_none() {
                self.keep(Line::Effect(calibrate(work(name), injection, *asked_percent)))?;
            }
        }
        Ok(())
    }

    fn ask_once(&mut self, cell: &Cell, places: &Places) -> Result<(), Box<dyn Error>> {
        let Cell { tool, work: name, neighbour, asked_percent } = *cell;
        let spins = self.known.effect(name, tool.injection(), asked_percent).map_or(0, |effect| effect.spins);
        let load = load()?;
        let running = neighbour.start(&places.scratch)?;
        let start = Instant::now();
        let judged = tool.judge(work(name), spins, places)?;
        let seconds = start.elapsed().as_secs_f64();
        drop(running);
        eprintln!("{name} +{asked_percent} %, {}: {:?} in {seconds:.2} s", tool.title(), judged.call);
        let work = name.into();
        self.keep(Line::Verdict(Verdict { tool, work, neighbour, asked_percent, seconds, load, judged }))
    }

    fn keep(&mut self, line: Line) -> Result<(), Box<dyn Error>> {
        self.log.write(&line)?;
        self.known.add(line);
        Ok(())
    }
}

/// Makes the folder anew: copies of executables that a killed run left are not those of now.
fn empty(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
}

fn work(name: &str) -> &'static Work {
    WORKS.iter().find(|work| work.name == name).expect("names are checked as they are typed")
}

/// Runnable threads over the last minute, as the kernel counts them.
fn load() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().next().unwrap_or_default().parse()?)
}
