//! Votes of a round's players (document 000's consensus): contract, table, and what is timed. The check is in `check`.

pub mod check;
pub mod documented;
pub mod line;
pub mod mutex;
pub mod own_line;
pub mod own_line_swap;
pub mod repaired;

use perfbench_harness::case::{Case, fleet, pair, solo};
use perfbench_harness::{Bound, Isa, Point, Role, Setup, Suite, Unavailable, Variant, Workload};

/// A board on which players vote, made as one voice for each of them and a tally. A voice is not `Clone`, so the type holds
/// that a player's votes come one after the other; different players vote at once.
pub trait Votes: 'static {
    /// What the design cannot do.
    const LIMITS: Limits;
    /// Votes for one player.
    type Voice: Voice + Send + 'static;
    /// Reads what was voted.
    type Tally: Tally + Clone + Send + 'static;

    /// An empty board for `players`, their voices in order.
    fn open(players: usize) -> (Vec<Self::Voice>, Self::Tally);
}

/// One player.
pub trait Voice {
    /// Records a vote; false where it is the player's last one again.
    fn record(&mut self, vote: u64) -> bool;
}

/// A reader of the board.
pub trait Tally {
    /// Whether every player has voted; then every player's vote can be read.
    fn is_complete(&self) -> bool;

    /// A player's latest vote, none before the first.
    fn vote_of(&self, player: usize) -> Option<u64>;
}

/// How far a design keeps the contract.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most players that are told apart.
    pub players: usize,
    /// Whether a first vote of zero counts.
    pub counts_a_first_zero: bool,
}

impl Limits {
    /// All of it, for as many players as a byte names.
    pub const NONE: Limits = Limits { players: 256, counts_a_first_zero: true };
}

/// Players of every board that is timed: as many as the documented one tells apart.
const PLAYERS: usize = 64;

const fn point(name: &'static str, about: &'static str, cpus: usize, suite: Suite) -> Point {
    let bound = Ok(Bound {
        limit: "clock_add",
        times: 1.0,
        why: "a vote is at best a load, a comparison and a store to a line that no other core wants",
    });
    Point { name, about, unit_of_work: "vote", size: PLAYERS as u64, cpus, bound, latency: false, suite }
}

/// The boards.
pub static WORKLOAD: Workload = Workload {
    name: "votes",
    about: "What does a vote cost while other players vote, and how much of it is layout?",
    source: "000",
    points: &[
        point(
            "two_threads",
            "players 0 and 1 each change their vote on a thread of their own",
            2,
            Suite::Default,
        ),
        point("alone", "player 0 changes the vote, nobody else votes", 1, Suite::Full),
        point("duplicate", "players 0 and 1 each repeat their vote on a thread of their own", 2, Suite::Full),
        Point {
            unit_of_work: "look",
            bound: Err("a look at lines that stay away from their writer costs nothing that a limit names"),
            ..point(
                "complete",
                "ask whether all 64 have voted while another thread changes the last one's vote",
                2,
                Suite::Full,
            )
        },
    ],
    variants: &[
        variant::<documented::Documented>("documented", documented::ABOUT, Role::Documented),
        variant::<mutex::Board>("mutex", mutex::ABOUT, Role::Baseline),
        variant::<repaired::Repaired>("repaired", repaired::ABOUT, Role::Optimised),
        variant::<own_line_swap::OwnLineSwap>("own_line_swap", own_line_swap::ABOUT, Role::Optimised),
        variant::<own_line::OwnLine>("own_line", own_line::ABOUT, Role::Optimised),
    ],
};

const fn variant<V: Votes>(name: &'static str, about: &'static str, role: Role) -> Variant {
    Variant {
        name,
        about,
        role,
        suite: Suite::Default,
        needs: Isa::NONE,
        build: build::<V>,
        check: |setup| check::check::<V>(setup, V::LIMITS),
    }
}

/// Votes anew each time: never zero, and never the one before.
#[inline(always)]
fn change(mut voice: impl Voice) -> impl FnMut(u64) -> u64 {
    let mut vote = 0;
    move |_| {
        vote += 1;
        u64::from(voice.record(vote))
    }
}

fn build<V: Votes>(setup: &Setup<'_>) -> Result<Box<dyn Case>, Unavailable> {
    let (mut voices, tally) = V::open(PLAYERS);
    let cpus = || setup.cpu_pair();
    match setup.point.name {
        "alone" => Ok(solo(change(voices.swap_remove(0)))),
        "two_threads" => {
            voices.truncate(2);
            Ok(fleet(&cpus()?, voices.into_iter().map(change)))
        }
        "duplicate" => {
            voices.truncate(2);
            let repeat = |mut voice: V::Voice| move |_| u64::from(voice.record(7));
            Ok(fleet(&cpus()?, voices.into_iter().map(repeat)))
        }
        _ => {
            voices.iter_mut().for_each(|voice| assert!(voice.record(7), "a first vote counts"));
            let last = voices.pop().expect("there are players");
            Ok(pair(cpus()?, 1.0, move |_| u64::from(tally.is_complete()), change(last)))
        }
    }
}

#[cfg(test)]
mod tests;
