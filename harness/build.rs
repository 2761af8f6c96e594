//! Tells the machine probe which compiler builds this, with what flags: both move measured times.

use std::env;
use std::process::Command;

fn main() {
    let version =
        env::var_os("RUSTC").and_then(|rustc| Command::new(rustc).arg("-V").output().ok()).map_or_else(
            || "rustc of unknown version".into(),
            |out| String::from_utf8_lossy(&out.stdout).trim().to_owned(),
        );
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default().replace('\x1f', " ");
    let level = env::var("OPT_LEVEL").unwrap_or_default();
    let compiler = format!("{version}, opt-level {level} {flags}");
    println!("cargo::rustc-env=PERFBENCH_COMPILER={}", compiler.trim_end());
    println!("cargo::rerun-if-changed=build.rs");
}
