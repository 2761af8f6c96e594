//! Counting as root and as an ordinary user: every count has a value that moved, or a reason with what mends it.

mod common;

use common::{perfbench, stderr};
use perfbench_harness::Reason;
use perfbench_harness::record::{Count, Measured, Provenance, RunRecord, read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;

const NOBODY: u32 = 65534;

const RUN: [&str; 9] =
    ["run", "wire_message", "-t", "5s", "--launches", "1", "--progress", "none", "--quiet"];

/// The record of a short real run, by the tests' own user or by nobody.
fn counted(folder: &Path, as_nobody: bool) -> RunRecord {
    let mut command = perfbench(folder, &RUN);
    if as_nobody {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let ran = command.output().expect("perfbench starts");
    assert!(ran.status.success(), "{}", stderr(&ran));
    let path = std::fs::read_dir(folder.join("store/runs")).unwrap().next().unwrap().unwrap().path();
    read(&path).unwrap()
}

fn rows(record: &RunRecord) -> Vec<(String, &Measured)> {
    let rows = record.rows.iter().filter_map(|row| Some((row.key(), row.measured()?)));
    let rows: Vec<_> = rows.collect();
    assert!(rows.len() >= 3, "{} rows were measured", rows.len());
    rows
}

fn count<'a>(measured: &'a Measured, name: &str) -> &'a Count {
    let found = measured.counts.iter().find(|count| count.name.trim_end_matches(":u") == name);
    found.unwrap_or_else(|| panic!("no count {name} among {:?}", measured.counts))
}

fn every_count_is_a_number_or_a_reason_with_its_remedy(record: &RunRecord) {
    for (row, measured) in rows(record) {
        for count in &measured.counts {
            match &count.per_op {
                Ok(value) => {
                    assert!(value.is_finite() && *value >= 0.0, "{row}: {count:?}");
                    assert_ne!(count.provenance, Provenance::Unavailable, "{row}: {count:?}");
                }
                Err(why) => {
                    assert_eq!(count.provenance, Provenance::Unavailable, "{row}: {count:?}");
                    assert!(!why.detail.is_empty(), "{row}: {count:?}");
                }
            }
        }
    }
}

/// What documents promise of the wire format is counted whoever asks, and never guessed.
fn system_calls_are_counted_and_say_how(record: &RunRecord) {
    for (row, measured) in rows(record) {
        let syscalls = count(measured, "syscalls");
        assert_eq!(syscalls.per_op, Ok(0.0), "{row}: {syscalls:?}");
        assert!(!syscalls.method.is_empty(), "{row}: {syscalls:?}");
    }
}

#[test]
fn whoever_runs_it_every_count_is_a_number_or_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let record = counted(folder.path(), false);
    every_count_is_a_number_or_a_reason_with_its_remedy(&record);
    system_calls_are_counted_and_say_how(&record);
}

#[test]
fn an_ordinary_user_gets_no_silent_zero_and_still_the_proof_of_no_system_call() {
    if !rustix::process::geteuid().is_root() {
        return println!(
            "skipped: only root can become another user; the other test runs as an ordinary one"
        );
    }
    let reachable = perfbench(Path::new("/"), &["--version"]).uid(NOBODY).gid(NOBODY).output();
    if !reachable.is_ok_and(|ran| ran.status.success()) {
        return println!("skipped: nobody may not run the binary where it lies");
    }
    let folder = tempfile::tempdir().unwrap();
    let record = counted(folder.path(), true);
    every_count_is_a_number_or_a_reason_with_its_remedy(&record);
    system_calls_are_counted_and_say_how(&record);
    for (row, measured) in rows(&record) {
        for blind in ["context_switches", "cpu_migrations"] {
            let count = count(measured, blind);
            let refused = count.per_op.as_ref().err().map(|why| why.reason);
            let seen = count.per_op.is_ok() && paranoid() < 2;
            assert!(
                seen || refused == Some(Reason::NoPrivilege) || refused == Some(Reason::Unsupported),
                "{row}: {count:?}"
            );
        }
    }
}

fn paranoid() -> i32 {
    let text = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").unwrap_or_default();
    text.trim().parse().unwrap_or(i32::MAX)
}
