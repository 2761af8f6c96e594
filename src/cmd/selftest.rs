//! `selftest`: how often the gate calls identical code slower on this machine, and how small a slowdown it finds.

mod log;
mod piece;
mod tally;

use super::{Context, environment, output, sides};
use crate::args::{ComparisonFormat, SelftestArguments};
use crate::builds;
use crate::error::{Failure, INTERRUPTED, NOTHING_SELECTED, OK};
use crate::interrupt;
use crate::progress::Progress;
use crate::settings::{SelftestRequest, Settings};
use log::Log;
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::duel::contest::Ring;
use perfbench_harness::duel::rule::Rule;
use perfbench_harness::machine::limits::truths::{self, Truth};
use perfbench_harness::machine::{self, Machine, limits};
use perfbench_harness::plan::{Group, Planned};
use perfbench_harness::stats::random::Random;
use perfbench_harness::workload::key;
use perfbench_reports::gate::{SelfTest, selftest_json, selftest_markdown, selftest_text};
use perfbench_reports::store::Store;
use perfbench_workloads::yardstick;
use piece::Piece;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tally::Tally;

/// The slowdown that the rule under test looks for.
const MIN_EFFECT: f64 = 0.02;

/// Time set aside for the known truths, seconds.
const TRUTHS_S: f64 = 20.0;

/// Comparisons of identical code for each of every injected size: what the gate must not do is measured best.
const IDENTICAL: u32 = 4;

/// The command.
///
/// # Errors
/// What the user can mend: filters that name no piece of work, sources that do not build.
pub fn run(
    context: &Context<'_>,
    settings: &mut Settings,
    arguments: &SelftestArguments,
) -> Result<u8, Failure> {
    let started = Instant::now();
    let machine = machine::probe();
    environment::require_time(&machine)?;
    let asked = settings.selftest(arguments, context.matches, &machine)?;
    let groups = groups(&asked, &machine)?;
    let progress = Progress::new(settings.progress, context.quiet, asked.budget_s);
    let options = sides::options(settings, asked.relink, asked.package.as_deref());
    let side = builds::candidate(&options, &mut |text| progress.say(text))?;
    let clock = environment::clock(ClockChoice::Best)?;
    let rule = if side.relinked { Rule::relinked(MIN_EFFECT) } else { Rule::same_file(MIN_EFFECT) };
    let ring = sides::ring(&side, &side, rule, &clock);
    let mut bench = Bench::open(&ring, &groups, &asked, settings, &progress)?;
    let stop = interrupt::watch();
    let in_time = || started.elapsed().as_secs_f64() + TRUTHS_S < asked.budget_s;
    // Set by a signal handler that publishes nothing else.
    let goes_on = || !stop.load(Ordering::Relaxed) && (asked.trials.is_some() || in_time());
    let mut turns = 0;
    while asked.trials.is_none_or(|trials| turns < trials) && bench.turn(turns, &side.links, &goes_on)? {
        turns += 1;
        progress.say(&format!("{turns} turns, {:.0} s", started.elapsed().as_secs_f64()));
    }
    if bench.tallies.iter().any(Tally::is_empty) {
        return if interrupt::came() { Ok(INTERRUPTED) } else { Err(too_short(asked.budget_s)) };
    }
    progress.say("known truths");
    let truths = if interrupt::came() { Vec::new() } else { truths(&machine, &asked.cpus, &clock) };
    progress.finish();
    let selftest = tally::sum(&bench.tallies, &machine, side.relinked, truths);
    if !interrupt::came() && asked.trials.is_none() {
        keep(settings, &machine, &selftest)?;
    }
    show(&selftest, asked.format);
    Ok(if interrupt::came() { INTERRUPTED } else { OK })
}

fn too_short(budget_s: f64) -> Failure {
    let text =
        format!("{budget_s:.0} s are over before anything was compared: building and sizing took them");
    Failure::usage(text).help("give it more with -t 5m; a second self-test finds its builds in the cache")
}

/// Every piece of work with what its comparisons came to.
struct Bench<'a> {
    ring: &'a Ring<'a>,
    pieces: Vec<Piece>,
    tallies: Vec<Tally>,
    log: Log,
    random: Random,
}

