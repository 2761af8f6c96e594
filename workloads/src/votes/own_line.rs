//! A line for each player, written by that player's voice alone: a plain load tells a duplicate, a plain store changes the
//! vote, and nothing is locked, because the type allows one voice a player.

use super::line::{Board, Seat};
use super::{Limits, Voice, Votes};
use crate::sync::Ordering;

/// What it is, for the table.
pub const ABOUT: &str = "a line and a flag a player, one voice each: plain stores";

/// The design as a contract.
pub struct OwnLine;

/// The only voice of a player.
pub struct Player(Seat);

impl Votes for OwnLine {
    const LIMITS: Limits = Limits::NONE;
    type Voice = Player;
    type Tally = Board;

    fn open(players: usize) -> (Vec<Player>, Board) {
        let board = Board::new(players);
        (Seat::all(&board).into_iter().map(Player).collect(), board)
    }
}

impl Voice for Player {
    #[inline(always)]
    fn record(&mut self, vote: u64) -> bool {
        let line = self.0.line();
        // Relaxed: only this voice writes the line; the flag publishes the first vote.
        if line.vote.load(Ordering::Relaxed) == vote && line.is_committed() {
            return false;
        }
        line.vote.store(vote, Ordering::Relaxed);
        line.commit();
        true
    }
}
