//! The report as data: everything that a page, a table or a file shows, computed from one record and nothing else.
//! Formats and pages read this and draw; they compute nothing of their own.

mod groups;
mod headline;
mod matrix;
mod targets;

use crate::bound::LimitSource;
use crate::verdict::{Judged, Verdict};
use perfbench_harness::Unavailable;
use perfbench_harness::case::Fact;
use perfbench_harness::clock::ClockFacts;
use perfbench_harness::machine::{Environment, Machine};
use perfbench_harness::record::{Count, Counted, CounterFacts, Latency, Limit, RunRecord, Setting};
use perfbench_harness::stats::Interval;
use serde::Serialize;

/// Version of the report as JSON.
pub const SCHEMA: &str = "perfbench.report/1";

/// All that a report says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `perfbench.report/1`.
    pub schema: &'static str,
    /// The verdict of the run as one sentence.
    pub headline: String,
    /// Id of the run.
    pub run: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// `complete`, `interrupted`, or `killed` where the record has no last line.
    pub status: String,
    /// Wall time, seconds, where the run ended by itself on a machine that is not emulated.
    pub elapsed_s: Option<f64>,
    /// Version of perfbench that measured.
    pub version: String,
    /// The command line.
    pub command: Vec<String>,
    /// Machine, build and clock on one line.
    pub machine_line: String,
    /// Environment grade, the worse of before and after.
    pub grade: char,
    /// What keeps the figures from being taken at face value, one sentence each.
    pub reservations: Vec<String>,
    /// The counts at the top.
    pub cards: Cards,
    /// What a reader should look at, worst first, at most [`LOOK_AT_MOST`].
    pub look_at: Vec<LookAt>,
    /// The documented targets by document.
    pub documents: Vec<Document>,
    /// The results, group by group.
    pub groups: Vec<Group>,
    /// Speed-up over scalar by feature set.
    pub matrix: Matrix,
    /// What the machine can do at best.
    pub limits: Vec<Limit>,
    /// What the machine is.
    pub machine: Machine,
    /// The clock.
    pub clock: ClockFacts,
    /// State of the machine's knobs before the run.
    pub environment: Environment,
    /// The same after it, where it ended.
    pub environment_after: Option<Environment>,
    /// Counter sources and what became of each.
    pub counters: Vec<CounterFacts>,
    /// Settings in force with their origin.
    pub settings: Vec<Setting>,
    /// Seed of order and input.
    pub seed: u64,
    /// What the run warned of.
    pub warnings: Vec<String>,
}

/// Most rows under "what to look at".
pub const LOOK_AT_MOST: usize = 5;

/// The counts at the top of a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cards {
    /// Targets met.
    pub met: usize,
    /// Targets missed.
    pub missed: usize,
    /// Targets whose interval lies on both sides.
    pub unresolved: usize,
    /// Targets beyond what the machine can do.
    pub implausible: usize,
    /// Targets without a value, each with its reason.
    pub not_measurable: usize,
    /// Rows measured.
    pub rows_measured: usize,
    /// Rows counted and not timed.
    pub rows_counted: usize,
    /// Rows with a reason instead.
    pub rows_unavailable: usize,
    /// Rows that broke.
    pub rows_broke: usize,
    /// Noise floor: the median relative half-width of the rows' intervals, as a share; none where no row has one.
    pub noise_floor: Option<f64>,
}

impl Cards {
    /// Targets that a value was judged against.
    pub fn judged(&self) -> usize {
        self.met + self.missed + self.unresolved + self.implausible
    }
}

/// Why a row or target is among the first that a reader should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concern {
    /// A row broke.
    Broke,
    /// A target is beyond the machine.
    Implausible,
    /// A target is missed.
    Missed,
    /// A documented "before" is not reproduced.
    NotReproduced,
    /// A target is not resolved.
    Unresolved,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LookAt {
    /// Why it is here.
    pub concern: Concern,
    /// Row key or target id.
    pub name: String,
    /// What happened, in one short line.
    pub sentence: String,
}

