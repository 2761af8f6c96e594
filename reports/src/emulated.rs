//! Tests of what every format makes of a record from an emulated machine: counts, and no time of anything.

use crate::compare::{Policy, Refused, compare};
use crate::fixture;
use crate::format::text::{Look, render};
use crate::format::{counts, csv, markdown};
use crate::model::{Outcome, Report};
use crate::page;
use crate::verdict::Verdict;
use perfbench_harness::Reason;

#[test]
fn what_was_timed_on_an_emulated_machine_has_no_time_in_the_report() {
    let report = Report::of(&fixture::emulated());
    assert!(report.rows().all(|row| row.figures().is_none()));
    assert!(report.rows().any(|row| matches!(&row.outcome, Outcome::Counted(c) if !c.counts.is_empty())));
    assert!(report.limits.iter().all(|limit| limit.value.is_err() && limit.curve.is_empty()));
    assert_eq!((report.elapsed_s, report.cards.noise_floor), (None, None));
}

#[test]
fn no_target_is_judged_by_an_emulated_run() {
    let report = Report::of(&fixture::emulated());
    assert!(report.targets().all(|judged| judged.verdict == Verdict::NotMeasurable));
    assert!(report.targets().any(|judged| judged.reason == Some(Reason::Emulated)));
}

#[test]
fn an_emulated_run_is_compared_with_none_not_even_across_machines_or_with_itself() {
    let (real, emulated) = (fixture::record(), fixture::emulated());
    let policy = Policy { across_machines: true, ..Policy::default() };
    for (base, candidate) in [(&real, &emulated), (&emulated, &real), (&emulated, &emulated)] {
        assert_eq!(compare(base, candidate, &policy), Err(Refused::Emulated));
    }
}

#[test]
fn the_text_of_an_emulated_run_is_the_golden() {
    insta::assert_snapshot!(render(&Report::of(&fixture::emulated()), &Look::plain()));
}

#[test]
fn the_markdown_of_an_emulated_run_is_the_golden() {
    insta::assert_snapshot!(markdown::render(&Report::of(&fixture::emulated())));
}

#[test]
fn the_csv_of_an_emulated_run_keeps_counts_and_leaves_times_empty() {
    let text = csv::render(&Report::of(&fixture::emulated()));
    let counted: Vec<&str> = text.lines().filter(|line| line.contains(",counted,emulated,")).collect();
    assert!(!counted.is_empty());
    assert!(counted.iter().all(|line| line.contains(&",".repeat(17))), "{text}");
    assert!(counted.iter().any(|line| line.contains(",allocations=10; cycles=emulated;")), "{text}");
}

#[test]
fn every_line_of_the_counts_of_an_emulated_run_says_so() {
    let text = counts::render(&Report::of(&fixture::emulated()));
    assert!(text.lines().count() > 1, "{text}");
    assert!(text.lines().skip(1).all(|line| line.contains(",emulated,")), "{text}");
}

#[test]
fn the_page_of_an_emulated_run_marks_every_counted_row_and_draws_no_time() {
    let record = fixture::emulated();
    let report = Report::of(&record);
    let page = page::render(&report, &record);
    let counted = report.rows().filter(|row| matches!(row.outcome, Outcome::Counted(_))).count();
    assert_eq!(page.matches(">emulated</span> counted and not timed").count(), 2 * counted);
    for drawn in ["<svg", "data-v=", "which is subtracted"] {
        assert!(!page.contains(drawn), "{drawn}");
    }
}
