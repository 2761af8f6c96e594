//! A line for each player, the vote changed by a swap as the document prints it: what the layout alone saves.

use super::line::{Board, Seat};
use super::{Limits, Voice, Votes};
use crate::sync::Ordering;

/// What it is, for the table.
pub const ABOUT: &str = "a line and a flag a player, votes swapped as documented";

/// The design as a contract.
pub struct OwnLineSwap;

/// A voice of a player.
pub struct Player(Seat);

impl Votes for OwnLineSwap {
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
        // Relaxed: the flag publishes the first vote. The load spares a duplicate the locked swap.
        let is_duplicate =
            line.vote.load(Ordering::Relaxed) == vote || line.vote.swap(vote, Ordering::Relaxed) == vote;
        let is_first = !line.is_committed();
        line.commit();
        is_first || !is_duplicate
    }
}
