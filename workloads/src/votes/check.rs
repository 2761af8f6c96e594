//! The one check of all boards: against a map of votes for player counts around every word's end, then with all players
//! voting at once.

use super::{Limits, Tally, Voice, Votes};
use crate::threads::{beside, together};
use perfbench_harness::stats::random::Random;
use perfbench_harness::{Broken, Setup, ensure};
use std::collections::BTreeMap;
use std::thread;

/// Around one bit, one line of votes, one word of bits and what a byte names.
const PLAYERS: [usize; 15] = [1, 2, 7, 8, 9, 63, 64, 65, 127, 128, 129, 192, 254, 255, 256];

/// The check, as far as the limits say.
///
/// # Errors
/// The first answer that the map does not give.
pub fn check<V: Votes>(setup: &Setup<'_>, limits: Limits) -> Result<(), Broken> {
    let few = if cfg!(miri) { 3 } else { PLAYERS.len() };
    for players in PLAYERS.into_iter().filter(|players| *players <= limits.players).take(few) {
        Round::<V>::open(players).vote(&mut Random::new(setup.seed), limits)?;
    }
    if limits.counts_a_first_zero {
        counts_a_first_zero::<V>()?;
    }
    is_complete_with_the_last_vote::<V>(setup.seed)
}

/// A board and what should have been voted.
struct Round<V: Votes> {
    voices: Vec<V::Voice>,
    tally: V::Tally,
    oracle: BTreeMap<usize, u64>,
}

impl<V: Votes> Round<V> {
    fn open(players: usize) -> Self {
        let (voices, tally) = V::open(players);
        Self { voices, tally, oracle: BTreeMap::new() }
    }

    /// Random players vote for one of a few values, so that duplicates and returns to an earlier vote come often; in the
    /// end those vote who have not yet, in order, so that every count of missing votes is seen.
    fn vote(&mut self, random: &mut Random, limits: Limits) -> Result<(), Broken> {
        let players = self.voices.len();
        let lowest = u64::from(!limits.counts_a_first_zero);
        for _ in 0..players * if cfg!(miri) { 2 } else { 8 } {
            // The second half alone, so that the first one is missing until the end.
            let player = players / 2 + random.below((players - players / 2) as u64) as usize;
            self.cast(player, [lowest, 1, 2, u64::MAX][random.below(4) as usize])?;
        }
        (0..players).rev().try_for_each(|player| self.cast(player, 1 + random.below(2)))?;
        ensure!(self.tally.is_complete(), "all of {players} have voted, and it is not complete");
        Ok(())
    }

    fn cast(&mut self, player: usize, vote: u64) -> Result<(), Broken> {
        let players = self.voices.len();
        let before = self.oracle.insert(player, vote);
        let changed = self.voices[player].record(vote);
        let expected = before != Some(vote);
        ensure!(changed == expected, "{players} players: {player} votes {vote} after {before:?}: {changed}");
        let came = self.tally.vote_of(player);
        ensure!(came == Some(vote), "{players} players: {player} voted {vote}, read is {came:?}");
        // Whoever votes next in order may be told to have voted only where that is so.
        let other = (player + players / 2) % players;
        let (came, known) = (self.tally.vote_of(other), self.oracle.get(&other).copied());
        ensure!(came == known, "{players} players: {other} voted {known:?}, read is {came:?}");
        let (complete, voted) = (self.tally.is_complete(), self.oracle.len());
        ensure!(complete == (voted == players), "{voted} of {players} have voted: complete is {complete}");
        Ok(())
    }
}

fn counts_a_first_zero<V: Votes>() -> Result<(), Broken> {
    let (mut voices, tally) = V::open(1);
    ensure!(voices[0].record(0), "a first vote of zero is taken for a duplicate");
    ensure!(tally.is_complete(), "a first vote of zero does not count");
    ensure!(!voices[0].record(0), "a second vote of zero is not taken for a duplicate");
    Ok(())
}

/// Every player votes on a thread, some repeatedly; whoever sees the round complete must see every last first vote.
fn is_complete_with_the_last_vote<V: Votes>(seed: u64) -> Result<(), Broken> {
    let rounds = if cfg!(miri) { 2 } else { 200 };
    (0..rounds).try_for_each(|round| race::<V>(4, seed ^ round))
}

fn race<V: Votes>(players: usize, seed: u64) -> Result<(), Broken> {
    let (voices, tally) = V::open(players);
    let vote = |(player, mut voice): (usize, V::Voice)| move || vote_twice(&mut voice, player as u64, seed);
    let count = || {
        while !tally.is_complete() {
            thread::yield_now();
        }
        for player in 0..players {
            let vote = tally.vote_of(player);
            let cast = [1, 2].map(|nth| Some(ballot(seed, player as u64, nth)));
            ensure!(cast.contains(&vote), "complete, and player {player}'s vote reads {vote:?}");
        }
        Ok(())
    };
    let (told, counted) = beside(|| together(voices.into_iter().enumerate().map(vote)), count);
    ensure!(
        told.iter().all(|right| *right),
        "a changed vote was taken for a duplicate, or a duplicate for a changed one"
    );
    counted
}

/// Votes, repeats it, changes it; whether all three were told right.
fn vote_twice(voice: &mut impl Voice, player: u64, seed: u64) -> bool {
    let told = [1, 1, 2].map(|nth| voice.record(ballot(seed, player, nth)));
    told == [true, false, true]
}

/// A vote that names the race, the player and which of the two it is; never zero.
fn ballot(seed: u64, player: u64, nth: u64) -> u64 {
    seed << 16 | player << 2 | nth
}
