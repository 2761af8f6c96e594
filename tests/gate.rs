//! `gate` and `selftest` from outside: exit codes, records, and what is left when one is killed. How often the gate is wrong
//! is measured by `perfbench selftest` and by `scripts/side-by-side`, not here.

mod common;

use common::{output, perfbench, stderr, stdout};
use perfbench_harness::clock::{Clock, ClockChoice};
use perfbench_harness::counter::Selection;
use perfbench_harness::duel::file;
use perfbench_harness::launch::{Fresh, Launcher};
use perfbench_harness::record::Count;
use perfbench_harness::worker::{Done, Job, Reply, Task};
use std::path::{Path, PathBuf};
use std::process::Output;

const ROW: &str = "yardstick/solo/compute";

/// A second file of the same program.
fn copy(folder: &Path) -> PathBuf {
    let copy = folder.join("base");
    std::fs::copy(env!("CARGO_BIN_EXE_perfbench"), &copy).unwrap();
    copy
}

/// A gate of one row against a copy.
fn gate(folder: &Path, more: &[&str]) -> Output {
    let base = copy(folder);
    let arguments = [&["gate", "--base", base.to_str().unwrap(), "--exact", ROW, "--progress", "none"], more];
    let mut command = perfbench(folder, &arguments.concat());
    command.env_remove("GITHUB_STEP_SUMMARY").env_remove("PERFBENCH_INJECT").output().unwrap()
}

fn verdict(output: &Output) -> serde_json::Value {
    let judged: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    judged["rows"][0].clone()
}

#[test]
fn the_same_file_is_unchanged_code_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate(folder.path(), &["--format", "json"]);
    assert_eq!(gate.status.code(), Some(0), "{}", stderr(&gate));
    assert_eq!(verdict(&gate)["verdict"], "unchanged", "{}", stdout(&gate));
}

#[test]
fn every_output_that_was_asked_for_holds_the_verdict_and_the_record_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate(folder.path(), &["--comment", "comment.md", "--junit", "junit.xml"]);
    assert_eq!(gate.status.code(), Some(0), "{}", stderr(&gate));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("comment.md").contains(ROW) && read("junit.xml").contains("<skipped"));
    let record = record(folder.path());
    assert_eq!(record.contests.len(), 1);
    assert!(record.end.is_some_and(|end| end.status == "complete"));
}

fn record(folder: &Path) -> file::GateRecord {
    let path = std::fs::read_dir(folder.join("store/gates")).unwrap().next().unwrap().unwrap().path();
    file::read(&path).unwrap()
}

#[test]
fn a_base_that_is_nothing_and_one_that_cannot_be_run_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = output(folder.path(), &["gate", "--base", "no-such-thing", ROW]);
    assert_eq!(nothing.status.code(), Some(2), "{}", stderr(&nothing));
    let other = folder.path().join("other");
    std::fs::copy("/bin/true", &other).unwrap();
    let arguments = ["gate", "--base", other.to_str().unwrap(), "--exact", ROW, "--progress", "none"];
    let broken = output(folder.path(), &arguments);
    assert_eq!(broken.status.code(), Some(30), "{}", stderr(&broken));
    assert!(stdout(&broken).contains("base"), "{}", stdout(&broken));
}

#[test]
fn filters_that_select_nothing_exit_4_before_anything_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let gate = output(folder.path(), &["gate", "--base", "main", "no_such_row"]);
    assert_eq!(gate.status.code(), Some(4), "{}", stderr(&gate));
    assert!(!folder.path().join("store/cache").exists());
}

