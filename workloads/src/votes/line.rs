//! A board with a cache line for each player, on which lie the vote and whether there is one; whoever asks for the commitment
//! looks at every line. How a vote gets there is the variants' affair (`own_line`, `own_line_swap`).

use super::Tally;
use crate::sync::{AtomicU64, Ordering};
use std::sync::Arc;

/// A player's vote and whether it was ever cast, alone on two lines of 64 bytes, because some CPUs fetch lines in pairs.
#[repr(C, align(128))]
pub struct Line {
    /// The latest vote.
    pub vote: AtomicU64,
    /// 1 as soon as there is one.
    pub committed: AtomicU64,
}

#[cfg(not(loom))]
const _: () = assert!(size_of::<Line>() == 128);

/// The lines of all players: the tally.
#[derive(Clone)]
pub struct Board(Arc<[Line]>);

impl Board {
    /// A board on which nobody has voted.
    pub fn new(players: usize) -> Self {
        let empty = |_| Line { vote: AtomicU64::new(0), committed: AtomicU64::new(0) };
        Self((0..players).map(empty).collect::<Vec<_>>().into())
    }
}

/// One player at a board, and the only one who writes that line.
pub struct Seat {
    board: Board,
    player: usize,
}

impl Seat {
    /// A seat for every player, one each.
    pub fn all(board: &Board) -> Vec<Self> {
        (0..board.0.len()).map(|player| Self { board: board.clone(), player }).collect()
    }

    /// The player's line.
    #[inline(always)]
    pub fn line(&self) -> &Line {
        &self.board.0[self.player]
    }
}

impl Line {
    /// Whether the player had voted; only for the seat itself, which alone sets the flag.
    #[inline(always)]
    pub fn is_committed(&self) -> bool {
        self.committed.load(Ordering::Relaxed) == 1
    }

    /// Sets the flag, where it is not set yet.
    #[inline(always)]
    pub fn commit(&self) {
        if !self.is_committed() {
            // Release: the vote is there before the flag; pairs with the Acquire load of `vote_of`.
            self.committed.store(1, Ordering::Release);
        }
    }
}

impl Tally for Board {
    #[inline(always)]
    fn is_complete(&self) -> bool {
        // Relaxed: whoever then reads a vote takes it over by that read.
        self.0.iter().all(|line| line.committed.load(Ordering::Relaxed) == 1)
    }

    fn vote_of(&self, player: usize) -> Option<u64> {
        let line = &self.0[player];
        // Acquire shows the vote of whoever has committed; pairs with the Release store in `commit`.
        (line.committed.load(Ordering::Acquire) == 1).then(|| line.vote.load(Ordering::Relaxed))
    }
}
