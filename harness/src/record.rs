//! The run record: versioned NDJSON, one line a thing, flushed a group at a time. Raw rounds are kept with their
//! launch; every aggregate is derived from them.

mod count;
pub mod file;
mod latency;
mod limit;
mod profile;
mod ratio;

pub use count::{Count, Provenance};
pub use file::{ReadError, Writer, read};
pub use latency::{Latency, Percentiles};
pub use limit::{CorePair, Limit, SPREAD_WANTED, spread};
pub use profile::{Code, Frame, PROFILE_SCHEMA, Profile, Sample};
pub use ratio::{log_speedups, speedup};

use crate::case::Fact;
use crate::claim::Claim;
use crate::clock::ClockFacts;
use crate::machine::{Environment, Machine};
use crate::stats::interval::{self, Interval};
use crate::unavailable::{Reason, Unavailable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the record that this build writes; every older one stays readable.
pub const SCHEMA: u32 = 1;

/// What the first line's `schema` must start with.
pub const SCHEMA_NAME: &str = "perfbench.run";

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// First line.
    Run(Box<Header>),
    /// One limit of the machine.
    Limit(Limit),
    /// One row.
    Row(Box<Row>),
    /// Something the reader should know.
    Warning {
        /// The sentence.
        text: String,
    },
    /// Last line; absent where the run was killed.
    End(End),
}

/// Everything known before the first measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `perfbench.run/1`.
    pub schema: String,
    /// Version of perfbench that wrote it.
    pub version: String,
    /// Id of the run.
    pub run: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// The command line.
    pub command: Vec<String>,
    /// Settings in force, with their origin: name, value, where from.
    pub settings: Vec<Setting>,
    /// Seed of order and generated input.
    pub seed: u64,
    /// Files that the run was given, by input name: file name, size, and a fingerprint of the contents.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// Fingerprint of the table of workloads: a run goes on only with the table that it began with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub registry: String,
    /// Size and time of the executable: a run goes on only with the program that it began with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// Whether every timed batch began with cold caches; rows of cold and warm runs are never compared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cold: bool,
    /// What a turn of the timing loop takes around nothing, ns; told, not subtracted (docs/method.md says why).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loop_ns_per_op: Option<f64>,
    /// The clock.
    pub clock: ClockFacts,
    /// The machine.
    pub machine: Machine,
    /// State of the machine's knobs, with a grade.
    pub environment: Environment,
    /// Counter sources and what became of each.
    pub counters: Vec<CounterFacts>,
    /// The documented targets, so that any machine can judge this record.
    pub claims: Vec<Claim>,
}

/// One setting and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name as in perfbench.toml.
    pub name: String,
    /// Value as printed.
    pub value: String,
    /// `flag`, `environment`, `config` or `default`.
    pub origin: String,
}

/// A counter source and whether it works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterFacts {
    /// Source and event: `perf_event: instructions`.
    pub name: String,
    /// What it counts.
    pub about: String,
    /// None where it works; else the reason in words.
    pub unavailable: Option<Unavailable>,
}

/// One variant at one point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Workload name.
    pub workload: String,
    /// Point name.
    pub point: String,
    /// Variant name.
    pub variant: String,
    /// `baseline`, `documented`, `optimised`, `peer`.
    pub role: String,
    /// Number of the source document.
    pub source: String,
    /// What the variant is.
    pub about: String,
    /// What one operation is called.
    pub unit_of_work: String,
    /// Features it uses.
    pub isa: Vec<String>,
    /// The limit that its time is shown as a share of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<RowBound>,
    /// Why no limit bounds it, where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unbounded: Option<String>,
    /// CPUs it was pinned to.
    pub cpus: Vec<usize>,
    /// Whether the run was interrupted between the launches of its group: a run that goes on measures it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// The machine limit beside a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowBound {
    /// Name of the limit.
    pub limit: String,
    /// How many of it an operation cannot do without.
    pub times: f64,
    /// Why.
    pub why: String,
}

