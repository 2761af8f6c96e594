//! One side of a contest inside its own process: builds the case of one row and times slots of it on command. Who
//! alternates the two sides is `processes`.

use crate::case::{Bounce, Case};
use crate::clock::Clock;
use crate::unavailable::Unavailable;
use crate::worker::{self, Bench, Done, Job};
use serde::{Deserialize, Serialize};
use std::hint::black_box;

/// Version of what the two processes say to each other; a base of another version cannot be alternated with.
pub const PROTOCOL: u32 = 1;

/// What a side is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Build the case, or build it again at another place of the heap.
    Build {
        /// Bytes taken from the heap before, so that the case lies elsewhere.
        displace_bytes: u64,
    },
    /// Time a slot.
    Slot(Slot),
}

/// A few batches without a pause between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Operations in a batch.
    pub ops: u64,
    /// Batches run before, untimed.
    pub warm: u32,
    /// Batches timed.
    pub samples: u32,
    /// How deep in the stack, in steps of some hundred bytes.
    pub depth: u32,
}

/// What a side answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The case is built.
    Ready {
        /// [`PROTOCOL`] of this build.
        protocol: u32,
    },
    /// The slot's batches.
    Timed {
        /// Time per unit of work of each batch.
        samples_ns: Vec<f64>,
        /// Line bounce around each batch, where two cores take part.
        bounces: Vec<Bounce>,
    },
    /// The row cannot be had here.
    Unavailable(Unavailable),
    /// A panic.
    Broke(String),
}

/// Serves commands until there are no more.
pub(crate) fn serve(
    bench: &Bench<'_>,
    commands: &mut dyn Iterator<Item = Command>,
    answer: &mut dyn FnMut(Answer),
) {
    let mut case = None;
    for command in commands {
        let told = worker::guarded(|| match (command, &mut case) {
            (Command::Build { displace_bytes }, case) => {
                drop(case.take());
                let displaced: Vec<u8> = Vec::with_capacity(displace_bytes as usize);
                *case = Some((bench.build_only()?, black_box(displaced)));
                Ok(Answer::Ready { protocol: PROTOCOL })
            }
            (Command::Slot(slot), Some((case, _))) => {
                Ok(at_depth(slot.depth, &mut || timed(case.as_mut(), &bench.clock, &slot)))
            }
            (Command::Slot(_), None) => {
                Err(worker::Fault::Broke("a slot was asked for before a build".into()))
            }
        });
        answer(told.unwrap_or_else(Answer::from));
    }
}

impl From<worker::Fault> for Answer {
    fn from(fault: worker::Fault) -> Self {
        match Done::from(fault) {
            Done::Unavailable(unavailable) => Answer::Unavailable(unavailable),
            Done::Broke(message) => Answer::Broke(message),
            _ => unreachable!("a fault is one of these"),
        }
    }
}

fn timed(case: &mut dyn Case, clock: &Clock, slot: &Slot) -> Answer {
    let units = slot.ops as f64 * case.units_per_op();
    for _ in 0..slot.warm {
        case.batch(slot.ops, clock);
    }
    let batches: Vec<_> = (0..slot.samples).map(|_| case.batch(slot.ops, clock)).collect();
    Answer::Timed {
        samples_ns: batches.iter().map(|batch| batch.ns_per_unit(units)).collect(),
        bounces: batches.iter().filter_map(|batch| batch.bounce).collect(),
    }
}

/// Runs `work` with `depth` frames below it, each of 128 bytes or more: where the stack lies decides what it shares
/// cache sets and page offsets with.
#[inline(never)]
fn at_depth<R>(depth: u32, work: &mut dyn FnMut() -> R) -> R {
    if depth == 0 {
        return work();
    }
    let frame = black_box([0u8; 128]);
    let result = at_depth(depth - 1, work);
    black_box(&frame);
    result
}

/// What the parent sends first: the row, its inputs and the clock.
pub type Order = Job;