/// The targets of one source document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// Its number: `002`.
    pub number: String,
    /// Its targets in file order.
    pub targets: Vec<Judged>,
}

/// The variants of one workload at one point, measured side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// `workload/point`.
    pub name: String,
    /// Number of the source document.
    pub source: String,
    /// What one operation is called.
    pub unit_of_work: String,
    /// The variant that speed-ups are against: the first that was measured.
    pub base: Option<String>,
    /// The variants in table order.
    pub rows: Vec<Row>,
}

/// One variant at one point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// `workload/point/variant`.
    pub key: String,
    /// Variant name.
    pub variant: String,
    /// `baseline`, `documented`, `optimised`, `peer`.
    pub role: String,
    /// What the variant is.
    pub about: String,
    /// Features it uses.
    pub isa: Vec<String>,
    /// CPUs it was pinned to.
    pub cpus: Vec<usize>,
    /// Ids of the targets that this row answers, as measured row or as the one it is compared with.
    pub targets: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Row {
    /// The figures, where it was measured.
    pub fn figures(&self) -> Option<&Figures> {
        match &self.outcome {
            Outcome::Measured(figures) => Some(figures),
            _ => None,
        }
    }

    /// What it counted per operation and what its case reported, where it has them.
    pub fn counts_and_facts(&self) -> (&[Count], &[Fact]) {
        match &self.outcome {
            Outcome::Measured(figures) => (&figures.counts, &figures.facts),
            Outcome::Counted(counted) => (&counted.counts, &counted.facts),
            Outcome::Unavailable(_) | Outcome::Broke { .. } => (&[], &[]),
        }
    }
}

/// Measured, counted only, not available, or broken: never blank.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was measured.
    Measured(Box<Figures>),
    /// It was counted, and its time would mean nothing.
    Counted(Counted),
    /// It could not be had, and why.
    Unavailable(Unavailable),
    /// It broke.
    Broke {
        /// What happened.
        message: String,
    },
}

/// The derived figures of a measured row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Time per operation with its interval over launches.
    pub time_ns: Interval,
    /// Times faster than the group's base, launch by launch; none for the base itself, or where no launch is shared.
    pub speedup: Option<Interval>,
    /// The time beside the machine limit that bounds it.
    pub limit: Option<LimitShare>,
    /// Where the two cores were, for cases on two cores.
    pub placement: Option<Placement>,
    /// Median round of each launch: launch number, ns per operation.
    pub launches: Vec<(u32, f64)>,
    /// Rounds of all launches, those left out included.
    pub rounds: usize,
    /// Distribution of single operations, where it was recorded.
    pub latency: Option<Latency>,
    /// Counts per operation with their provenance.
    pub counts: Vec<Count>,
    /// What the case reported beside time.
    pub facts: Vec<Fact>,
    /// Operations in one batch.
    pub ops_per_batch: u64,
    /// Fold of all results, hexadecimal.
    pub checksum: String,
}

/// A result as a share of what the machine can do at best.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LimitShare {
    /// Name of the limit.
    pub limit: String,
    /// Which measurement of it counts.
    pub source: LimitSource,
    /// How many of it an operation cannot do without; bytes, where it is a bandwidth.
    pub times: f64,
    /// Why it bounds the operation.
    pub why: String,
    /// The best time that the limit allows, ns.
    pub best_ns: f64,
    /// Best time over measured time: 1 is the speed of light; above 1 contradicts the bound.
    pub share: f64,
}

/// Where the two cores of a case were.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placement {
    /// `near`, `far` or `changed`: what most rounds were.
    pub class: &'static str,
    /// Rounds left out because the cores were elsewhere.
    pub left_out: usize,
    /// Of all rounds.
    pub of: usize,
    /// One-way line bounce around the rounds, ns.
    pub bounce_ns: Option<f64>,
    /// The row's time as a multiple of that bounce.
    pub time_in_bounces: Option<f64>,
}

