//! The perfbench binary as tests call it: no colour, no configuration from outside, a store of its own.

use std::path::Path;
use std::process::{Command, Output};

/// A call of perfbench in `folder`, where its store lies too.
pub fn perfbench(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_perfbench"));
    command
        .current_dir(folder)
        .args(arguments)
        .env("NO_COLOR", "1")
        .env("PERFBENCH_STORE", folder.join("store"));
    for name in
        ["PERFBENCH_CONFIG", "PERFBENCH_PROFILE", "PERFBENCH_BUDGET", "PERFBENCH_ISA", "PERFBENCH_CLOCK"]
    {
        command.env_remove(name);
    }
    command
}

/// Runs a call to its end.
#[allow(dead_code, reason = "each test binary uses what it needs")]
pub fn output(folder: &Path, arguments: &[&str]) -> Output {
    perfbench(folder, arguments).output().expect("perfbench starts")
}

/// What a call printed on stdout.
#[allow(dead_code, reason = "each test binary uses what it needs")]
pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("perfbench prints text")
}

/// What a call printed on stderr.
#[allow(dead_code, reason = "each test binary uses what it needs")]
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("perfbench prints text")
}
