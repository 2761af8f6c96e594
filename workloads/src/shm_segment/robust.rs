//! The segment of `crate::shm`: participants known by number and start time, all changes under the file's lock.

use super::{LAYOUT, Life};
use crate::shm::{Identity, Segment};
use perfbench_harness::case::{Case, solo};
use perfbench_harness::{Reason, Unavailable};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

/// What it is, for the table.
pub const ABOUT: &str = "participants by process number and start time, under the file's lock";

impl Life for Segment {
    fn join(name: &str, payload_bytes: u64) -> Result<Self, Unavailable> {
        Ok(Segment::create_or_open(name, payload_bytes, LAYOUT)?)
    }

    fn mark(&self) -> u64 {
        let word = self.place::<AtomicU64>(0, 1).expect("the payload holds a word");
        // SAFETY: the word lies in the payload of a segment that outlives the reference; every pattern is a number.
        let word = unsafe { word.as_ref() };
        // Relaxed: marks are only counted.
        word.fetch_add(1, Ordering::Relaxed)
    }

    fn leave(self) {
        let left = Segment::leave(self);
        debug_assert!(left.is_ok(), "{left:?}");
    }

    fn recovering(name: &str, payload_bytes: u64) -> Result<Box<dyn Case>, Unavailable> {
        let (segment, dead) = (Self::join(name, payload_bytes)?, dead()?);
        Ok(solo(move |_| {
            segment.sign_for(dead);
            segment.recover().map_or(0, |struck| struck as u64)
        }))
    }
}

/// A process that is no more.
fn dead() -> Result<Identity, Unavailable> {
    let failed = |error: std::io::Error| Unavailable::new(Reason::Unsupported, format!("a child: {error}"));
    let nothing = || Stdio::null();
    let mut child = Command::new("/proc/self/exe")
        .arg("--version")
        .stdin(nothing())
        .stdout(nothing())
        .stderr(nothing())
        .spawn()
        .map_err(failed)?;
    let identity = Identity { pid: child.id(), start_ticks: 1 };
    let _ = child.kill();
    child.wait().map_err(failed)?;
    Ok(identity)
}
