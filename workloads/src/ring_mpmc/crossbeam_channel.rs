//! The crossbeam crate's bounded channel as `ring_spsc` has it: it is made for many to many.

pub use crate::ring_spsc::crossbeam_channel::{ABOUT, CrossbeamChannel};
