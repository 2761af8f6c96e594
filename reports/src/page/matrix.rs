//! The cells of the feature-set matrix: a figure or a reason, never blank.

use super::{Page, words};
use crate::model::Cell;

impl Page<'_> {
    pub(super) fn cell_class(&self, cell: &Cell) -> &'static str {
        match cell {
            Cell::Speedup { speedup, .. } if speedup.low > 1.0 => "good",
            Cell::Speedup { speedup, .. } if speedup.high < 1.0 => "bad",
            Cell::NotHere(_) => "why",
            _ => "even",
        }
    }

    /// What stands large in the cell, and what small below it.
    pub(super) fn cell(&self, cell: &Cell) -> (String, String) {
        match cell {
            Cell::Base { variant, time_ns } => (words::time(time_ns.value), format!("{variant}, the base")),
            Cell::Speedup { variant, speedup } => (words::direction(speedup), variant.clone()),
            Cell::NotHere(why) => (format!("n/a here: {}", why.reason), why.detail.clone()),
        }
    }
}
