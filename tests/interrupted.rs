//! A run that is interrupted or killed in the middle: what was measured is kept, at most the group under way is lost, and
//! `--resume` goes on with it.

mod common;

use common::{output, perfbench};
use perfbench_harness::Reason;
use perfbench_harness::record::{Outcome, RunRecord, read};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Rows of the first group, which are written one after the other.
const FIRST_GROUP: usize = 3;

/// Starts a real run and waits until its first group is in the record.
fn under_way(folder: &Path) -> (Child, PathBuf) {
    let arguments =
        ["run", "wire_message", "object_pool", "-t", "16s", "--launches", "2", "--progress", "none"];
    let mut child =
        perfbench(folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(record) = record_with_rows(&folder.join("store/runs")) {
            return (child, record);
        }
        if Instant::now() > deadline || child.try_wait().unwrap().is_some() {
            child.kill().unwrap();
            panic!("no group was measured: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn record_with_rows(runs: &Path) -> Option<PathBuf> {
    let path = std::fs::read_dir(runs).ok()?.next()?.ok()?.path();
    let text = std::fs::read_to_string(&path).ok()?;
    let rows = text.lines().filter(|line| line.starts_with("{\"type\":\"row\"")).count();
    (rows >= FIRST_GROUP).then_some(path)
}

fn measured(record: &RunRecord) -> usize {
    record.rows.iter().filter(|row| row.measured().is_some()).count()
}

#[test]
fn a_killed_run_leaves_a_record_with_every_finished_group_that_can_still_be_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, path) = under_way(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let record = read(&path).unwrap();
    assert!(measured(&record) >= 3 && record.end.is_none(), "{}", record.rows.len());
    let reported = output(folder.path(), &["report", "latest", "-o", "text=killed.txt"]);
    assert!(reported.status.success(), "{reported:?}");
    assert!(std::fs::read_to_string(folder.path().join("killed.txt")).unwrap().contains("killed"));
}

#[test]
fn an_interrupt_keeps_and_reports_what_was_measured_and_exits_130() {
    let folder = tempfile::tempdir().unwrap();
    let (child, path) = under_way(folder.path());
    let interrupt =
        std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    let record = read(&path).unwrap();
    assert_eq!(record.end.as_ref().unwrap().status, "interrupted");
    let waiting = |row: &&perfbench_harness::record::Row| matches!(&row.outcome, Outcome::Unavailable(why) if why.reason == Reason::Interrupted);
    assert!(measured(&record) >= 3 && record.rows.iter().filter(waiting).count() >= 1);
    assert!(folder.path().join("store/latest.html").is_file());
    assert!(common::stdout(&ended).contains("interrupted"));
}

/// The lines of a record that are rows of the first group.
fn first_group(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("{\"type\":\"row\"")).collect();
    let group = |line: &str| line.split(',').take(3).collect::<String>();
    let of_first = rows.iter().filter(|line| group(line) == group(rows[0]));
    of_first.map(|line| (*line).to_owned()).collect()
}

#[test]
fn a_killed_run_goes_on_where_it_was_cut_off_with_its_own_settings_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, path) = under_way(folder.path());
    let busy = output(folder.path(), &["run", "--resume"]);
    assert!(busy.status.code() == Some(2) && common::stderr(&busy).contains("another perfbench"), "{busy:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    let before = first_group(&path);
    let other = output(folder.path(), &["run", "--resume", "--launches", "7"]);
    assert!(
        other.status.code() == Some(2) && common::stderr(&other).contains("its launches is 2"),
        "{other:?}"
    );

    let ended = output(folder.path(), &["run", "--resume", "--progress", "none"]);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let record = read(&path).unwrap();
    assert_eq!(record.end.as_ref().unwrap().status, "complete");
    assert!(record.warnings.iter().any(|text| text.contains("went on")), "{:?}", record.warnings);
    assert!(record.rows.len() > before.len() && record.rows.iter().all(|row| row.measured().is_some()));
    assert_eq!(first_group(&path), before, "what was complete is neither lost nor measured again");
    assert_eq!(std::fs::read_dir(folder.path().join("store/runs")).unwrap().count(), 1);

    let again = output(folder.path(), &["run", "--resume"]);
    assert!(again.status.code() == Some(2) && common::stderr(&again).contains("it is complete"), "{again:?}");
}

#[test]
fn a_run_from_elsewhere_or_of_another_table_does_not_go_on_here() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "--clock", "scripted:7", "-t", "20s", "wire_message", "--progress", "none"];
    assert!(output(folder.path(), &arguments).status.success());
    let path = folder.path().join("store/runs/scripted-1.ndjson");
    let whole = std::fs::read_to_string(&path).unwrap();
    let cut = whole.rsplit_once("{\"type\":\"end\"").unwrap().0;
    for (from, to, complaint) in [
        ("Scripted CPU", "Other CPU", "another machine"),
        ("\"version\":\"", "\"version\":\"9", "another perfbench"),
        ("\"registry\":\"", "\"registry\":\"f", "another perfbench"),
    ] {
        std::fs::write(&path, cut.replacen(from, to, 1)).unwrap();
        let refused = output(folder.path(), &["run", "--resume", "latest", "--clock", "scripted:7"]);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(common::stderr(&refused).contains(complaint), "{refused:?}");
    }
}
