//! Records of every released version stay readable; what is none is refused with what was found.

mod common;

use common::{output, stderr};
use std::fs;

fn report(name: &str, text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    let ran = output(folder.path(), &["report", name, "-o", "csv=out.csv"]);
    (ran.status.code(), stderr(&ran))
}

#[test]
fn a_record_of_version_1_as_it_was_first_written_can_be_reported() {
    let (code, complaint) = report("v1.ndjson", include_str!("fixtures/v1.ndjson"));
    assert_eq!(code, Some(0), "{complaint}");
}

#[test]
fn a_record_of_another_version_is_refused_with_the_version_found() {
    let newer = include_str!("fixtures/v1.ndjson").replacen("perfbench.run/1", "perfbench.run/99", 1);
    let (code, complaint) = report("v99.ndjson", &newer);
    assert_eq!(code, Some(2));
    assert!(complaint.contains("perfbench.run/99") && complaint.contains("perfbench.run/1"), "{complaint}");
}

#[test]
fn a_foreign_file_is_refused_with_its_first_words() {
    let (code, complaint) = report("other.ndjson", "{\"benchmarks\": []}\n");
    assert_eq!(code, Some(2));
    assert!(complaint.contains("not a perfbench record") && complaint.contains("benchmarks"), "{complaint}");
}

#[test]
fn a_damaged_line_in_the_middle_is_named_and_a_cut_last_line_is_left_out() {
    let whole = include_str!("fixtures/v1.ndjson");
    let mut lines: Vec<&str> = whole.lines().collect();
    lines[3] = "{\"type\":\"row\",";
    let (code, complaint) = report("damaged.ndjson", &lines.join("\n"));
    assert_eq!(code, Some(2));
    assert!(complaint.contains("line 4"), "{complaint}");
    let (code, complaint) = report("cut.ndjson", &whole[..whole.len() - 40]);
    assert_eq!(code, Some(0), "{complaint}");
}
