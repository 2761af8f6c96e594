//! Document 000's board as printed: votes in adjacent words, a swap for each, and one shared word of commitment bits, all
//! sequentially consistent. The printed shift by the player's number panics past 63 in a debug build and wraps in a release
//! build; here it wraps in both. A first vote of zero is taken for a duplicate. `repaired` has neither fault.

use super::{Limits, Tally, Voice, Votes};
use crate::sync::{Arc, AtomicU64, Ordering};

/// What it is, for the table.
pub const ABOUT: &str = "adjacent votes, swap and one shared word of bits";

/// As many as the printed player number, a byte, can name.
const MOST_PLAYERS: usize = if cfg!(loom) { 2 } else { 256 };

/// The board: round, votes and commitment in one block.
#[repr(C, align(64))]
pub struct Board {
    round: AtomicU64,
    votes: [AtomicU64; MOST_PLAYERS],
    commitment: AtomicU64,
}

impl Board {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { round: zero(), votes: std::array::from_fn(|_| zero()), commitment: zero() }
    }

    /// Records a vote; whether it is another than the one before, which a first vote of zero is not.
    #[inline(always)]
    pub fn record_vote(&self, player: u8, vote: u64) -> bool {
        // SeqCst as printed; Release and Acquire would do, which the model of this board shows.
        let old = self.votes[usize::from(player)].swap(vote, Ordering::SeqCst);
        if old == vote {
            return false;
        }
        self.commitment.fetch_or(1u64.wrapping_shl(player.into()), Ordering::SeqCst);
        true
    }

    /// The round that is voted on; nothing printed ever changes it.
    pub fn round(&self) -> u64 {
        self.round.load(Ordering::Relaxed)
    }
}

/// The printed design as a contract.
pub struct Documented;

/// One player at the board.
pub struct Player {
    board: Arc<Board>,
    player: u8,
}

/// Reads the commitment word.
#[derive(Clone)]
pub struct Reader {
    board: Arc<Board>,
    players: usize,
}

impl Votes for Documented {
    const LIMITS: Limits = Limits { players: 64, counts_a_first_zero: false };
    type Voice = Player;
    type Tally = Reader;

    fn open(players: usize) -> (Vec<Player>, Reader) {
        assert!(players <= MOST_PLAYERS, "a player's number is a byte");
        let board = Arc::new(Board::new());
        let voice = |player| Player { board: board.clone(), player: player as u8 };
        ((0..players).map(voice).collect(), Reader { board, players })
    }
}

impl Voice for Player {
    #[inline(always)]
    fn record(&mut self, vote: u64) -> bool {
        self.board.record_vote(self.player, vote)
    }
}

impl Reader {
    fn has_committed(&self, player: usize) -> bool {
        // Acquire shows the votes of whoever has a bit; pairs with the `fetch_or` in `record_vote`.
        self.board.commitment.load(Ordering::Acquire) >> (player % 64) & 1 == 1
    }
}

impl Tally for Reader {
    /// Whether every bit is set that the players can have: past 64 of them each bit stands for several.
    #[inline(always)]
    fn is_complete(&self) -> bool {
        let all = if self.players < 64 { (1 << self.players) - 1 } else { u64::MAX };
        // Relaxed: whoever then reads a vote takes it over by that read.
        self.board.commitment.load(Ordering::Relaxed) == all
    }

    fn vote_of(&self, player: usize) -> Option<u64> {
        self.has_committed(player).then(|| self.board.votes[player].load(Ordering::Relaxed))
    }
}