impl<'a> Bench<'a> {
    fn open(
        ring: &'a Ring<'a>,
        groups: &[Group],
        asked: &SelftestRequest,
        settings: &Settings,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let mut pieces = Vec::new();
        for group in groups {
            let piece = Piece::open(ring, group, asked.seed).map_err(broke)?;
            progress.say(&format!("{}  the injected work is sized", piece.name()));
            pieces.push(piece);
        }
        let tallies = pieces.iter().map(|piece| Tally::new(piece.name())).collect();
        let (log, random) = (Log::open(&settings.store)?, Random::new(asked.seed));
        Ok(Self { ring, pieces, tallies, log, random })
    }

    /// Compares every piece of work with itself a few times and once with a slowdown; says whether to go on. What was
    /// under way when an interrupt came, or when time was over, is left out.
    fn turn(&mut self, number: u32, links: &[PathBuf], goes_on: &dyn Fn() -> bool) -> Result<bool, Failure> {
        for (piece, tally) in self.pieces.iter_mut().zip(&mut self.tallies) {
            for _ in 0..IDENTICAL {
                let (base, candidate) = halves(links, &mut self.random);
                let compared = piece.identical(self.ring, base, candidate);
                if !goes_on() {
                    return Ok(false);
                }
                let identical = compared.map_err(broke)?;
                self.log.identical(piece.name(), &identical)?;
                tally.identical(identical);
            }
            let (base, candidate) = halves(links, &mut self.random);
            let compared = piece.injected(self.ring, number, base, candidate);
            if !goes_on() {
                return Ok(false);
            }
            let injected = compared.map_err(broke)?;
            self.log.injected(piece.name(), &injected)?;
            tally.injected(injected);
        }
        Ok(true)
    }
}

/// What is known of any machine beforehand, held against this machine's limits.
fn truths(machine: &Machine, cpus: &[usize], clock: &Clock) -> Vec<Truth> {
    let mut measured = Vec::new();
    limits::measure(machine, cpus, clock, &mut |limit| measured.push(limit));
    let mut truths = truths::of(machine, &measured);
    truths.push(truths::allocations());
    truths
}

fn show(selftest: &SelfTest, format: ComparisonFormat) {
    let text = match format {
        ComparisonFormat::Text => selftest_text(selftest, &output::look()),
        ComparisonFormat::Markdown => selftest_markdown(selftest),
        ComparisonFormat::Json => selftest_json(selftest),
    };
    anstream::print!("{text}");
}

/// What the gate will show beside its verdicts; only a self-test of all pieces of work stands for the machine.
fn keep(settings: &Settings, machine: &Machine, selftest: &SelfTest) -> Result<(), Failure> {
    if selftest.rows.len() < yardstick::ROWS.len() {
        return Ok(());
    }
    let store = Store::open(&settings.store).map_err(output::store_failure)?;
    store.keep_achieved(machine, selftest.achieved.clone()).map_err(output::store_failure)
}

/// One group a piece of work, with its one variant.
fn groups(asked: &SelftestRequest, machine: &Machine) -> Result<Vec<Group>, Failure> {
    let wanted =
        |row: &&&str| asked.filters.is_empty() || asked.filters.iter().any(|f| row.contains(f.as_str()));
    let groups: Vec<Group> =
        yardstick::ROWS.iter().filter(wanted).filter_map(|row| group(row, &asked.cpus)).collect();
    let enough = groups.into_iter().filter(|group| group.cpus.len() == group.point.cpus).collect::<Vec<_>>();
    match enough.is_empty() {
        false => Ok(enough),
        true => Err(Failure::new(
            NOTHING_SELECTED,
            format!("no piece of work is named `{}`", asked.filters.join(" ")),
        )
        .help(format!("there are {} (on {} CPUs)", yardstick::ROWS.join(", "), machine.cpus.len()))),
    }
}

fn group(row: &str, cpus: &[usize]) -> Option<Group> {
    let workload = &yardstick::WORKLOAD;
    workload.points.iter().find_map(|point| {
        let variant = workload.variants.iter().find(|v| key(workload.name, point.name, v.name) == row)?;
        let variants = vec![Planned { variant, skip: None }];
        Some(Group { workload, point, variants, cpus: cpus.iter().copied().take(point.cpus).collect() })
    })
}

/// Two sides of different links, drawn anew for every comparison; both have the only link where there is one.
fn halves(links: &[PathBuf], random: &mut Random) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let mut links = links.to_vec();
    if links.len() < 2 {
        return (links.clone(), links);
    }
    random.shuffle(&mut links);
    let rest = links.split_off(links.len() / 2);
    (links, rest)
}

fn broke(fault: perfbench_harness::duel::Fault) -> Failure {
    Failure::new(crate::error::BROKE, format!("the self-test cannot run: {fault}"))
}
