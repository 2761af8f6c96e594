//! What lands on disk where a report is asked for.

mod common;

use common::output;
use std::fs;

#[test]
fn charts_leave_as_files_of_their_own_in_the_folder_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("v1.ndjson"), include_str!("fixtures/v1.ndjson")).unwrap();
    let ran = output(folder.path(), &["report", "v1.ndjson", "-o", "svg=charts"]);
    assert_eq!(ran.status.code(), Some(0), "{}", common::stderr(&ran));
    let files: Vec<_> = fs::read_dir(folder.path().join("charts")).unwrap().map(Result::unwrap).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(fs::read_to_string(file.path()).unwrap().starts_with("<svg xmlns="), "{file:?}");
    }
}
