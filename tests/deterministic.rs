//! The whole command on the scripted clock: the same script gives the same record and the same page, byte for byte, and
//! the terminal's table is a golden file.

mod common;

use common::output;
use std::fs;
use std::path::Path;

const SELECTION: [&str; 3] = ["wire_message", "object_pool", "arena/pairs"];

/// Runs the scripted suite in a fresh folder and hands over its record and its page.
fn scripted(seed: &str) -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let clock = format!("scripted:{seed}");
    let mut arguments = vec!["run", "--clock", clock.as_str(), "-t", "30s", "--progress", "none"];
    arguments.extend(SELECTION);
    let ran = output(folder.path(), &arguments);
    assert!(ran.status.success(), "{ran:?}");
    let store = folder.path().join("store");
    (fs::read(store.join("runs/scripted-1.ndjson")).unwrap(), fs::read(store.join("latest.html")).unwrap())
}

#[test]
fn the_same_script_gives_the_same_record_and_page_to_the_byte_and_another_script_another_record() {
    let (first, again, other) = (scripted("7"), scripted("7"), scripted("8"));
    assert!(first.0 == again.0, "records differ");
    assert!(first.1 == again.1, "pages differ");
    assert!(first.0 != other.0, "the script does not matter");
}

#[test]
fn the_terminals_table_of_a_scripted_run_is_the_golden_one() {
    let folder = tempfile::tempdir().unwrap();
    let ran = output(
        folder.path(),
        &["run", "--clock", "scripted:7", "-t", "30s", "--progress", "none", "wire_message", "arena/pairs"],
    );
    let text = common::stdout(&ran);
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with(" Report ")).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn nothing_of_a_run_is_ever_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "--clock", "scripted:7", "-t", "30s", "wire_message"];
    assert!(output(folder.path(), &arguments).status.success());
    let record = folder.path().join("store/runs/scripted-1.ndjson");
    let before = fs::read(&record).unwrap();
    let second = output(folder.path(), &arguments);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(common::stderr(&second).contains("File exists"), "{second:?}");
    assert!(before == fs::read(&record).unwrap());
}

#[test]
fn a_record_that_outgrows_its_disk_stays_readable_and_what_was_measured_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let header_kib = {
        let (record, _) = scripted("7");
        record.iter().position(|byte| *byte == b'\n').unwrap() / 1024
    };
    // The limit on file size stands in for a full disk: the write fails in the same place.
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" run --clock scripted:7 -t 30s wire_message",
        header_kib + 8
    );
    let program = env!("CARGO_BIN_EXE_perfbench");
    let store = folder.path().join("store");
    let ran = std::process::Command::new("bash")
        .args(["-c", &script, program])
        .env("PERFBENCH_STORE", &store)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let complaint = common::stderr(&ran);
    assert!(
        complaint.contains("the record cannot be written") && complaint.contains("--store"),
        "{complaint}"
    );
    assert!(common::stdout(&ran).contains("wire_message"), "{ran:?}");
    readable(&store.join("runs/scripted-1.ndjson"));
}

fn readable(record: &Path) {
    let record = perfbench_harness::record::read(record).unwrap();
    assert!(record.end.is_none());
    assert_eq!(record.header.run, "scripted-1");
}