/// Measured, counted only, not available, or broken: never blank.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured.
    Measured(Measured),
    /// It was checked and counted, and its time would mean nothing.
    Counted(Counted),
    /// It could not be had, and why.
    Unavailable(Unavailable),
    /// It broke: a failed check, a panic, a signal.
    Broke {
        /// What happened.
        message: String,
    },
}

/// The raw results of one row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Operations in one batch.
    pub ops_per_batch: u64,
    /// Every launch with its rounds.
    pub launches: Vec<Launch>,
    /// Distribution of single operations, where a stamped pass was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The same by part, where the case tells parts apart: each thread of a fleet, the time in service of planned
    /// arrivals.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latency_parts: BTreeMap<String, Latency>,
    /// Counts per operation: exact, with their provenance.
    pub counts: Vec<Count>,
    /// What the case reported beside time.
    pub facts: Vec<Fact>,
    /// Fold of all results, hexadecimal.
    pub checksum: String,
}

/// What is known of a row without its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Why it has no time.
    pub untimed: Unavailable,
    /// Counts per operation: exact, with their provenance.
    pub counts: Vec<Count>,
    /// What the case reported beside time.
    pub facts: Vec<Fact>,
    /// Fold of all results, hexadecimal.
    pub checksum: String,
}

impl Counted {
    /// Cycles and times are the emulator's own, and go where the row's time goes.
    pub fn new(untimed: Unavailable, counts: Vec<Count>, facts: Vec<Fact>, checksum: String) -> Self {
        let counts =
            counts.into_iter().map(|count| if count.is_time() { count.without(&untimed) } else { count });
        Self { counts: counts.collect(), untimed, facts, checksum }
    }
}

/// Mark of a round in which the kernel saw nothing happen to the measuring thread.
pub const QUIET: char = '-';

/// Mark of a round in which the thread's CPU was taken away.
pub const SWITCHED: char = 's';

/// Mark of a round in which the thread was moved to another CPU.
pub const MIGRATED: char = 'm';

/// One fresh process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// Number of the launch within the group; launches of like number ran in the same process for all variants.
    pub launch: u32,
    /// One value a round, disturbed ones and their repetitions included.
    pub rounds_ns_per_op: Vec<f64>,
    /// What the kernel saw of the measuring thread (of several, the leader) in each round, one mark a round; empty where
    /// all are [`QUIET`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub marks: String,
    /// Batches that it took to get warm.
    #[serde(default)]
    pub warm_up_batches: u32,
    /// Time stolen by the hypervisor from the measuring CPU while the launch ran, ms; none where the kernel does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stolen_ms: Option<f64>,
    /// Time of the launch in which some task of the machine waited for a CPU, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<f64>,
    /// Where the two cores were in each round (`n`ear, `f`ar, `c`hanged), one letter a round; empty for solo cases.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub classes: String,
    /// One-way line bounce around each round, where two cores took part: the mean of before and after.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounce_ns: Vec<f64>,
    /// Percentiles of this launch's single operations, where a stamped pass was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percentiles: Option<Percentiles>,
}

/// How the run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// End, RFC 3339 in UTC.
    pub finished: String,
    /// `complete` or `interrupted`.
    pub status: String,
    /// Wall time, seconds.
    pub elapsed_s: f64,
    /// The machine's knobs and pressure after the run.
    pub environment: Environment,
}

impl Row {
    /// The row as it may be believed: what an emulated machine timed is no time.
    fn on(self, machine: &Machine) -> Row {
        let outcome = match (self.outcome, machine.timeless()) {
            (Outcome::Measured(Measured { counts, facts, checksum, .. }), Some(untimed)) => {
                Outcome::Counted(Counted::new(untimed, counts, facts, checksum))
            }
            (outcome, _) => outcome,
        };
        Row { outcome, ..self }
    }

