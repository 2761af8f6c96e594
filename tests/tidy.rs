//! The house rules that a machine can hold, each with its reason in the message.

use perfbench_workloads::REGISTRY;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold Rust of ours.
const RUST: [&str; 8] = ["src", "harness", "workloads", "reports", "tests", "benches", "examples", "scripts"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below some folders with one of the endings; `target` and hidden folders are left out.
fn files(folders: &[&str], endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Fails with every offender at once, so that one run shows all there is to mend.
fn none(offenders: Vec<String>, reason: &str) {
    assert!(offenders.is_empty(), "{reason}\n  {}", offenders.join("\n  "));
}

/// Lines of code, outside comments, unit tests and modules of tests, that hold one of the words.
fn offending_lines(folders: &[&str], words: &[&str]) -> Vec<String> {
    let mut offenders = Vec::new();
    for path in files(folders, &[".rs"]).into_iter().filter(|path| !path.ends_with("tests.rs")) {
        let text = read(&path);
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (index, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            if words.iter().any(|word| line.contains(word)) {
                offenders.push(format!("{}:{}: {}", short(&path), index + 1, line.trim()));
            }
        }
    }
    offenders
}

#[test]
fn the_top_level_holds_what_the_readme_maps_and_nothing_else() {
    const ALLOWED: &str = ".ci .git .gitignore CHANGELOG.md Cargo.lock Cargo.toml LICENSE-APACHE LICENSE-MIT README.md \
        benches ci deny.toml docs examples fuzz harness reports rustfmt.toml scripts src target tests workloads";
    let allowed: Vec<&str> = ALLOWED.split_whitespace().collect();
    let names =
        fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let strays = names.filter(|name| !allowed.contains(&name.as_str())).collect();
    none(
        strays,
        "A newcomer finds the way by the map in README.md: a new top-level entry goes there and here.",
    );
}

#[test]
fn dependencies_between_crates_point_one_way() {
    let arrows: [(&str, &[&str]); 3] =
        [("harness", &[]), ("workloads", &["harness"]), ("reports", &["harness"])];
    let mut offenders = Vec::new();
    for (krate, allowed) in arrows {
        let manifest = read(&root().join(krate).join("Cargo.toml"));
        for other in ["harness", "workloads", "reports"] {
            let depends = manifest.lines().any(|line| line.starts_with(&format!("perfbench-{other}")));
            if depends && !allowed.contains(&other) {
                offenders.push(format!("{krate} -> {other}"));
            }
        }
    }
    none(
        offenders,
        "Measuring and judging meet only in the record: src -> {workloads, reports, harness} -> harness.",
    );
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let manifest = read(&root().join("Cargo.toml"));
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let silent = section
        .lines()
        .filter(|line| line.contains('=') && !line.contains("# "))
        .map(str::to_owned)
        .collect();
    none(silent, "A dependency is a promise to keep: its reason stands on its line.");
}

#[test]
fn versions_stand_once_in_the_workspace() {
    let mut offenders = Vec::new();
    for krate in [".", "harness", "workloads", "reports"] {
        let manifest = read(&root().join(krate).join("Cargo.toml"));
        let sections =
            manifest.split("\n[").filter(|s| s.contains("dependencies]") && !s.starts_with("workspace"));
        let lines = sections.flat_map(|section| section.lines().skip(1));
        let lines = lines.filter(|line| line.contains(" = ") && !line.contains("workspace"));
        offenders.extend(lines.map(|line| format!("{krate}: {line}")));
    }
    none(offenders, "Versions and reasons stand once, in [workspace.dependencies].");
}

#[test]
fn every_file_opens_with_what_lives_there() {
    let silent =
        files(&RUST, &[".rs"]).into_iter().filter(|path| !read(path).trim_start().starts_with("//!"));
    let silent = silent.map(|path| short(&path)).collect();
    none(silent, "A reader wants one or two sentences first: what lives here, and what does not.");
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let lines = |path: &PathBuf| read(path).lines().count();
    let long = files(&RUST, &[".rs"]).into_iter().filter(|path| lines(path) > 500);
    let long = long.map(|path| format!("{} ({})", short(&path), lines(&path))).collect();
    none(long, "A file has one subject: a longer one has two.");
}

#[test]
fn no_function_is_longer_than_60_lines() {
    let mut offenders = Vec::new();
    for path in files(&["src", "harness", "workloads", "reports"], &[".rs"]) {
        let text = read(&path);
        let lines: Vec<&str> = text.lines().collect();
        for (start, line) in lines.iter().enumerate().filter(|(start, _)| opens_function(&lines[*start..])) {
            let close = format!("{}}}", " ".repeat(line.len() - line.trim_start().len()));
            let length = lines[start..].iter().position(|line| *line == close).unwrap_or(0);
            if length > 60 {
                offenders.push(format!("{}:{} ({length} lines)", short(&path), start + 1));
            }
        }
    }
    none(offenders, "A function does one thing at one level.");
}

/// Whether a function with a body begins on the first line.
fn opens_function(lines: &[&str]) -> bool {
    let words: Vec<&str> = lines[0].split_whitespace().take(4).collect();
    let mut before = words.iter().take_while(|word| **word != "fn");
    let function =
        words.contains(&"fn") && before.all(|w| w.starts_with("pub") || ["const", "unsafe"].contains(w));
    let end_of_head =
        lines.iter().find(|line| line.ends_with('{') || line.ends_with(';') || line.ends_with('}'));
    function && end_of_head.is_some_and(|line| line.ends_with('{'))
}

#[test]
fn nothing_below_src_prints() {
    let words = ["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("];
    let offenders = offending_lines(&["harness/src", "workloads/src", "reports/src"], &words);
    none(offenders, "Only the command line talks to people; everything else returns data.");
}

#[test]
fn the_harness_names_no_workload() {
    let quoted: Vec<String> = REGISTRY.iter().map(|workload| format!("\"{}\"", workload.name)).collect();
    let words: Vec<&str> = quoted.iter().map(String::as_str).collect();
    none(offending_lines(&["harness/src"], &words), "The harness works for anybody's table of workloads.");
}

#[test]
fn only_the_harness_reads_clocks() {
    let words = ["_rdtsc", "clock_gettime", "Instant::now", "SystemTime::now", "cntvct"];
    let offenders = offending_lines(&["workloads/src", "reports/src"], &words);
    none(
        offenders,
        "Every reported reading comes from case/: between two readings stands only the operation.",
    );
}

#[test]
fn a_variant_and_its_file_share_one_name() {
    let mut offenders = Vec::new();
    for workload in REGISTRY {
        let folder = root().join("workloads/src").join(workload.name);
        let missing = workload.variants.iter().filter(|v| !folder.join(format!("{}.rs", v.name)).is_file());
        offenders.extend(missing.map(|variant| format!("{}/{}.rs is missing", workload.name, variant.name)));
    }
    none(offenders, "Whoever sees a row in a report finds its file by its name.");
}

#[test]
fn every_module_is_reached() {
    let mut offenders = Vec::new();
    for path in files(&["src", "harness/src", "workloads/src", "reports/src"], &[".rs"]) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let folder = path.parent().unwrap();
        let parents = ["mod.rs", "lib.rs", "main.rs"].map(|file| folder.join(file));
        let beside = folder.with_extension("rs");
        let texts = parents.iter().chain([&beside]).filter_map(|parent| fs::read_to_string(parent).ok());
        let declared = texts.into_iter().any(|text| text.contains(&format!("mod {name};")));
        if !declared && !["lib", "main", "mod"].contains(&name.as_str()) {
            offenders.push(short(&path));
        }
    }
    none(offenders, "A file that no `mod` line names is never compiled: its tests cannot fail.");
}

#[test]
fn nothing_is_left_for_later_and_nothing_names_one_machine() {
    let marks =
        [["TO", "DO"], ["FIX", "ME"], ["todo", "!("], ["unimpl", "emented!("]].map(|parts| parts.concat());
    let places = [["/wo", "rk/"], ["/ro", "ot/"], ["/tmp", "/wt"]].map(|parts| parts.concat());
    let folders =
        ["src", "harness", "workloads", "reports", "tests", "benches", "examples", "ci", "docs", "scripts"];
    let mut offenders = Vec::new();
    for path in files(&folders, &[".rs", ".md", ".toml", ".html", ".sh"]) {
        for (index, line) in read(&path).lines().enumerate() {
            if marks.iter().chain(&places).any(|word| line.contains(word.as_str())) {
                offenders.push(format!("{}:{}: {}", short(&path), index + 1, line.trim()));
            }
        }
    }
    none(offenders, "What is there works everywhere; what is missing is an issue.");
}

#[test]
fn every_script_says_what_it_does_and_stops_at_the_first_error() {
    let mut offenders = Vec::new();
    for path in ["ci", "scripts", ".ci"].iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap())
    {
        let path = path.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let mut lines = text.lines();
        let shell = lines.next().is_some_and(|first| first.starts_with("#!") && first.ends_with("sh"));
        let explained = lines.next().is_some_and(|second| second.starts_with("# "));
        if shell && !(explained && text.contains("set -euo pipefail")) {
            offenders.push(short(&path));
        }
    }
    none(
        offenders,
        "A script that goes on after an error reports success; its second line says what it is for.",
    );
}
