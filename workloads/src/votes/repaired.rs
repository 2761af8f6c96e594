//! The documented board made right with its layout kept: as many words of commitment bits as the players need, a first vote
//! that counts whatever it is, and no more ordering than is used.

use super::{Limits, Tally, Voice, Votes};
use crate::sync::{Arc, AtomicU64, Ordering};

/// What it is, for the table.
pub const ABOUT: &str = "the documented layout with bits for every player";

struct Board {
    votes: Box<[AtomicU64]>,
    commitment: Box<[AtomicU64]>,
}

/// The repaired design as a contract.
pub struct Repaired;

/// One player at the board.
pub struct Player {
    board: Arc<Board>,
    player: usize,
}

/// Reads the commitment words.
#[derive(Clone)]
pub struct Reader(Arc<Board>);

fn zeros(words: usize) -> Box<[AtomicU64]> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}

impl Votes for Repaired {
    const LIMITS: Limits = Limits::NONE;
    type Voice = Player;
    type Tally = Reader;

    fn open(players: usize) -> (Vec<Player>, Reader) {
        let board = Arc::new(Board { votes: zeros(players), commitment: zeros(players.div_ceil(64)) });
        let voice = |player| Player { board: board.clone(), player };
        ((0..players).map(voice).collect(), Reader(board))
    }
}

impl Voice for Player {
    #[inline(always)]
    fn record(&mut self, vote: u64) -> bool {
        let (word, bit) = (&self.board.commitment[self.player / 64], 1 << (self.player % 64));
        // Relaxed: the commitment below publishes the vote.
        let is_another = self.board.votes[self.player].swap(vote, Ordering::Relaxed) != vote;
        // Relaxed: only this voice sets the bit.
        let is_first = word.load(Ordering::Relaxed) & bit == 0;
        if is_another || is_first {
            // Release: the vote is there before the bit; pairs with the Acquire load of `vote_of`.
            word.fetch_or(bit, Ordering::Release);
        }
        is_another || is_first
    }
}

impl Tally for Reader {
    #[inline(always)]
    fn is_complete(&self) -> bool {
        let players = self.0.votes.len();
        let all =
            |index: usize| if (index + 1) * 64 <= players { u64::MAX } else { (1 << (players % 64)) - 1 };
        // Relaxed: whoever then reads a vote takes it over by that read.
        self.0.commitment.iter().enumerate().all(|(index, word)| word.load(Ordering::Relaxed) == all(index))
    }

    fn vote_of(&self, player: usize) -> Option<u64> {
        // Acquire shows the vote of whoever has a bit; pairs with the Release `fetch_or` of `record`.
        let bits = self.0.commitment[player / 64].load(Ordering::Acquire);
        (bits >> (player % 64) & 1 == 1).then(|| self.0.votes[player].load(Ordering::Relaxed))
    }
}
