//! Where the virtual cores of a case were: the line bounce around each batch. Who measures it is `control`.

use serde::{Deserialize, Serialize};

/// One-way cache-line bounce between the threads of a batch, which tells where the virtual cores were just then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounce {
    /// Right before the region.
    pub before_ns: f64,
    /// Right after it.
    pub after_ns: f64,
}

impl Bounce {
    /// One-way times above this are "far": on the machine where the two classes were measured, near is 24-60 ns and
    /// far 190-280 ns, with nothing between (anchors, "Placement first").
    pub const FAR_NS: f64 = 110.0;

    /// `n`ear, `f`ar, or `c`hanged in between.
    pub fn class(&self) -> char {
        match (self.before_ns > Self::FAR_NS, self.after_ns > Self::FAR_NS) {
            (false, false) => 'n',
            (true, true) => 'f',
            _ => 'c',
        }
    }
}
