//! The real perfbench in the guest: every variant's check and counts, as a record on the console.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stand around the record on the console.
const RECORD_BEGIN: &str = "== record";
const RECORD_END: &str = "== end of record";

/// Runs the suite and tells its record, or what kept it from being made.
pub fn run() {
    let store = Path::new("/store");
    let arguments = ["run", "--counters", "core,heap,syscalls", "--progress", "none", "--quiet", "--store"];
    let ran = Command::new("/perfbench").args(arguments).arg(store).output();
    match ran.map(|output| (output.status.success(), output, record(store))) {
        Ok((true, _, Some(record))) => print!("ok suite: it ran\n{RECORD_BEGIN}\n{record}{RECORD_END}\n"),
        Ok((_, output, _)) => println!(
            "FAILED suite: {}, {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => println!("FAILED suite: it did not start, {error}"),
    }
}

fn record(store: &Path) -> Option<String> {
    let entries = fs::read_dir(store.join("runs")).ok()?;
    let mut records: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    fs::read_to_string(records.pop()?).ok()
}