    /// `workload/point/variant`.
    pub fn key(&self) -> String {
        crate::workload::key(&self.workload, &self.point, &self.variant)
    }

    /// `workload/point`.
    pub fn group(&self) -> String {
        format!("{}/{}", self.workload, self.point)
    }

    /// The raw results, where it was measured.
    pub fn measured(&self) -> Option<&Measured> {
        match &self.outcome {
            Outcome::Measured(measured) => Some(measured),
            _ => None,
        }
    }
}

impl Measured {
    /// The class that most rounds belong to (`n`, `f`), or none for solo cases; `c` only where every round changed its
    /// class underway.
    pub fn class(&self) -> Option<char> {
        let all: String = self.launches.iter().map(|l| l.classes.as_str()).collect();
        let count = |class| all.chars().filter(|c| *c == class).count();
        let steady = ['n', 'f'].into_iter().filter(|c| count(*c) > 0).max_by_key(|c| (count(*c), *c == 'n'));
        steady.or(all.chars().next())
    }

    /// Rounds left out because the cores were elsewhere, of all rounds.
    pub fn left_out(&self) -> (usize, usize) {
        let class = self.class();
        let all: usize = self.launches.iter().map(|l| l.rounds_ns_per_op.len()).sum();
        (all - self.launches.iter().map(|l| l.in_class(class).count()).sum::<usize>(), all)
    }

    /// Rounds that the kernel saw disturbed: left out and made again, where the launch has any that were not.
    pub fn disturbed(&self) -> usize {
        let marks = self.launches.iter().flat_map(|launch| launch.marks.chars());
        marks.filter(|mark| *mark != QUIET).count()
    }

    /// The median round of each launch, over the undisturbed rounds of the prevailing class; launches without a round
    /// of it are left out.
    pub fn launch_medians(&self) -> Vec<(u32, f64)> {
        self.launch_medians_in(self.class())
    }

    fn launch_medians_in(&self, class: Option<char>) -> Vec<(u32, f64)> {
        let median = |l: &Launch| (l.launch, interval::median(&l.kept(&l.rounds_ns_per_op, class)));
        self.launches.iter().map(median).filter(|(_, value)| value.is_finite()).collect()
    }

    /// Time per operation with its 95 % interval over launches.
    pub fn time(&self) -> Interval {
        interval::over_launches(&self.launch_medians().iter().map(|(_, v)| *v).collect::<Vec<_>>())
    }

    /// Median line bounce of the rounds kept, where two cores took part.
    pub fn bounce_ns(&self) -> Option<f64> {
        let class = self.class();
        let all: Vec<f64> = self.launches.iter().flat_map(|l| l.kept(&l.bounce_ns, class)).collect();
        (!all.is_empty()).then(|| interval::median(&all))
    }

    /// A metric by the name that claims use: `time`, `p99`, a count or a fact.
    pub fn metric(&self, name: &str) -> Result<Interval, Unavailable> {
        let missing = || Unavailable::new(Reason::NotSelected, format!("the row has no {name}"));
        match name {
            "time" => Some(Ok(self.time())),
            "p50" => self.percentile(|l| l.p50_ns, |p| p.p50_ns).map(Ok),
            "p90" => self.percentile(|l| l.p90_ns, |p| p.p90_ns).map(Ok),
            "p99" => self.percentile(|l| l.p99_ns, |p| p.p99_ns).map(Ok),
            "p99.9" => self.percentile(|l| l.p999_ns, |p| p.p999_ns).map(Ok),
            _ => self.count_or_fact(name),
        }
        .unwrap_or_else(|| Err(missing()))
    }

    /// The percentile of all launches together, with the interval that the launches' own percentiles leave around it:
    /// from nought to infinity where fewer than two launches have them.
    fn percentile(&self, all: fn(&Latency) -> f64, own: fn(&Percentiles) -> f64) -> Option<Interval> {
        let value = all(self.latency.as_ref()?);
        let launches: Vec<f64> =
            self.launches.iter().filter_map(|l| l.percentiles.as_ref()).map(own).collect();
        let spread = interval::over_launches(&launches);
        Some(Interval { value, low: spread.low.min(value), high: spread.high.max(value) })
    }

