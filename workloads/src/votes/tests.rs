//! What every board promises, which promises the documented one breaks, and that the check notices faults.

use super::documented::{Board, Documented};
use super::*;
use crate::testing::{every_variant_is_checked_and_runs, with_setup};
use perfbench_harness::Broken;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

#[test]
fn every_variant_keeps_the_contract_within_its_limits() {
    every_variant_is_checked_and_runs(&WORKLOAD);
}

fn check_within<V: Votes>(limits: Limits) -> Result<(), Broken> {
    with_setup(&WORKLOAD.points[0], Isa::NONE, |setup| check::check::<V>(setup, limits))
}

#[cfg(not(miri))]
#[test]
fn the_documented_board_takes_player_64_for_player_0() {
    let (mut voices, tally) = Documented::open(128);
    assert!(voices[64].record(7));
    assert_eq!(tally.vote_of(0), Some(0), "player 0 never voted");
    voices[65..].iter_mut().for_each(|voice| assert!(voice.record(7)));
    assert!(tally.is_complete(), "64 of 128 players make it complete");
    let beyond = Limits { players: 65, ..Documented::LIMITS };
    assert!(check_within::<Documented>(beyond).unwrap_err().0.starts_with("65 players"));
}

/// What is printed is a plain shift: the debug build's panic and the release build's wrap are both the language's.
#[test]
fn the_printed_shift_overflows_past_63() {
    assert_eq!(1u64.checked_shl(64), None);
    assert_eq!(1u64.wrapping_shl(64), 1);
}

#[test]
fn the_documented_board_takes_a_first_vote_of_zero_for_a_duplicate() {
    let (mut voices, tally) = Documented::open(1);
    assert!(!voices[0].record(0));
    assert!(!tally.is_complete());
    let with_zero = Limits { counts_a_first_zero: true, ..Documented::LIMITS };
    assert!(check_within::<Documented>(with_zero).is_err());
}

#[test]
fn the_documented_board_has_eight_players_on_a_line() {
    assert_eq!(align_of::<Board>(), 64);
    assert_eq!(
        size_of::<Board>(),
        (258 * 8_usize).next_multiple_of(64),
        "round, votes and commitment, packed"
    );
    assert_eq!(size_of::<line::Line>(), 128);
}

/// A board behind a lock that keeps its promise but for one fault.
struct Faulty<const FAULT: char>;

type Shared = Arc<Mutex<BTreeMap<usize, u64>>>;

struct Player<const FAULT: char>(Shared, usize);

#[derive(Clone)]
struct Reader<const FAULT: char>(Shared, usize);

impl<const FAULT: char> Votes for Faulty<FAULT> {
    const LIMITS: Limits = Limits::NONE;
    type Voice = Player<FAULT>;
    type Tally = Reader<FAULT>;

    fn open(players: usize) -> (Vec<Player<FAULT>>, Reader<FAULT>) {
        let votes = Shared::default();
        let voices = (0..players).map(|player| Player(votes.clone(), player)).collect();
        (voices, Reader(votes, players))
    }
}

impl<const FAULT: char> Voice for Player<FAULT> {
    fn record(&mut self, vote: u64) -> bool {
        let mut votes = self.0.lock().unwrap();
        let before = votes.insert(self.1, vote);
        match FAULT {
            'd' => true,
            'z' => before.unwrap_or(0) != vote,
            'l' if self.1 == 200 => votes.remove(&200).is_some(),
            _ => before != Some(vote),
        }
    }
}

impl<const FAULT: char> Tally for Reader<FAULT> {
    fn is_complete(&self) -> bool {
        self.0.lock().unwrap().len() + usize::from(FAULT == 'e') >= self.1
    }

    fn vote_of(&self, player: usize) -> Option<u64> {
        let votes = self.0.lock().unwrap();
        if FAULT == 'o' { votes.values().next().copied() } else { votes.get(&player).copied() }
    }
}

#[test]
fn the_check_finds_votes_that_are_lost_mixed_up_or_counted_too_soon() {
    assert_eq!(check_within::<Faulty<' '>>(Limits::NONE), Ok(()));
    let found = [
        check_within::<Faulty<'d'>>(Limits::NONE),
        check_within::<Faulty<'z'>>(Limits::NONE),
        check_within::<Faulty<'e'>>(Limits::NONE),
        check_within::<Faulty<'o'>>(Limits::NONE),
    ];
    assert!(found.iter().all(Result::is_err), "{found:?}");
    #[cfg(not(miri))]
    assert!(check_within::<Faulty<'l'>>(Limits::NONE).is_err());
}
