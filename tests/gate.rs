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

/// A gate of one row against a copy, with so many multiplications added to every operation of the candidate.
fn gate(folder: &Path, spins: Option<u64>, more: &[&str]) -> Output {
    let base = copy(folder);
    let arguments = [&["gate", "--base", base.to_str().unwrap(), "--exact", ROW, "--progress", "none"], more];
    let mut command = perfbench(folder, &arguments.concat());
    command.env_remove("GITHUB_STEP_SUMMARY").env_remove("PERFBENCH_INJECT");
    if let Some(spins) = spins {
        command.env("PERFBENCH_INJECT", spins.to_string());
    }
    command.output().unwrap()
}

fn verdict(output: &Output) -> serde_json::Value {
    let judged: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    judged["rows"][0].clone()
}

#[test]
fn the_same_file_is_unchanged_code_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate(folder.path(), None, &["--format", "json"]);
    assert_eq!(gate.status.code(), Some(0), "{}", stderr(&gate));
    assert_eq!(verdict(&gate)["verdict"], "unchanged", "{}", stdout(&gate));
}

#[test]
fn a_third_more_work_is_slower_twice_and_fails_the_gate_with_all_its_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["--comment", "comment.md", "--junit", "junit.xml", "--format", "json"];
    let gate = gate(folder.path(), Some(4000), &files);
    assert_eq!(gate.status.code(), Some(10), "{} {}", stdout(&gate), stderr(&gate));
    let row = verdict(&gate);
    assert_eq!(row["verdict"], "slower");
    assert!(row["time"]["repeated"]["ratio"]["low"].as_f64().unwrap() > 1.05, "{row}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("comment.md").contains(ROW) && read("junit.xml").contains("<failure"));
    let record = record(folder.path());
    assert_eq!(record.contests.len(), 1);
    assert!(record.end.is_some_and(|end| end.status == "complete"));
}

fn record(folder: &Path) -> file::GateRecord {
    let path = std::fs::read_dir(folder.join("store/gates")).unwrap().next().unwrap().unwrap().path();
    file::read(&path).unwrap()
}

#[test]
fn a_verdict_that_may_not_fail_the_gate_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let gate = gate(folder.path(), Some(4000), &["--fail-on", "none", "--format", "json"]);
    assert_eq!((gate.status.code(), verdict(&gate)["verdict"].as_str()), (Some(0), Some("slower")));
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

#[test]
fn a_stored_run_as_base_can_raise_a_question_and_no_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let run = |seed: &str| {
        let arguments = ["run", "wire_message", "--clock", seed, "--progress", "none", "-q"];
        output(folder.path(), &arguments).status.success()
    };
    assert!(run("scripted:1"));
    let gate = output(folder.path(), &["gate", "--base", "scripted-1", "wire_message"]);
    assert_eq!(gate.status.code(), Some(2), "{}", stdout(&gate));
    assert!(stderr(&gate).contains("no run is newer"), "{}", stderr(&gate));
}

#[test]
fn counts_are_the_same_to_the_last_bit_in_twenty_processes() {
    let clock = Clock::open(ClockChoice::Best);
    for (workload, point, variant) in [
        ("yardstick", "solo", "churn"),
        ("wire_message", "serialise", "nested"),
        ("object_pool", "hit", "sync_mutex"),
    ] {
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