    fn count_or_fact(&self, name: &str) -> Option<Result<Interval, Unavailable>> {
        let count =
            self.counts.iter().find(|c| c.name == name).map(|c| c.per_op.clone().map(Interval::exact));
        count.or_else(|| self.facts.iter().find(|f| f.name == name).map(|f| Ok(Interval::exact(f.value))))
    }
}

impl Launch {
    /// The rounds of a class, by index; all of them without a class.
    fn in_class(&self, class: Option<char>) -> impl Iterator<Item = usize> {
        let class = class.filter(|_| !self.classes.is_empty());
        let classes = self.classes.as_bytes();
        (0..self.rounds_ns_per_op.len())
            .filter(move |i| class.is_none_or(|c| classes.get(*i) == Some(&(c as u8))))
    }

    /// Of one value a round, those of the undisturbed rounds of a class; of all its rounds where every one was disturbed,
    /// because a launch on a busy machine is still worth more than none.
    fn kept(&self, values: &[f64], class: Option<char>) -> Vec<f64> {
        let marks = self.marks.as_bytes();
        let quiet = |i: &usize| marks.get(*i).is_none_or(|mark| *mark == QUIET as u8);
        let value = |i: usize| values.get(i).copied();
        let undisturbed: Vec<f64> = self.in_class(class).filter(quiet).filter_map(value).collect();
        if undisturbed.is_empty() { self.in_class(class).filter_map(value).collect() } else { undisturbed }
    }
}

/// A whole record in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// First line.
    pub header: Header,
    /// Limits, in file order.
    pub limits: Vec<Limit>,
    /// Rows, in file order.
    pub rows: Vec<Row>,
    /// Warnings, in file order.
    pub warnings: Vec<String>,
    /// Last line; none where the run was killed.
    pub end: Option<End>,
}

impl RunRecord {
    /// A record with its first line only.
    pub fn new(header: Header) -> Self {
        Self { header, limits: Vec::new(), rows: Vec::new(), warnings: Vec::new(), end: None }
    }

    /// Takes one more line. A row or limit that is there already is replaced: further launches were made, or a run that was
    /// cut off went on.
    pub fn push(&mut self, line: Line) {
        match line {
            Line::Run(header) => self.header = *header,
            Line::Limit(limit) => {
                let limit = limit.on(&self.header.machine);
                put(&mut self.limits, limit, |limit| limit.name.clone());
            }
            Line::Row(row) => {
                let row = row.on(&self.header.machine);
                put(&mut self.rows, row, Row::key);
            }
            Line::Warning { text } => self.warnings.push(text),
            Line::End(end) => self.end = Some(end),
        }
    }

    /// The row of a key.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key() == key)
    }

    /// The limit of a name, where it is known.
    pub fn limit(&self, name: &str) -> Option<Interval> {
        self.limits.iter().find(|l| l.name == name).and_then(|l| l.value.clone().ok())
    }

    /// The groups in file order, each with its rows.
    pub fn groups(&self) -> Vec<(String, Vec<&Row>)> {
        let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
        for row in &self.rows {
            match groups.iter_mut().find(|(name, _)| *name == row.group()) {
                Some((_, rows)) => rows.push(row),
                None => groups.push((row.group(), vec![row])),
            }
        }
        groups
    }

    /// Whether time was dictated by a script.
    pub fn is_scripted(&self) -> bool {
        self.header.clock.name == "scripted"
    }
}

fn put<T>(items: &mut Vec<T>, item: T, key: impl Fn(&T) -> String) {
    match items.iter_mut().find(|there| key(there) == key(&item)) {
        Some(there) => *there = item,
        None => items.push(item),
    }
}

#[cfg(test)]
mod tests;
