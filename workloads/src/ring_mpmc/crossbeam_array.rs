//! The crossbeam crate's array queue as `ring_spsc` has it: it is made for many to many.

pub use crate::ring_spsc::crossbeam_array::{ABOUT, CrossbeamArray};
