//! Adding a variant costs one file and two lines: the script is run on a copy of the repository, which still compiles.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    assert!(status.success(), "{command:?} failed:\n{}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}

fn git(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
    git
}

/// What git knows of the working tree, committed in a folder of its own.
fn copy_of_the_repository() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a scratch folder");
    for file in run(git(root()).args(["ls-files", "--cached", "--others", "--exclude-standard"])).lines() {
        let (from, to) = (root().join(file), copy.path().join(file));
        std::fs::create_dir_all(to.parent().expect("a file lies in a folder")).expect("a folder");
        if from.exists() {
            std::fs::copy(from, to).expect("a copy");
        }
    }
    run(git(copy.path()).args(["init", "--quiet"]));
    run(git(copy.path()).args(["add", "--all"]));
    run(git(copy.path()).args(["commit", "--quiet", "--message", "before"]));
    copy
}

/// Lines added and removed, by file.
fn changes(folder: &Path) -> Vec<String> {
    run(git(folder).args(["add", "--all"]));
    let changes = run(git(folder).args(["diff", "--cached", "--numstat"]));
    changes.lines().map(|line| line.replace('\t', " ")).collect()
}

/// This build's own folder, so that what the copy depends on need not be compiled again.
fn target() -> PathBuf {
    let program = std::env::current_exe().expect("this test");
    let profile = program.ancestors().find(|folder| folder.ends_with("debug") || folder.ends_with("release"));
    profile.and_then(Path::parent).expect("tests lie below the target folder").into()
}

/// Every folder that has a table.
fn workloads() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("workloads/src")).expect("the workloads lie here");
    let folders = folders.map(|entry| entry.expect("an entry").path());
    let workloads = folders.filter(|folder| folder.join("mod.rs").exists());
    let name = |folder: PathBuf| folder.file_name().expect("a name").to_string_lossy().into_owned();
    let mut names: Vec<String> = workloads.map(name).collect();
    // What self-tests use is no structure with variants of one contract.
    names.retain(|name| perfbench_workloads::REGISTRY.iter().any(|workload| workload.name == name));
    names.sort();
    names
}

#[test]
fn a_new_variant_is_one_file_and_two_lines_in_every_workload_and_all_compile() {
    let (copy, workloads) = (copy_of_the_repository(), workloads());
    assert_eq!(workloads.len(), perfbench_workloads::REGISTRY.len(), "{workloads:?}");
    let mut expected = Vec::new();
    for workload in &workloads {
        run(Command::new(copy.path().join("scripts/new-variant.sh")).args([workload, "brand_new"]));
        let folder = copy.path().join("workloads/src").join(workload);
        let file = std::fs::read_to_string(folder.join("brand_new.rs")).expect("the new file");
        expected.push(format!("{} 0 workloads/src/{workload}/brand_new.rs", file.lines().count()));
        expected.push(format!("2 0 workloads/src/{workload}/mod.rs"));
    }
    assert_eq!(changes(copy.path()), expected);
    run(Command::new(env!("CARGO")).current_dir(copy.path()).env("CARGO_TARGET_DIR", target()).args([
        "check",
        "--quiet",
        "--offline",
        "--package",
        "perfbench-workloads",
    ]));
}

#[test]
fn a_table_whose_line_cannot_be_copied_is_left_as_it_is() {
    let copy = copy_of_the_repository();
    let script = copy.path().join("scripts/new-variant.sh");
    let too_long = "n".repeat(35);
    let arguments = [
        ["object_pool", &too_long, "Optimised", "sync_mutex"],
        ["aead", "brand_new", "Optimised", "portable"],
        ["aead", "brand_new", "Optimised", "engine"],
    ];
    for arguments in arguments {
        let output = Command::new(&script).args(arguments).output().expect("the script starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert_eq!(changes(copy.path()), Vec::<String>::new());
}

#[test]
fn the_script_refuses_what_is_there_already_and_says_how_it_is_used() {
    let copy = copy_of_the_repository();
    let script = copy.path().join("scripts/new-variant.sh");
    let refused =
        [["object_pool", "sync_mutex"], ["object_pool", "Sync-Mutex"], ["no_such_workload", "name"]];
    for arguments in refused {
        let output = Command::new(&script).args(arguments).output().expect("the script starts");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: "), "{arguments:?}");
    }
    assert_eq!(changes(copy.path()), Vec::<String>::new());
}
