//! What a run tells those who watch it. The harness prints nothing; an onlooker may.

use crate::plan::Plan;
use crate::record::{Limit, Row};

/// Something that happened in a run, between timed regions.
#[derive(Debug)]
pub enum Event<'a> {
    /// The plan stands; measuring begins.
    Planned(&'a Plan),
    /// A limit of the machine is about to be measured, or its checks run; the text says which.
    Preparing(&'a str),
    /// A limit of the machine is known.
    Limit(&'a Limit),
    /// A group of rows begins.
    GroupStarted {
        /// `workload/point`.
        group: &'a str,
    },
    /// One launch of the group ended.
    Launched {
        /// `workload/point`.
        group: &'a str,
        /// Launches done, this one included.
        done: usize,
        /// Launches planned.
        of: usize,
    },
    /// The group's rows are in the record.
    GroupDone {
        /// The rows, in table order.
        rows: &'a [Row],
    },
    /// Something the reader of the results should know.
    Warning(&'a str),
}

/// Whoever watches a run.
pub trait Onlooker {
    /// Takes one event; called on the coordinating process, never while a region is timed in it.
    fn on(&mut self, event: &Event<'_>);
}

/// Watches nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Onlooker for Silent {
    fn on(&mut self, _event: &Event<'_>) {}
}
