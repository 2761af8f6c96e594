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

#[test]
fn a_new_variant_is_one_file_and_two_lines_and_compiles() {
    let copy = copy_of_the_repository();
    let original = root().join("workloads/src/object_pool/system_malloc.rs");
    let lines = std::fs::read_to_string(original).expect("the first variant").lines().count();
    run(Command::new(copy.path().join("scripts/new-variant.sh")).args(["object_pool", "brand_new"]));
    let expected = [
        format!("{lines} 0 workloads/src/object_pool/brand_new.rs"),
        "2 0 workloads/src/object_pool/mod.rs".into(),
    ];
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
