//! Statistics as pure functions on slices, each with its source. Nothing here prints or reads a clock.

pub mod bootstrap;
pub mod change_points;
pub mod distribution;
pub mod equivalence;
pub mod interval;
pub mod modes;
pub mod multiple;
pub mod order;
pub mod power;
pub mod proportion;
pub mod random;
pub mod rank;
pub mod scaling;
pub mod sequential;

pub use interval::{Interval, median, quantile};
