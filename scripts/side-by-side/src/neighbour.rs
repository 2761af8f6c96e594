//! What runs beside a tool while it decides: nothing, a thread that spins on the second CPU, or builds.

use crate::work::{spin, two_cpus};
use clap::ValueEnum;
use perfbench_harness::machine::probe::pin;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// A kind of neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbour {
    /// Nobody.
    None,
    /// A thread that never waits, pinned to the second CPU.
    Spinner,
    /// The compiler, again and again, wherever the kernel puts it.
    Builds,
}

impl Neighbour {
    /// What the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "No neighbour",
            Self::Spinner => "Beside a spinner on the second CPU",
            Self::Builds => "Beside builds",
        }
    }

    /// Lets it run until the result is dropped. Builds write below `scratch`.
    ///
    /// # Errors
    /// What the disk refused.
    pub fn start(self, scratch: &Path) -> std::io::Result<Running> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = match self {
            Self::None => None,
            Self::Spinner => {
                let [_, cpu] = two_cpus();
                Some(std::thread::spawn(move || spin_until(cpu, &stopped)))
            }
            Self::Builds => {
                let source = write_source(scratch)?;
                Some(std::thread::spawn(move || build_until(&source, &stopped)))
            }
        };
        Ok(Running { stop, thread })
    }
}

/// A neighbour at work; dropping it ends it. A build under way is waited for.
pub struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Relaxed: the flag publishes nothing.
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

fn spin_until(cpu: usize, stop: &AtomicBool) {
    pin(cpu);
    let mut value = 1;
    while !stop.load(Ordering::Relaxed) {
        value = spin(value, 10_000);
    }
}

fn build_until(source: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition=2024", "--crate-type=lib", "--emit=obj", "-O", "-o"]);
        rustc.arg(source.with_extension("o")).arg(source).stderr(Stdio::inherit());
        let status = rustc.status().expect("builds need rustc in the path");
        assert!(status.success(), "the neighbour's build failed");
    }
}

/// A few hundred functions, which take the compiler about a second.
fn write_source(scratch: &Path) -> std::io::Result<PathBuf> {
    let path = scratch.join("neighbour.rs");
    let function = |number: u32| {
        format!(
            "pub fn f{number}(words: &[String]) -> Vec<(usize, String)> {{\n    \
             let mut found: Vec<_> = words.iter().map(|word| (word.len() + {number}, word.repeat({number}))).collect();\n    \
             found.sort();\n    found\n}}\n"
        )
    };
    std::fs::write(&path, (1..100).map(function).collect::<String>())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_neighbour_starts_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        for neighbour in Neighbour::value_variants() {
            drop(neighbour.start(folder.path()).unwrap());
        }
    }

    #[test]
    fn a_neighbour_that_builds_leaves_an_object_file() {
        let folder = tempfile::tempdir().unwrap();
        let running = Neighbour::Builds.start(folder.path()).unwrap();
        while !folder.path().join("neighbour.o").exists() {
            std::thread::yield_now();
        }
        drop(running);
    }
}
