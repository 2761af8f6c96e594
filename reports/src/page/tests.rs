//! What the page promises, checked on the fixture's page.

use super::render;
use crate::fixture;
use crate::model::{Outcome, Report};
use perfbench_harness::claim::Claim;
use perfbench_harness::record::RunRecord;

fn page(record: &RunRecord) -> (Report, String) {
    let report = Report::of(record);
    let page = render(&report, record);
    (report, page)
}

fn escaped(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html).unwrap().to_string()
}

#[test]
fn every_row_and_every_reason_is_on_the_page() {
    let (report, page) = page(&fixture::record());
    for row in report.rows() {
        assert!(page.contains(&format!("id=\"r-{}\"", row.key)), "{}", row.key);
        match &row.outcome {
            Outcome::Unavailable(why) => {
                assert!(page.contains(why.reason.code()) && page.contains(&escaped(&why.detail)), "{why}");
            }
            Outcome::Broke { message } => assert!(page.contains(&escaped(message)), "{message}"),
            Outcome::Measured(_) | Outcome::Counted(_) => {}
        }
    }
}

#[test]
fn every_target_stands_once_with_its_verdict_and_evidence() {
    let (report, page) = page(&fixture::record());
    for judged in report.targets() {
        assert_eq!(page.matches(&format!("id=\"t-{}\"", judged.claim.id)).count(), 1, "{}", judged.claim.id);
        assert!(page.contains(&escaped(&judged.evidence)), "{}", judged.evidence);
        assert!(page.contains(judged.verdict.word()));
    }
}

#[test]
fn every_warning_setting_and_limit_is_on_the_page() {
    let (report, page) = page(&fixture::record());
    let settings = report.settings.iter().flat_map(|s| [&s.name, &s.value, &s.origin]);
    let limits = report.limits.iter().flat_map(|l| [&l.name, &l.about]);
    for text in report.warnings.iter().chain(&report.reservations).chain(settings).chain(limits) {
        assert!(page.contains(&escaped(text)), "{text}");
    }
    assert!(page.contains(&escaped(&report.command.join(" "))));
    assert!(page.contains(&format!("Seed {}", report.seed)));
}

#[test]
fn the_page_loads_nothing_and_its_policy_forbids_it_to() {
    let (_, page) = page(&fixture::record());
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"));
    for loader in [" src=", "<link", "@import", "url(", "<iframe", "<img", "<object", "fetch("] {
        assert!(!page.contains(loader), "{loader}");
    }
    assert_eq!(page.matches("http").count(), page.matches("http-equiv").count());
}

#[test]
fn the_title_is_the_headline_and_the_only_first_heading() {
    let (report, page) = page(&fixture::record());
    assert!(page.contains(&format!("<title>{}</title>", escaped(&report.headline))));
    assert_eq!(page.matches("<h1>").count(), 1);
    assert!(page.contains("<html lang=\"en\">") && page.contains("<main") && page.contains("class=\"skip\""));
}

#[test]
fn no_id_stands_twice_and_every_inner_link_leads_somewhere() {
    let (_, page) = page(&fixture::record());
    let after =
        |mark: &'static str| page.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap_or_default());
    let ids: Vec<&str> = after(" id=\"").collect();
    let distinct: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len());
    for link in after("href=\"#") {
        assert!(distinct.contains(link), "#{link}");
    }
}

#[test]
fn what_a_record_says_cannot_become_markup() {
    let mut record = fixture::record();
    record.warnings.push("<script>alert(1)</script>".into());
    record.rows[0].about = "\"><img onerror=x>".into();
    let (_, page) = page(&record);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
}

/// Five hundred results, each with a distribution and forty rounds in each of five launches, and 130 targets.
fn heavy() -> RunRecord {
    let mut record = fixture::wide(500);
    let claims = record.header.claims.iter().cycle().cloned().zip(0..130);
    record.header.claims =
        claims.map(|(claim, n)| Claim { id: format!("{}.{n}", claim.id), ..claim }).collect();
    let latency = fixture::record().rows.iter().find_map(|row| row.measured()?.latency.clone());
    for row in &mut record.rows {
        if let perfbench_harness::record::Outcome::Measured(measured) = &mut row.outcome {
            measured.latency = latency.clone();
            for launch in &mut measured.launches {
                launch.rounds_ns_per_op = launch.rounds_ns_per_op.repeat(5);
                let rounds = launch.rounds_ns_per_op.iter_mut().enumerate();
                rounds.for_each(|(index, ns)| *ns *= 1.0 + 0.0007 * index as f64);
            }
        }
    }
    record
}

#[test]
fn five_hundred_results_stay_below_a_megabyte_and_a_half() {
    let (report, page) = page(&heavy());
    assert_eq!(report.rows().count(), 500);
    assert!(page.len() < 1_500_000, "{} bytes", page.len());
}

#[test]
fn a_record_of_nothing_but_its_first_line_still_makes_a_page() {
    let record = RunRecord::new(fixture::record().header);
    let (report, page) = page(&record);
    assert!(page.contains(&escaped(&report.headline)));
}

/// The CI layer that opens pages in a browser names a folder; without one there is nothing to write.
#[test]
fn the_pages_that_a_browser_checks_are_written_where_it_asks_for_them() {
    let Some(folder) = std::env::var_os("PERFBENCH_PAGES").map(std::path::PathBuf::from) else { return };
    for (name, record) in [("fixture", fixture::record()), ("wide", heavy())] {
        std::fs::write(folder.join(format!("{name}.html")), page(&record).1).unwrap();
    }
}
