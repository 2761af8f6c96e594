//! Two builds of one row against each other: processes of both alternate on the same CPU in fresh launches until the
//! rule can decide. Who built them and what a verdict means for an exit code is decided elsewhere.

pub mod file;
pub mod record;
pub mod rule;
