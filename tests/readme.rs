//! The README and the docs: their commands run, their links and their map lead somewhere. Times come from the scripted
//! clock here; that the suite runs on a real one is `ci/smoke`'s affair.

mod common;

use common::perfbench;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    docs.filter(|path| path.extension().is_some_and(|e| e == "md"))
        .chain([root().join("README.md")])
        .collect()
}

/// The lines of a page's `sh` blocks, comments cut off.
fn commands(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines =
        blocks.flat_map(|block| block.lines().map(|line| line.split('#').next().unwrap().trim().to_owned()));
    lines.filter(|line| !line.is_empty()).collect()
}

/// Runs one command line as written, from the repository's root and on the scripted clock; what measures gets a store of
/// its own, what reads finds the run in `store`.
fn run(line: &str, store: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().unwrap();
    // Files that a command writes go to the scratch folder.
    let redirected = |word: &str| match word.split_once('=') {
        Some((format, file)) => format!("{format}={}", scratch.path().join(file).display()),
        None => word.to_owned(),
    };
    let mut arguments: Vec<String> = line.split_whitespace().skip(1).map(redirected).collect();
    // What builds the whole house takes minutes, and no scripted clock makes samples: here it must only be understood.
    // `ci/smoke` runs the former, `tests/profile.rs` the latter.
    if ["gate", "selftest", "profile"].contains(&arguments.first().map_or("", String::as_str)) {
        arguments.push("--help".into());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let measures = line == "perfbench" || line.starts_with("perfbench run");
    let mut command = perfbench(if measures { scratch.path() } else { store }, &arguments);
    command.current_dir(root()).env("PERFBENCH_CLOCK", "scripted:1").env("PERFBENCH_BUDGET", "1s");
    let ran = command.output().unwrap();
    if ran.status.success() { Ok(()) } else { Err(format!("{line}\n{}", common::stderr(&ran))) }
}

#[test]
fn every_command_in_the_readme_and_the_docs_runs_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let first = perfbench(
        folder.path(),
        &["run", "wire_message", "ring_spsc/same_thread", "--clock", "scripted:1", "-t", "1s"],
    );
    assert!({ first }.status().unwrap().success());
    let lines: Vec<String> = pages().iter().flat_map(|page| commands(page)).collect();
    let ours = lines.iter().filter(|line| line.starts_with("perfbench"));
    let failed: Vec<String> = ours.clone().filter_map(|line| run(line, folder.path()).err()).collect();
    assert!(ours.count() >= 12);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_other_command_in_the_readme_is_one_that_ci_runs() {
    let known = ["cargo run --release", "cargo test --workspace", "cargo bench"];
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap()
        + &fs::read_to_string(root().join("ci/smoke")).unwrap();
    for line in commands(&root().join("README.md")).iter().filter(|line| !line.starts_with("perfbench")) {
        assert!(known.contains(&line.as_str()), "{line}: not known here");
        assert!(ci.contains(line.as_str()), "{line}: CI does not run it");
    }
}

#[test]
fn every_link_and_every_line_of_the_map_leads_somewhere() {
    let mut lost = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let links = text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap());
        let local = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
        let missing =
            local.filter(|link| !page.parent().unwrap().join(link.split('#').next().unwrap()).exists());
        lost.extend(missing.map(|link| format!("{}: {link}", page.display())));
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let map = readme.split("## The map").nth(1).unwrap().split("```").nth(1).unwrap();
    let mut folder = root().to_owned();
    for line in map.lines() {
        let places =
            line.split_whitespace().filter(|w| [".rs", ".toml", "/"].iter().any(|end| w.ends_with(end)));
        for place in places {
            if !line.starts_with(' ') && line.starts_with(place) {
                folder = root().join(place);
            }
            let meant = [root().join(place), folder.join(place), folder.join("src").join(place)];
            if !meant.iter().any(|path| path.exists()) {
                lost.push(format!("the map: {place}"));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
