//! Pools of objects in shared memory, lent by number (document 003): contract, table and what is timed. Pools of one
//! process, which lend by pointer, are in `object_pool`.

pub mod check;
pub mod free_list;
pub mod magazine;
pub mod named;
mod slots;
pub mod tagged;
pub mod untagged;

pub use slots::{OBJECT_WORDS, Object, Shared, mapped, on_heap};

use crate::roll::Census;
use crate::shm::Identity;
use perfbench_harness::case::{Body, Case, Fact, fleet, processes, solo};
use perfbench_harness::{Bound, Broken, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};
use std::fmt;

/// Objects of a pool that is timed.
pub const CAPACITY: usize = 1024;

/// One participant of a pool. Numbers pass freely between processes; what they name is lent to one process at a time.
pub trait Pool: Sized + Send + 'static {
    /// Whether the pool sees that a number is given back twice, or by a process that has not got it.
    const SEES_MISUSE: bool = true;

    /// What tells its memory from that of other kinds.
    const KIND: u64;

    /// The first participant of a fresh pool.
    fn first(memory: Shared, who: Identity, alive: Census) -> Self;

    /// One more participant. A handle belongs to the process that made it.
    fn another(&self, who: Identity) -> Self;

    /// Lends an object that nobody has; none where all are lent, or kept by others.
    fn take(&mut self) -> Option<u32>;

    /// Takes an object back.
    ///
    /// # Errors
    /// What is wrong with the number; the pool is as it was.
    fn give(&mut self, number: u32) -> Result<(), Misuse>;

    /// Takes back what killed processes had; how many objects it was.
    fn recover(&mut self) -> usize;

    /// An object by its number.
    ///
    /// # Panics
    /// Where there is no such object.
    fn object(&self, number: u32) -> &Object;
}

/// What is wrong with a number that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misuse {
    /// The pool has no such object.
    Unknown,
    /// It is not lent: given back twice, or never taken.
    NotLent,
    /// Another process has it.
    Foreign(Identity),
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misuse::Unknown => write!(f, "the pool has no such object: give back what was taken from it"),
            Misuse::NotLent => write!(f, "the object is not lent: give each back once"),
            Misuse::Foreign(who) => {
                write!(f, "process {} has the object: let that one give it back", who.pid)
            }
        }
    }
}

impl std::error::Error for Misuse {}

/// Pools of one mapping, whose numbers any process may hold.
pub static WORKLOAD: Workload = Workload {
    name: "shm_object_pool",
    about: "What does an object out of shared memory cost, and does a pool survive contenders and kills?",
    source: "003",
    points: &[
        point("alone", "take an object, write it, give it back", 1, Suite::Default),
        point("two_threads", "the same by two threads at once", 2, Suite::Default),
        point("two_processes", "the same by two processes at once", 2, Suite::Full),
    ],
    variants: &[
        Variant {
            suite: Suite::Full,
            check: check_alone::<untagged::Untagged>,
            ..variant::<untagged::Untagged>("untagged", untagged::ABOUT, Role::Documented)
        },
        variant::<tagged::Tagged>("tagged", tagged::ABOUT, Role::Documented),
        variant::<magazine::Magazine>("magazine", magazine::ABOUT, Role::Optimised),
    ],
};

const fn point(name: &'static str, about: &'static str, cpus: usize, suite: Suite) -> Point {
    let bound = Bound {
        limit: "l1_latency",
        times: 1.0,
        why: "whoever takes an object reads who had it last, at best in its own first cache",
    };
    Point {
        name,
        about,
        unit_of_work: "take+give",
        size: CAPACITY as u64,
        cpus,
        bound: Ok(bound),
        latency: false,
        suite,
    }
}

const fn variant<P: Pool>(name: &'static str, about: &'static str, role: Role) -> Variant {
    let check: fn(&Setup<'_>) -> _ = check::shared::<P>;
    Variant { name, about, role, suite: Suite::Default, needs: Isa::NONE, build: build::<P>, check }
}

/// The printed list hands an object out twice to contenders, which `tests` show: it is held to what it does alone.
fn check_alone<P: Pool>(setup: &Setup<'_>) -> Result<(), Broken> {
    check::agrees_with_a_set::<P>(setup.seed)
}

fn build<P: Pool>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let first = P::first(mapped(CAPACITY)?, Identity::own(), Identity::is_alive);
    let second = first.another(Identity::own());
    match setup.point.name {
        "alone" => Ok(solo(Borrower { pool: first, contend: false })),
        "two_threads" => {
            let bodies = [first, second].map(|pool| Borrower { pool, contend: true });
            Ok(fleet(&setup.cpu_pair()?, bodies))
        }
        _ => {
            let [leader, follower] = [first, second].map(|pool| Borrower { pool, contend: false });
            processes(setup.cpu_pair()?, 1.0, leader, follower)
        }
    }
}

/// Takes an object, writes its first word, gives it back.
struct Borrower<P> {
    pool: P,
    contend: bool,
}

impl<P: Pool> Body for Borrower<P> {
    #[inline(always)]
    fn op(&mut self, i: u64) -> u64 {
        // A corrupted list may have run dry: its row goes on, and its facts say why it should not be used.
        if let Some(number) = self.pool.take() {
            self.pool.object(number).write(0, i);
            let _ = self.pool.give(number);
        }
        i
    }

    fn facts(&mut self) -> Vec<Fact> {
        if !self.contend {
            return Vec::new();
        }
        let found = check::contend::<P>(check::ROUNDS);
        vec![
            Fact::new("lost_handles", "handles", found.lost as f64),
            Fact::new("duplicated_handles", "handles", found.doubled as f64),
            Fact::new("lost_or_duplicated_handles", "handles", (found.lost + found.doubled) as f64),
        ]
    }
}

#[cfg(test)]
mod tests;