/// Speed-up over scalar: a line for each group that has rows by feature set, a column for each feature set.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Matrix {
    /// Feature sets: `scalar`, `aes-ni+pclmul`.
    pub columns: Vec<String>,
    /// One line a group.
    pub lines: Vec<MatrixLine>,
}

/// One group of the matrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatrixLine {
    /// `workload/point`.
    pub group: String,
    /// One cell a column.
    pub cells: Vec<Cell>,
}

/// One cell of the matrix, never blank.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    /// The row that the others are compared with, ns per operation.
    Base {
        /// Variant name.
        variant: String,
        /// Its time.
        time_ns: Interval,
    },
    /// Times faster than the base; the fastest variant of the feature set.
    Speedup {
        /// Variant name.
        variant: String,
        /// Times faster.
        speedup: Interval,
    },
    /// Not here, and why.
    NotHere(Unavailable),
}

impl Report {
    /// Derives the report of a record.
    pub fn of(record: &RunRecord) -> Report {
        let header = &record.header;
        let groups = groups::groups(record);
        let documents = targets::documents(record);
        let cards = headline::cards(&groups, &documents);
        Report {
            schema: SCHEMA,
            headline: headline::headline(record, &cards),
            run: header.run.clone(),
            started: header.started.clone(),
            status: headline::status(record),
            elapsed_s: record
                .end
                .as_ref()
                .map(|end| end.elapsed_s)
                .filter(|_| !headline::is_emulated(record)),
            version: header.version.clone(),
            command: header.command.clone(),
            machine_line: headline::machine_line(record),
            grade: headline::grade(record),
            reservations: headline::reservations(record),
            look_at: targets::look_at(&groups, &documents),
            matrix: matrix::matrix(record),
            cards,
            documents,
            groups,
            limits: record.limits.clone(),
            machine: header.machine.clone(),
            clock: header.clock.clone(),
            environment: header.environment.clone(),
            environment_after: record.end.as_ref().map(|end| end.environment.clone()),
            counters: header.counters.clone(),
            settings: header.settings.clone(),
            seed: header.seed,
            warnings: record.warnings.clone(),
        }
    }

    /// The targets of all documents.
    pub fn targets(&self) -> impl Iterator<Item = &Judged> {
        self.documents.iter().flat_map(|document| &document.targets)
    }

    /// The verdict of a target by its id.
    pub fn target(&self, id: &str) -> Option<&Judged> {
        self.targets().find(|judged| judged.claim.id == id)
    }

    /// The verdict that a row is to blame for: the worst of the targets that are read off it.
    pub fn row_verdict(&self, row: &Row) -> Option<Verdict> {
        let answers = |judged: &&Judged| judged.claim.measure.as_ref().is_some_and(|m| m.row == row.key);
        self.targets().filter(answers).map(|judged| judged.verdict).max_by_key(|verdict| verdict.weight())
    }

    /// The rows of all groups.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_fixture_has_every_verdict_and_every_kind_of_row() {
        let cards = Report::of(&fixture::record()).cards;
        assert_eq!((cards.met, cards.missed, cards.unresolved), (2, 3, 1), "{cards:?}");
        assert_eq!((cards.implausible, cards.not_measurable), (1, 5), "{cards:?}");
        assert_eq!((cards.rows_measured, cards.rows_unavailable, cards.rows_broke), (13, 2, 1), "{cards:?}");
    }

    #[test]
    fn every_target_has_a_verdict_with_its_evidence_or_its_reason() {
        let report = Report::of(&fixture::record());
        for judged in report.targets() {
            let without_value = judged.verdict == Verdict::NotMeasurable;
            assert_eq!(judged.reason.is_some(), without_value, "{}", judged.claim.id);
            assert_eq!(judged.measured.is_none(), without_value, "{}", judged.claim.id);
            assert!(!judged.evidence.is_empty(), "{}", judged.claim.id);
        }
    }
}
