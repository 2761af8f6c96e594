//! Two builds of one row against each other: processes of both alternate on the same CPU in fresh launches until the
//! rule can decide. Who built them and what a verdict means for an exit code is decided elsewhere.

pub mod arm;
pub mod contest;
pub mod file;
mod process;
pub mod processes;
pub mod record;
pub mod rule;
pub mod trial;

use record::PairLaunch;
use std::fmt;

/// Something that runs launches of both sides.
pub trait Pairs {
    /// Runs a fresh launch of both sides, number `launch`.
    ///
    /// # Errors
    /// [`Fault`] where a side yields nothing.
    fn launch(&mut self, launch: u32) -> Result<PairLaunch, Fault>;

    /// Seconds since an arbitrary start.
    fn now_s(&self) -> f64;
}

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is compared with.
    Base,
    /// What is compared.
    Candidate,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Base => "base",
            Side::Candidate => "candidate",
        })
    }
}

/// Why a side yields nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The row cannot be had here.
    Unavailable(crate::Unavailable),
    /// A panic, a signal, or a build that does not know the protocol.
    Broke(Side, String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Unavailable(why) => write!(f, "{why}"),
            Fault::Broke(side, message) => write!(f, "the {side} broke: {message}"),
        }
    }
}
