//! Two players vote while the tally is read.

use crate::survivors;
use perfbench_workloads::votes::documented::Documented;
use perfbench_workloads::votes::own_line::OwnLine;
use perfbench_workloads::votes::own_line_swap::OwnLineSwap;
use perfbench_workloads::votes::repaired::Repaired;
use perfbench_workloads::votes::{Tally, Voice, Votes};

/// Whoever sees the round complete, or one player committed, sees the votes.
fn shows_the_votes_that_it_counts<V: Votes>() {
    loom::model(|| {
        let (mut voices, tally) = V::open(2);
        let mut second = voices.pop().unwrap();
        let mut first = voices.pop().unwrap();
        let voting = loom::thread::spawn(move || {
            assert!(second.record(5));
            assert!(!second.record(5));
        });
        let other = tally.clone();
        let reading = loom::thread::spawn(move || {
            if other.is_complete() {
                assert_eq!([0, 1].map(|player| other.vote_of(player)), [Some(4), Some(5)]);
            }
            assert!([None, Some(5)].contains(&other.vote_of(1)));
        });
        assert!(first.record(4));
        voting.join().unwrap();
        reading.join().unwrap();
        assert!(tally.is_complete());
    });
}

#[test]
fn votes_are_shown_once_they_are_counted() {
    shows_the_votes_that_it_counts::<Documented>();
    shows_the_votes_that_it_counts::<Repaired>();
    shows_the_votes_that_it_counts::<OwnLineSwap>();
    shows_the_votes_that_it_counts::<OwnLine>();
}

#[test]
fn votes_of_the_repaired_and_of_own_lines_need_each_of_their_orderings() {
    assert_eq!(survivors(shows_the_votes_that_it_counts::<Repaired>), (2, Vec::new()));
    assert_eq!(survivors(shows_the_votes_that_it_counts::<OwnLineSwap>), (2, Vec::new()));
    assert_eq!(survivors(shows_the_votes_that_it_counts::<OwnLine>), (2, Vec::new()));
}

/// The document prints sequential consistency for both; the votes need none of the swap's, and of the `fetch_or`'s only
/// Release, so one step weaker is missed by nobody. They stay as printed: it is the documented design.
#[test]
fn votes_as_documented_are_ordered_more_than_they_need() {
    let (sites, survivors) = survivors(shows_the_votes_that_it_counts::<Documented>);
    assert_eq!((sites, survivors.len()), (3, 2), "{survivors:?}");
    assert!(survivors.iter().all(|survivor| survivor.ends_with("SeqCst as AcqRel")), "{survivors:?}");
}