#[test]
fn a_killed_gate_keeps_every_row_that_it_had_finished() {
    let folder = tempfile::tempdir().unwrap();
    let base = copy(folder.path());
    let arguments =
        ["gate", "--base", base.to_str().unwrap(), "wire_message", "object_pool", "--progress", "none"];
    let mut child = perfbench(folder.path(), &arguments)
        .env("PERFBENCH_INJECT", "0")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let gates = folder.path().join("store/gates");
    let rows = || {
        let path = std::fs::read_dir(&gates).ok()?.next()?.ok()?.path();
        let text = std::fs::read_to_string(path).ok()?;
        Some(text.lines().filter(|line| line.starts_with("{\"type\":\"contest\"")).count())
    };
    while rows().unwrap_or(0) < 2 {
        assert!(child.try_wait().unwrap().is_none(), "the gate ended before it was killed");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let record = record(folder.path());
    assert!(record.contests.len() >= 2 && record.end.is_none());
}

/// A scripted run whose record is then changed, as if it had been made later by another build.
fn later(folder: &Path, change: impl Fn(&str) -> String) -> String {
    let arguments = ["run", "wire_message/serialise", "--clock", "scripted:1", "--progress", "none", "-q"];
    let run = output(folder, &arguments);
    assert!(run.status.success(), "{}", stderr(&run));
    let runs = folder.join("store/runs");
    let text = std::fs::read_to_string(runs.join("scripted-1.ndjson")).unwrap();
    let text = text.replace("scripted-1", "later").replace("2000-01-01", "2000-01-02");
    std::fs::write(runs.join("later.ndjson"), change(&text)).unwrap();
    let gate = ["gate", "--base", "run:scripted-1", "wire_message/serialise", "--strict", "--format", "json"];
    let gate = output(folder, &gate);
    format!("{} {}{}", gate.status.code().unwrap(), stdout(&gate), stderr(&gate))
}

/// A line of a record with every round twice as long.
fn doubled(line: &str) -> String {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    let launches = line.pointer_mut("/outcome/measured/launches").and_then(|found| found.as_array_mut());
    for launch in launches.into_iter().flatten() {
        let rounds = launch["rounds_ns_per_op"].as_array_mut().unwrap();
        rounds.iter_mut().for_each(|ns| *ns = (2.0 * ns.as_f64().unwrap()).into());
    }
    format!("{line}\n")
}

#[test]
fn a_stored_run_as_base_can_raise_a_question_and_no_alarm_by_time_alone() {
    let folder = tempfile::tempdir().unwrap();
    let slower = later(folder.path(), |text| text.lines().map(doubled).collect());
    assert!(slower.starts_with("21 "), "{slower}");
    assert!(slower.contains("unresolved") && !slower.contains("\"verdict\": \"slower\""), "{slower}");
}

#[test]
fn a_count_that_grew_since_a_stored_run_fails_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let grown = later(folder.path(), |text| {
        text.replace(
            "\"name\":\"allocations\",\"per_op\":{\"Ok\":10.0}",
            "\"name\":\"allocations\",\"per_op\":{\"Ok\":11.0}",
        )
    });
    assert!(grown.starts_with("10 ") && grown.contains("allocations"), "{grown}");
}

#[test]
fn a_stored_run_is_no_base_for_itself_nor_for_documented_targets() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["run", "wire_message", "--clock", "scripted:1", "--progress", "none", "-q"];
    assert!(output(folder.path(), &arguments).status.success());
    let gate = output(folder.path(), &["gate", "--base", "scripted-1", "wire_message"]);
    assert_eq!(gate.status.code(), Some(2), "{}", stdout(&gate));
    assert!(stderr(&gate).contains("no run is newer"), "{}", stderr(&gate));
    let targets = output(folder.path(), &["gate", "--base", "scripted-1", "--fail-on", "target"]);
    assert_eq!(targets.status.code(), Some(2), "{}", stdout(&targets));
}

#[test]
fn counts_are_the_same_to_the_last_bit_in_twenty_processes() {
    let clock = Clock::open(ClockChoice::Best);
    for (workload, point, variant) in
        [("yardstick", "solo", "churn"), ("wire_message", "serialise", "nested")]
    {
        let job = Job {
            workload: workload.into(),
            point: point.into(),
            variants: vec![variant.into()],
            task: Task::Prepare,
            cpus: Vec::new(),
            seed: 1,
            inputs: Default::default(),
            counters: "heap".parse::<Selection>().unwrap(),
            clock: ClockChoice::Best,
            calibration: clock.facts(),
            evict_bytes: None,
            counted_ops: None,
            under: Vec::new(),
        };
        let counted: Vec<Vec<Count>> = (0..20).map(|_| counts(&job)).collect();
        assert!(counted[0].iter().any(|count| count.per_op.as_ref().is_ok_and(|n| *n > 0.0)), "{variant}");
        assert!(counted.iter().all(|counts| *counts == counted[0]), "{variant}: {counted:?}");
    }
}

fn counts(job: &Job) -> Vec<Count> {
    let mut counts = Vec::new();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_perfbench"));
    Fresh::new(program, &[perfbench::WORKER], 1)
        .launch(job, &mut |reply| match reply {
            Reply::Outcome { result: Done::Prepared(prepared), .. } => counts = prepared.counts,
            Reply::Outcome { result, .. } => panic!("{result:?}"),
            Reply::Begin { .. } => {}
        })
        .unwrap();
    counts
}

#[test]
fn a_selftest_of_one_piece_says_what_it_found_and_keeps_nothing_for_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["selftest", "compute", "--no-relink", "--trials", "1", "--format", "json", "--progress", "none"];
    let selftest = output(folder.path(), &arguments);
    assert_eq!(selftest.status.code(), Some(0), "{}", stderr(&selftest));
    let found: serde_json::Value = serde_json::from_slice(&selftest.stdout).unwrap();
    assert_eq!(found["rows"][0]["false_alarms"]["of"], 4);
    assert_eq!(found["rows"][0]["power"].as_array().unwrap().len(), 1);
    assert!(found["truths"].as_array().unwrap().len() >= 2);
    assert!(!folder.path().join("store/selftest.json").exists());
}
