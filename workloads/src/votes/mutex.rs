//! Votes, commitments and their number behind one lock.

use super::{Limits, Tally, Voice, Votes};
use std::sync::{Arc, Mutex, MutexGuard};

/// What it is, for the table.
pub const ABOUT: &str = "votes and their number behind one std mutex";

struct State {
    votes: Vec<Option<u64>>,
    committed: usize,
}

/// A handle on the board: the tally.
#[derive(Clone)]
pub struct Board(Arc<Mutex<State>>);

/// One player at the board.
pub struct Player {
    board: Board,
    player: usize,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nobody panics while voting")
    }
}

impl Votes for Board {
    const LIMITS: Limits = Limits::NONE;
    type Voice = Player;
    type Tally = Board;

    fn open(players: usize) -> (Vec<Player>, Board) {
        let board = Board(Arc::new(Mutex::new(State { votes: vec![None; players], committed: 0 })));
        let voice = |player| Player { board: board.clone(), player };
        ((0..players).map(voice).collect(), board)
    }
}

impl Voice for Player {
    #[inline(always)]
    fn record(&mut self, vote: u64) -> bool {
        let mut state = self.board.lock();
        let before = state.votes[self.player].replace(vote);
        state.committed += usize::from(before.is_none());
        before != Some(vote)
    }
}

impl Tally for Board {
    #[inline(always)]
    fn is_complete(&self) -> bool {
        let state = self.lock();
        state.committed == state.votes.len()
    }

    fn vote_of(&self, player: usize) -> Option<u64> {
        self.lock().votes[player]
    }
}
