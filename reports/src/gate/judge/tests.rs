//! Every kind of contest and the verdict it must get.

use super::*;
use crate::gate::fixture::{self, compared, contest, count, header, timed, trial};
use crate::gate::sentences::headline;
use perfbench_harness::stats::Interval;

fn verdict(contests: &[Contest], variant: &str) -> (Verdict, String) {
    let gate = judge(&header(), contests);
    let row = gate.rows.iter().find(|row| row.key.ends_with(&format!("/{variant}"))).unwrap();
    (row.verdict, row.reason.clone())
}

fn slower(p: f64) -> Contest {
    let again = trial(1.05, 0.01, Decision::Slower, p);
    timed("x", compared(10.0, trial(1.05, 0.01, Decision::Slower, 1e-9), Some(again)))
}

fn same() -> Contest {
    timed("y", compared(10.0, trial(1.0, 0.005, Decision::Same, 0.5), None))
}

#[test]
fn every_kind_of_contest_gets_its_verdict() {
    use Verdict::{Broke, Faster, Same, Slower, Unavailable, Unchanged, Unresolved};
    let expected = [
        ("same", Same),
        ("gain_not_excluded", Same),
        ("slower", Slower),
        ("slower_by_chance", Unresolved),
        ("not_repeated", Unresolved),
        ("not_confirmed", Unresolved),
        ("faster", Faster),
        ("unresolved", Unresolved),
        ("wandering_cores", Same),
        ("one_more_allocation", Slower),
        ("one_fewer_allocation", Same),
        ("unchanged", Unchanged),
        ("unchanged_yet_timed", Unchanged),
        ("unavailable", Unavailable),
        ("broke", Broke),
    ];
    for (variant, expected) in expected {
        assert_eq!(verdict(&fixture::contests(), variant).0, expected, "{variant}");
    }
}

#[test]
fn a_repetition_must_clear_what_all_the_rows_of_the_suite_would_say_by_chance() {
    for (rows, p, expected) in [
        (1, 0.009, Verdict::Slower),
        (2, 0.009, Verdict::Unresolved),
        (2, 0.004, Verdict::Slower),
        (100, 0.004, Verdict::Unresolved),
        (100, 0.00009, Verdict::Slower),
    ] {
        let mut contests = vec![slower(p)];
        contests.extend(std::iter::repeat_with(same).take(rows - 1));
        assert_eq!(verdict(&contests, "x").0, expected, "{rows} rows, p {p}");
    }
}

#[test]
fn rows_that_time_cannot_call_slower_do_not_raise_the_bar() {
    let unchanged = contest("u", Outcome::Unchanged { code: "0".into(), counts: vec![] });
    let contests: Vec<Contest> =
        std::iter::once(slower(0.009)).chain(std::iter::repeat_n(unchanged, 99)).collect();
    assert_eq!(verdict(&contests, "x").0, Verdict::Slower);
}

#[test]
fn a_p_value_that_is_no_number_calls_nothing_slower() {
    assert_eq!(verdict(&[slower(f64::NAN)], "x").0, Verdict::Unresolved);
}

#[test]
fn a_count_that_grew_is_slower_even_in_unchanged_code_and_one_that_shrank_is_said() {
    let unchanged = |base, candidate| {
        contest(
            "u",
            Outcome::Unchanged { code: "0".into(), counts: vec![count("allocations", base, candidate)] },
        )
    };
    let (verdict_grown, reason) = verdict(&[unchanged(1.0, 2.0)], "u");
    assert_eq!(verdict_grown, Verdict::Slower);
    assert!(reason.starts_with("allocations 1 before, 2 now"), "{reason}");
    let gate = judge(&header(), &[unchanged(2.0, 1.0)]);
    assert_eq!(
        (gate.rows[0].verdict, &gate.rows[0].notes[..]),
        (Verdict::Unchanged, &["allocations 2 before, 1 now".to_owned()][..])
    );
}

#[test]
fn shares_of_one_whole_number_are_one_count() {
    let third = |ops: f64| (ops * 3.0 + 1.0 - 1.0) / ops;
    let pair = count("allocations", third(3.0), third(7.0) * (1.0 + f64::EPSILON));
    assert_eq!(changed(&pair), None);
    assert!(changed(&count("allocations", 0.0, 1e-4)).is_some());
}

#[test]
fn the_repetition_is_shown_because_the_first_was_picked_for_being_large() {
    let first = trial(1.08, 0.01, Decision::Slower, 1e-9);
    let again = trial(1.05, 0.01, Decision::Slower, 1e-9);
    let gate = judge(&header(), &[timed("x", compared(10.0, first, Some(again)))]);
    let time = gate.rows[0].time.as_ref().unwrap();
    assert_eq!((time.ratio.value, time.first.ratio.value), (1.05, 1.08));
    assert!((time.candidate_ns - 10.5).abs() < 1e-9);
}

#[test]
fn a_comparison_without_a_kept_block_has_no_time_and_no_bounds() {
    let mut empty = compared(10.0, trial(1.0, 0.01, Decision::Unresolved, 0.5), None);
    empty.first.ratio = Interval { value: 1.0, low: 0.0, high: f64::INFINITY };
    empty.first.launches.clear();
    let gate = judge(&header(), &[timed("x", empty)]);
    assert!(gate.rows[0].time.as_ref().unwrap().base_ns.is_nan());
    assert!(gate.rows[0].reason.contains("no bounds"), "{}", gate.rows[0].reason);
}

#[test]
fn the_headline_names_the_worst_row_or_says_what_is_excluded() {
    assert!(
        headline(&fixture::gate()).starts_with("Of 14 rows 1 broke and 2 are slower: ring_spsc/hop/broke")
    );
    assert_eq!(headline(&judge(&header(), &[same()])), "Of 1 row none is slower by 2 % or more.");
    assert_eq!(headline(&judge(&header(), &[])), "Nothing could be compared.");
}

#[test]
fn a_message_that_would_colour_the_terminal_is_made_visible() {
    let (_, reason) = verdict(&fixture::contests(), "broke");
    assert!(reason.chars().all(|c| !c.is_control()), "{reason:?}");
}
