//! Judges and shows: reads run records only, measures nothing, prints nothing.

pub mod bound;
pub mod chart;
pub mod compare;
pub mod counts;
#[cfg(test)]
mod emulated;
#[cfg(test)]
pub(crate) mod fixture;
pub mod format;
pub mod gate;
pub mod model;
pub mod page;
pub mod profile;
pub mod store;
pub mod verdict;
pub mod words;

pub use model::Report;
pub use verdict::{Judged, Verdict, judge};
